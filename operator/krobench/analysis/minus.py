"""What a test costs beyond another that it was interleaved with."""

from collections.abc import Iterable, Sequence
from statistics import median

from krobench.analysis.figures import (
    ALLOCATED,
    CPU,
    LIVE_HEAP,
    READY,
    REQUESTS,
    RESIDENT,
    RGD_READY,
    SERVER_CPU,
    SET_UP_CPU,
    SET_UP_REQUESTS,
    Compared,
    values_of,
)
from krobench.analysis.statistics.theilsen import fit_slope
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.findings.difference import CostDifference
from krobench.record.test import TestRecord

_DIGITS = 9
_FIGURES = (
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
        difference
        for test in tests
        if test.spec_name in minus
        for difference in _between(test, by_key[minus[test.spec_name], test.variant])
    ]


def _between(test: TestRecord, other: TestRecord) -> Iterable[CostDifference]:
    return (_difference(test, other, figure) for figure in _FIGURES)


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
