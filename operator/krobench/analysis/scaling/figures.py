"""Which figures are shown against size, and their values in each repetition."""

from collections.abc import Iterator, Sequence

from krobench.analysis.names import flat, values_by_name
from krobench.analysis.scaling.slos import bounded_figures
from krobench.findings.scaling import CurvePoint, ScaleStep
from krobench.record.iteration import IterationRecord
from krobench.record.test import TestRecord

_CPU_TIME = "cpu.kroSeconds"
_FIGURES = (
    "latency.instanceReady.p50",
    "latency.instanceReady.p99",
    "throughput.instancesPerSecond",
    "memory.residentMaxBytes",
    "usage.kroRuntime.liveHeapBytes",
    _CPU_TIME,
    "cpu.kroMeanCores",
    "apiRequests.kroPerSecond",
    "apiRequests.totalPerSecond",
)

Points = dict[str, list[CurvePoint]]
"""By figure."""


def points_by_figure(
    steps: Sequence[ScaleStep], tests: Sequence[TestRecord], slos: Sequence[str]
) -> Points:
    """Return what each repetition measured of each figure, those of the SLOs included.

    A repetition that is invalid or did not get to its end has no point. Where sizes were built
    upon each other, kro's CPU time is of what each added, and nothing that grows with size.
    """
    built_up = any(trial.upon is not None for step in steps for trial in step.trials)
    usual = [figure for figure in _FIGURES if not (built_up and figure == _CPU_TIME)]
    found: Points = {figure: [] for figure in dict.fromkeys((*bounded_figures(slos), *usual))}
    by_name = {test.name: test for test in tests}
    for step in sorted(steps, key=lambda each: each.size):
        for iteration in repetitions(step, by_name.get(step.test)):
            values = _values(iteration)
            for figure, points in found.items():
                value = values.get(figure)
                if value is not None:
                    points.append(CurvePoint(size=step.size, value=value))
    return {figure: points for figure, points in found.items() if points}


def repetitions(step: ScaleStep, test: TestRecord | None) -> Iterator[IterationRecord]:
    """Yield the repetitions of a size that count, and came to their end."""
    told = {trial.iteration for trial in step.trials if trial.met is not None}
    for iteration in test.iterations if test is not None else ():
        if iteration.index in told and iteration.success:
            yield iteration


def _values(iteration: IterationRecord) -> dict[str, float | None]:
    values = flat(values_by_name(iteration, errors_total=0))
    requests = iteration.api_requests
    values["apiRequests.kroPerSecond"] = per_second(requests.kro, iteration.run_seconds)
    values["apiRequests.totalPerSecond"] = per_second(requests.total, iteration.run_seconds)
    return values


def per_second(count: float | None, seconds: float | None) -> float | None:
    """Return a number per second of a run phase; None where either is not known."""
    return count / seconds if count is not None and seconds else None
