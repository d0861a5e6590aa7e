"""Requests, limits and flags for a wanted scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from krobench.analysis.bottlenecks.facts import MANY_RGDS
from krobench.analysis.krosettings import (
    INSTANCE_WORKERS,
    KEPT_REVISIONS,
    REVISION_WORKERS,
    RGD_WORKERS,
    KroSettings,
)
from krobench.analysis.recommendations.case import Case
from krobench.analysis.recommendations.resources import MEMORY_HEADROOM
from krobench.analysis.resourcequantities import cpu_quantity, memory_quantity, number_of
from krobench.analysis.sizing.growth import Estimate, Growth, Known, SizingError, what_is_known
from krobench.figures.catalogue import KRO_CPU_SECONDS
from krobench.findings.recommendation import Setting
from krobench.findings.sizing import (
    AnyBasis,
    AnySizingNote,
    CpuPerInstance,
    MemoryGrowth,
    MemoryHeadroom,
    MemoryVague,
    MemoryWithoutInterval,
    NoCpuPerInstance,
    NoThroughput,
    OtherInstances,
    OtherRgds,
    RateExtrapolated,
    RateUsed,
    RevisionsNotIncluded,
    ScaleExtrapolated,
    SizedFigure,
    Sizing,
    WorkerPerInstance,
)
from krobench.record.run import RunRecord

BUSY = 0.7
"""Share of the time for which workers and processors may be busy: above it, most of the time until
ready is queueing."""
_VAGUE = 3.0
"""An upper end above so many times the estimate is not used without a warning."""
_DEFAULT_CORES = 1.0
_RGD_WORKERS, _REVISION_WORKERS = 8, 4


@dataclass(frozen=True)
class Wanted:
    """A scale, and the rate at which instances should become ready."""

    rgds: int
    instances: int
    per_second: float | None = None
    """None: the highest that was measured."""
    test: str | None = None
    """A test of the wanted shape, if the records have several shapes."""


def size_for(runs: Sequence[RunRecord], wanted: Wanted) -> Sizing:
    """Return what kro needs for a scale.

    Raises:
        SizingError: if the records are not enough.
    """
    known = what_is_known(runs, wanted.test)
    settings = KroSettings(known.run.environment.kro)
    cases = [
        Case(test, test.summary, settings, known.run.environment.nodes)
        for test in known.tests
        if test.summary is not None and test.success
    ]
    memory = _memory(known, wanted)
    rate = wanted.per_second or max((case.throughput or 0.0 for case in cases), default=0.0)
    if not rate:
        raise SizingError(NoThroughput())
    cpu = _cpu(cases, rate)
    workers = _workers(cases, rate)
    kro = known.run.environment.kro
    return Sizing(
        workload=known.tests[0].workload,
        kro_version=kro.version if kro is not None else None,
        rgds=wanted.rgds,
        instances=wanted.instances,
        instances_per_second=rate,
        memory=memory,
        cpu=cpu,
        workers=workers,
        settings=[*_resources(settings, memory, cpu), *_flags(settings, wanted, workers)],
        notes=[*_notes(memory, wanted, cases), *_revisions(settings, cases, wanted)],
    )


def _memory(known: Known, wanted: Wanted) -> SizedFigure:
    if known.by_rgds is None:
        assert known.by_instances is not None
        return _by_instances_alone(known.by_instances, wanted)
    base = known.by_rgds
    with_them = _instances_with(base, wanted.rgds)
    further = wanted.instances - with_them
    estimate = base.at(wanted.rgds)
    used: list[AnyBasis] = [_basis(base)]
    beyond = wanted.rgds > base.largest
    if further and known.by_instances is None:
        raise SizingError(OtherInstances(had=with_them))
    if further and known.by_instances is not None:
        estimate = estimate.plus(known.by_instances.added(further))
        used.append(_basis(known.by_instances))
        beyond = beyond or wanted.instances > known.by_instances.largest
    return _figure(estimate, used, extrapolated=beyond)


def _by_instances_alone(growth: Growth, wanted: Wanted) -> SizedFigure:
    rgds = {test.rgds for test in growth.tests}
    if rgds != {wanted.rgds}:
        raise SizingError(OtherRgds(had=sorted(rgds), wanted=wanted.rgds))
    beyond = wanted.instances > growth.largest
    return _figure(growth.at(wanted.instances), [_basis(growth)], extrapolated=beyond)


def _instances_with(growth: Growth, rgds: int) -> float:
    """Return how many instances so many RGDs have in the tests of a growth by RGDs."""
    counts = {test.instances for test in growth.tests}
    if len(counts) == 1:
        return float(counts.pop())
    return rgds * growth.tests[-1].instances / growth.tests[-1].rgds


def _basis(growth: Growth) -> MemoryGrowth:
    return MemoryGrowth(
        axis=growth.axis,
        sizes=sorted(growth.measured),
        model=growth.model,
        rate=growth.rate,
        low=growth.low,
        high=growth.high,
    )


def _figure(estimate: Estimate, used: list[AnyBasis], *, extrapolated: bool) -> SizedFigure:
    return SizedFigure(
        figure="memory",
        unit="bytes",
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        from_=used,
        extrapolated=extrapolated,
    )


def _cpu(cases: Sequence[Case], rate: float) -> SizedFigure:
    each = [
        (case, cost)
        for case in cases
        if (cost := case.figures[KRO_CPU_SECONDS.per_instance]) is not None
    ]
    if not each:
        raise SizingError(NoCpuPerInstance())
    _, largest = max(each, key=lambda pair: (pair[0].test.rgds, pair[0].test.instances))
    costs = [cost for _, cost in each]
    fastest = max((case.throughput or 0.0 for case in cases), default=0.0)
    return SizedFigure(
        figure="cpu",
        unit="cores",
        value=largest * rate,
        low=min(costs) * rate,
        high=max(costs) * rate,
        from_=[CpuPerInstance(seconds=largest, low=min(costs), high=max(costs))],
        extrapolated=rate > fastest,
    )


def _workers(cases: Sequence[Case], rate: float) -> SizedFigure | None:
    known = [case for case in cases if case.demand_seconds is not None]
    if not known:
        return None
    largest = max(known, key=lambda case: (case.test.rgds, case.test.instances))
    demand = largest.demand_seconds or 0.0
    return SizedFigure(
        figure="workers",
        unit="number",
        value=max(1, math.ceil(rate * demand / BUSY)),
        from_=[WorkerPerInstance(seconds=demand, busy=BUSY)],
        extrapolated=rate > max(case.throughput or 0.0 for case in known),
    )


def _resources(settings: KroSettings, memory: SizedFigure, cpu: SizedFigure) -> list[Setting]:
    most_bytes = memory.value if memory.high is None else max(memory.high, memory.value)
    most_cores = cpu.value if cpu.high is None else cpu.high
    limit_cores = max(most_cores / BUSY, number_of(settings.limit("cpu")) or _DEFAULT_CORES)
    return [
        settings.change_resource("requests", "cpu", cpu_quantity(most_cores)),
        settings.change_resource("requests", "memory", memory_quantity(most_bytes)),
        settings.change_resource("limits", "cpu", cpu_quantity(limit_cores)),
        settings.change_resource("limits", "memory", memory_quantity(most_bytes * MEMORY_HEADROOM)),
    ]


def _flags(settings: KroSettings, wanted: Wanted, workers: SizedFigure | None) -> list[Setting]:
    flags = []
    if workers is not None:
        flags.append(settings.change(INSTANCE_WORKERS, f"{workers.value:g}"))
    if wanted.rgds >= MANY_RGDS:
        flags.append(settings.change(RGD_WORKERS, str(min(_RGD_WORKERS, wanted.rgds))))
        flags.append(settings.change(REVISION_WORKERS, str(min(_REVISION_WORKERS, wanted.rgds))))
    return flags


def _notes(memory: SizedFigure, wanted: Wanted, cases: Sequence[Case]) -> list[AnySizingNote]:
    notes: list[AnySizingNote] = []
    if memory.extrapolated:
        rgds = wanted.rgds / max(case.test.rgds for case in cases)
        instances = wanted.instances / max(case.test.instances for case in cases)
        notes.append(ScaleExtrapolated(times=max(rgds, instances)))
    if memory.high is not None and memory.high > _VAGUE * memory.value:
        notes.append(MemoryVague(times=memory.high / memory.value))
    if memory.high is None:
        notes.append(MemoryWithoutInterval())
    notes.append(MemoryHeadroom(ratio=MEMORY_HEADROOM - 1))
    fastest = max((case.throughput or 0.0 for case in cases), default=0.0)
    rate, requested = wanted.per_second or fastest, bool(wanted.per_second)
    notes.append(RateUsed(per_second=rate, requested=requested, busy=BUSY))
    if fastest and rate > fastest:
        notes.append(RateExtrapolated(times=rate / fastest))
    return notes


def _revisions(settings: KroSettings, cases: Sequence[Case], wanted: Wanted) -> list[AnySizingNote]:
    """Return what RGDs that are updated take in addition, which no creation of them shows."""
    kept = settings.number(KEPT_REVISIONS)
    heaps = sorted(heap for case in cases if (heap := case.heap_of_an_rgd))
    each = max(0.0, heaps[len(heaps) // 2]) if heaps else 0.0
    if kept is None or kept < 2 or not each:
        return []
    return [
        RevisionsNotIncluded(
            most_bytes=each * (kept - 1) * wanted.rgds,
            kept=int(kept),
            bytes_each=each,
            setting=KEPT_REVISIONS.name,
        )
    ]
