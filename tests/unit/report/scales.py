"""The record of a scale test."""

from collections.abc import Mapping
from functools import cache

from unit.records import figures, some_iteration, some_run, some_summary, some_test

from krobench.analysis.scaling.summarise import with_findings
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.figures.catalogue import KRO_RESIDENT
from krobench.figures.environment import Environment
from krobench.figures.summaries import Counts, Latencies, LatencySummary
from krobench.findings.scaling import ScaleRecord, SizeIteration, SizeRecord, SizeVerdict, SloMissed
from krobench.record.run import RunRecord, RunState
from krobench.record.test import IterationRecord, TestRecord

P99 = "latency.instanceReady.p99"
SLO = f"{P99} < 2.0"
SPEC = {
    "axis": "instances",
    "sizes": {"from": 100, "to": 1600},
    "slo": [SLO, "kro.memory.residentBytes.max < 300.0 * 1048576.0"],
    "workload": {"scenario": "single", "instances": 1},
}
SIZES = {100: 1, 200: 1, 400: 1, 800: 1, 950: 3, 1050: 3, 1200: 1, 1600: 1}
"""Iterations by size."""


def scale_run(limit: float = 1000, sizes: Mapping[int, int] = SIZES) -> RunRecord:
    """Return a run whose p99 crosses 2 s at so many instances; ``sizes`` as ``SIZES``."""
    return _analysed(limit, tuple(sizes.items())).model_copy(deep=True)


@cache
def _analysed(limit: float, sizes: tuple[tuple[int, int], ...]) -> RunRecord:
    spec = KroScaleTestSpec.model_validate(SPEC)
    tests = [_test(size, count, limit) for size, count in sizes]
    measured = [_size(test) for test in tests]
    scale = with_findings(spec, ScaleRecord(axis=spec.axis, sizes=measured), tests)
    return some_run(
        *tests,
        id="0",
        name="how-far",
        namespace="bench",
        kind="KroScaleTest",
        state=RunState.COMPLETED,
        spec=spec.model_dump(mode="json", by_alias=True),
        environment=Environment(krobench="0.1.0"),
        scale=scale,
    )


def _size(test: TestRecord) -> SizeRecord:
    judged = []
    for iteration in test.iterations:
        ready = iteration.latency.instance_ready
        p99 = ready.p99_seconds if ready is not None else None
        met = p99 is not None and p99 < 2
        breached = [] if met or p99 is None else [SloMissed(slo=SLO, measured={P99: p99})]
        values = {P99: p99, "kro.memory.residentBytes.max": iteration.figures[KRO_RESIDENT.max]}
        judged.append(
            SizeIteration(
                iteration=iteration.index, met=met, breached=breached, values=dict(values)
            )
        )
    verdict = SizeVerdict.MET if judged[0].met else SizeVerdict.BREACHED
    return SizeRecord(size=test.instances, test=test.name, iterations=judged, verdict=verdict)


def _test(size: int, count: int, limit: float) -> TestRecord:
    iterations = [_iteration(index, size, limit, 1 + 0.01 * (index - 1)) for index in range(count)]
    first = iterations[0]
    return some_test(
        name=f"instances-{size}",
        planned_iterations=count,
        instances=size,
        concurrency=10,
        timeout_seconds=600.0,
        iterations=iterations,
        summary=some_summary(
            iterations=count,
            latency=first.latency,
            figures=first.figures,
        ),
    )


def _iteration(index: int, size: int, limit: float, noise: float) -> IterationRecord:
    seconds, p99 = size / 20, 2 * size / limit * noise
    return some_iteration(
        index=index,
        duration_seconds=seconds,
        counts=Counts(requested=size),
        latency=Latencies(instance_ready=LatencySummary(n=size, p50_seconds=0.2, p99_seconds=p99)),
        figures=figures(
            {
                "duration.runSeconds": seconds,
                "throughput.instancesPerSecond": 20 * noise,
                "kro.cpu.seconds": 0.03 * size,
                "kro.cpu.meanCores": 0.6 * noise,
                "kro.memory.residentBytes.max": 60 * 2**20 + size * 2**16,
                "kro.requests.total": 11.0 * size,
            }
        ),
    )
