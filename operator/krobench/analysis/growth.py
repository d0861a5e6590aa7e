"""How figures differ between tests: with the size of a workload, and with what a test adds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import orjson

from krobench.analysis.statistics.theilsen import fit_slope
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.figures import catalogue
from krobench.figures.figure import Figure
from krobench.figures.latencies import latency_of
from krobench.findings.growth import CostDifference, SizeAxis, Slope, SlopeUnit
from krobench.record.test import IterationRecord, TestRecord


@dataclass(frozen=True)
class Compared:
    """A figure, or the median of a latency, of each iteration."""

    unit: SlopeUnit
    of: Figure | str
    """A line of the catalogue, or the name of a latency."""
    of_each: bool = False
    """Whether it grows with each instance, so that it can be shared out among them."""

    @property
    def name(self) -> str:
        """Its name in the catalogue."""
        return self.of.name if isinstance(self.of, Figure) else f"latency.{self.of}.p50"

    def value(self, iteration: IterationRecord) -> float | None:
        """Return its value; None if it was not measured."""
        if isinstance(self.of, Figure):
            return iteration.figures[self.of]
        latency = latency_of(iteration.latency, self.of)
        return None if latency is None else latency.p50_seconds


def values_of(test: TestRecord, figure: Compared) -> list[float]:
    """Return the figure of each measured iteration that has it."""
    each = (figure.value(i) for i in test.iterations if not i.warmup and i.success)
    return [value for value in each if value is not None]


LIVE_HEAP = Compared("bytes", catalogue.KRO_LIVE_HEAP)
RESIDENT = Compared("bytes", catalogue.KRO_RESIDENT.max)
GOROUTINES = Compared("number", catalogue.KRO_GOROUTINES.max)
WATCHED_KINDS = Compared("number", catalogue.KRO_WATCHED_KINDS.max)
SET_UP_CPU = Compared("seconds", catalogue.KRO_CPU_SECONDS.set_up)
SET_UP_REQUESTS = Compared("number", catalogue.KRO_REQUESTS.set_up)
CPU = Compared("seconds", catalogue.KRO_CPU_SECONDS, of_each=True)
REQUESTS = Compared("number", catalogue.KRO_REQUESTS, of_each=True)
ALLOCATED = Compared("bytes", catalogue.KRO_ALLOCATED, of_each=True)
SERVER_CPU = Compared("seconds", catalogue.API_SERVER_CPU_SECONDS, of_each=True)
READY = Compared("seconds", "instanceReady")
RGD_READY = Compared("seconds", "rgdReady")


_DIGITS = 9
# What two tests may differ in and still run the same workload in the same way.
_APART: Mapping[str, bool | set[str]] = {
    "name": True,
    "minus": True,
    "iterations": True,
    "warmup": True,
    "thresholds": True,
    "timeout": True,
    "workload": {"instances", "rgds"},
}


_MEMORY = (LIVE_HEAP, RESIDENT, GOROUTINES)
_OF_SLOPES: dict[SizeAxis, tuple[Compared, ...]] = {
    "rgds": (*_MEMORY, WATCHED_KINDS, SET_UP_CPU, SET_UP_REQUESTS),
    "instances": (*_MEMORY, CPU, REQUESTS, ALLOCATED, SERVER_CPU),
}


def measure_slopes(spec: KroBenchmarkSpec, tests: Sequence[TestRecord]) -> list[Slope]:
    """Return the slopes of each group of tests that run one workload in several sizes.

    Each variant of kro has groups of its own.
    """
    asked = {
        test.name: orjson.dumps(
            test.model_dump(mode="json", exclude=_APART), option=orjson.OPT_SORT_KEYS
        )
        for test in spec.tests
    }
    groups: dict[tuple[bytes, str | None], list[TestRecord]] = {}
    for test in tests:
        groups.setdefault((asked[test.spec_name], test.variant), []).append(test)
    return [slope for group in groups.values() for slope in _slopes_of(group)]


def _slopes_of(group: Sequence[TestRecord]) -> Iterable[Slope]:
    axis = _axis(group)
    if axis is None:
        return
    ordered = sorted(group, key=lambda test: _size(test, axis))
    for figure in _OF_SLOPES[axis]:
        values: dict[int, list[float]] = {}
        for test in ordered:
            values.setdefault(_size(test, axis), []).extend(values_of(test, figure))
        fit = fit_slope(values)
        if fit is not None:
            yield Slope(
                tests=[test.name for test in ordered],
                axis=axis,
                sizes=list(values),
                figure=figure.name,
                unit=figure.unit,
                points=sum(map(len, values.values())),
                per_one=round(fit.slope, _DIGITS),
                low=None if fit.low is None else round(fit.low, _DIGITS),
                high=None if fit.high is None else round(fit.high, _DIGITS),
            )


def _axis(group: Sequence[TestRecord]) -> SizeAxis | None:
    """Return what the sizes differ in; None if they do not, or not in one way.

    If each RGD brings its own instances with it, the RGDs are what grows.
    """
    rgds = {test.rgds for test in group}
    if len(rgds) > 1:
        alike = len({test.instances for test in group}) == 1
        in_step = len({test.instances / test.rgds for test in group}) == 1
        return "rgds" if alike or in_step else None
    return "instances" if len({test.instances for test in group}) > 1 else None


def _size(test: TestRecord, axis: SizeAxis) -> int:
    return test.rgds if axis == "rgds" else test.instances


_OF_DIFFERENCES = (
    READY,
    CPU,
    REQUESTS,
    ALLOCATED,
    SERVER_CPU,
    LIVE_HEAP,
    RESIDENT,
    RGD_READY,
    SET_UP_CPU,
    SET_UP_REQUESTS,
)


def measure_differences(
    spec: KroBenchmarkSpec, tests: Sequence[TestRecord]
) -> list[CostDifference]:
    """Return each test that names another minus that one, under each variant of kro."""
    minus = {test.name: test.minus for test in spec.tests if test.minus is not None}
    by_key = {(test.spec_name, test.variant): test for test in tests}
    return [
        _difference(test, by_key[minus[test.spec_name], test.variant], figure)
        for test in tests
        if test.spec_name in minus
        for figure in _OF_DIFFERENCES
    ]


def _difference(test: TestRecord, other: TestRecord, figure: Compared) -> CostDifference:
    """Return one figure's difference: the slope from without, 0, to with, 1."""
    values, without = values_of(test, figure), values_of(other, figure)
    found = CostDifference(
        test=test.name,
        minus=other.name,
        figure=figure.name,
        unit=figure.unit,
        points=len(values),
        minus_points=len(without),
        value=_rounded(median(values)) if values else None,
        minus_value=_rounded(median(without)) if without else None,
    )
    fit = fit_slope({0: without, 1: values})
    if fit is not None:
        found.difference = _rounded(fit.slope)
        found.low, found.high = _rounded(fit.low), _rounded(fit.high)
        if figure.of_each:
            found.each = _rounded(fit.slope / test.instances)
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
