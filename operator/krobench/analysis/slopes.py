"""How figures grow with the size of a workload, from tests that differ in nothing else."""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from krobench.analysis.figures import (
    ALLOCATED,
    CPU,
    GOROUTINES,
    LIVE_HEAP,
    REQUESTS,
    RESIDENT,
    SERVER_CPU,
    SET_UP_CPU,
    SET_UP_REQUESTS,
    WATCHED_KINDS,
    Compared,
    values_of,
)
from krobench.analysis.statistics.theilsen import fit_slope
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.suite import Test
from krobench.findings.slope import SizeAxis, Slope
from krobench.record.test import TestRecord

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
_FIGURES: dict[SizeAxis, tuple[Compared, ...]] = {
    "rgds": (*_MEMORY, WATCHED_KINDS, SET_UP_CPU, SET_UP_REQUESTS),
    "instances": (*_MEMORY, CPU, REQUESTS, ALLOCATED, SERVER_CPU),
}


def measure_slopes(spec: KroBenchmarkSpec, tests: Sequence[TestRecord]) -> list[Slope]:
    """Return the slopes of each group of tests that run one workload in several sizes.

    Each variant of kro has groups of its own.
    """
    asked = {test.name: _what_it_runs(test) for test in spec.tests}
    groups: dict[tuple[bytes, str | None], list[TestRecord]] = {}
    for test in tests:
        groups.setdefault((asked[test.spec_name], test.variant), []).append(test)
    return [slope for group in groups.values() for slope in _slopes_of(group)]


def _what_it_runs(test: Test) -> bytes:
    return orjson.dumps(test.model_dump(mode="json", exclude=_APART), option=orjson.OPT_SORT_KEYS)


def _slopes_of(group: Sequence[TestRecord]) -> Iterable[Slope]:
    axis = _axis(group)
    if axis is None:
        return
    ordered = sorted(group, key=lambda test: _size(test, axis))
    for figure in _FIGURES[axis]:
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
    """Return what the sizes differ in; None where they do not, or in no plain way.

    Where each RGD brings its own instances with it, the RGDs are what grows.
    """
    rgds = {test.rgds for test in group}
    if len(rgds) > 1:
        alike = len({test.instances for test in group}) == 1
        in_step = len({test.instances / test.rgds for test in group}) == 1
        return "rgds" if alike or in_step else None
    return "instances" if len({test.instances for test in group}) > 1 else None


def _size(test: TestRecord, axis: SizeAxis) -> int:
    return test.rgds if axis == "rgds" else test.instances
