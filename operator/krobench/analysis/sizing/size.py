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
from krobench.analysis.quantities import cpu_quantity, memory_quantity, number_of
from krobench.analysis.recommendations.case import Case
from krobench.analysis.recommendations.kro import MEMORY_HEADROOM
from krobench.analysis.sizing.growth import Estimate, Growth, Known, SizingError, what_is_known
from krobench.api import units
from krobench.figures.catalogue import KRO_CPU_SECONDS
from krobench.findings.recommendation import Setting
from krobench.findings.sizing import SizedFigure, Sizing
from krobench.record.run import RunRecord

BUSY = 0.7
"""Share of the time for which workers and processors are to be busy: beyond, most of the time until
ready is queueing."""
_VAGUE = 3.0
"""From so many times the estimate on, an upper end is no value to be set without a warning."""
_DEFAULT_CORES = 1.0
_RGD_WORKERS, _REVISION_WORKERS = 8, 4


@dataclass(frozen=True)
class Wanted:
    """A scale, and the rate at which instances are to become ready."""

    rgds: int
    instances: int
    per_second: float | None = None
    """None: the highest that was measured."""
    test: str | None = None
    """One of the tests of the shape that is meant, where the records have several."""


def size_for(runs: Sequence[RunRecord], wanted: Wanted) -> Sizing:
    """Return what kro needs for a scale.

    Raises:
        SizingError: if the records cannot tell; the message says what is missing.
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
        raise SizingError("no throughput was measured: give the wanted one with --rate")
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
    estimate, used = base.at(wanted.rgds), [_words(base)]
    beyond = wanted.rgds > base.largest
    if further and known.by_instances is None:
        raise SizingError(
            f"so many RGDs had {with_them:g} instances, and what others take the record cannot "
            f"tell: ask for --instances {with_them:g}, or add a record whose axis is instances"
        )
    if further and known.by_instances is not None:
        estimate = estimate.plus(known.by_instances.step(further))
        used.append(_words(known.by_instances))
        beyond = beyond or wanted.instances > known.by_instances.largest
    return _figure(estimate, used, extrapolated=beyond)


def _by_instances_alone(growth: Growth, wanted: Wanted) -> SizedFigure:
    rgds = {test.rgds for test in growth.tests}
    if rgds != {wanted.rgds}:
        had = ", ".join(map(str, sorted(rgds)))
        raise SizingError(
            f"the record has {had} RGD{'s' if had != '1' else ''} at every size, and cannot tell "
            f"what {wanted.rgds} take: add a record whose axis is rgds, or ask for --rgds {had}"
        )
    beyond = wanted.instances > growth.largest
    return _figure(growth.at(wanted.instances), [_words(growth)], extrapolated=beyond)


def _instances_with(growth: Growth, rgds: int) -> float:
    """Return how many instances so many RGDs have in the tests of a growth by RGDs."""
    counts = {test.instances for test in growth.tests}
    if len(counts) == 1:
        return float(counts.pop())
    return rgds * growth.tests[-1].instances / growth.tests[-1].rgds


def _words(growth: Growth) -> str:
    sizes = ", ".join(f"{size:g}" for size in sorted(growth.measured))
    if growth.model == "power":
        how = f"as the power {growth.rate:.3g} of their number"
    else:
        one = "RGD" if growth.axis == "rgds" else "instance"
        how = f"by {units.size(growth.rate)} for each further {one}"
        if growth.low is not None and growth.high is not None:
            how += f" (95 % interval {units.size(growth.low)} to {units.size(growth.high)})"
    return f"measured at {sizes} {'RGDs' if growth.axis == 'rgds' else 'instances'}: grows {how}"


def _figure(estimate: Estimate, used: list[str], *, extrapolated: bool) -> SizedFigure:
    return SizedFigure(
        figure="kro's memory, most",
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
        raise SizingError("kro's CPU time for an instance is not available in these records")
    _, largest = max(each, key=lambda pair: (pair[0].test.rgds, pair[0].test.instances))
    costs = [cost for _, cost in each]
    fastest = max((case.throughput or 0.0 for case in cases), default=0.0)
    how = (
        f"{units.seconds(largest)} of CPU time for an instance at the largest size, "
        f"{units.seconds(min(costs))} to {units.seconds(max(costs))} over all of them"
    )
    return SizedFigure(
        figure="kro's CPU, mean",
        unit="cores",
        value=largest * rate,
        low=min(costs) * rate,
        high=max(costs) * rate,
        from_=[how],
        extrapolated=rate > fastest,
    )


def _workers(cases: Sequence[Case], rate: float) -> SizedFigure | None:
    known = [case for case in cases if case.demand_seconds is not None]
    if not known:
        return None
    largest = max(known, key=lambda case: (case.test.rgds, case.test.instances))
    demand = largest.demand_seconds or 0.0
    how = (
        f"{units.seconds(demand)} of a worker for an instance, and workers that are busy for "
        f"{units.percent(BUSY)} of the time"
    )
    return SizedFigure(
        figure="workers for instances",
        unit="number",
        value=max(1, math.ceil(rate * demand / BUSY)),
        from_=[how],
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


def _notes(memory: SizedFigure, wanted: Wanted, cases: Sequence[Case]) -> list[str]:
    notes = []
    if memory.extrapolated:
        times = _times_beyond(cases, wanted)
        notes.append(
            f"Extrapolated: this scale is {_times(times)} times what was "
            "measured, and something may break before it is reached."
        )
    if memory.high is not None and memory.high > _VAGUE * memory.value:
        notes.append(
            f"Memory is hardly known: the upper end is {units.number(memory.high / memory.value)} "
            "times the estimate, and requests and limits are for that end. Measure sizes that are "
            "nearer to this scale, or repeat them more often, before these values are used."
        )
    if memory.high is None:
        notes.append(
            "Memory has no interval: there are too few repetitions for one. Repeat each size, or "
            "measure more of them."
        )
    notes.append(
        f"The memory limit has {units.percent(MEMORY_HEADROOM - 1)} of headroom over the upper "
        "end: a restart compiles all RGDs at once."
    )
    rate = "as asked for" if wanted.per_second else "the most that was measured"
    fastest = max((case.throughput or 0.0 for case in cases), default=0.0)
    notes.append(
        f"CPU and workers are for {units.rate(wanted.per_second or fastest)}, {rate}; requests "
        "are its mean, limits leave processors busy for no more than "
        f"{units.percent(BUSY)} of the time, and are no lower than now."
    )
    if fastest and (wanted.per_second or 0.0) > fastest:
        beyond = (wanted.per_second or 0.0) / fastest
        notes.append(
            f"Extrapolated: that rate is {_times(beyond)} times the fastest "
            "that was measured. Workers share kro's CPU and the API server, so that more of them "
            "bring less and less."
        )
    return notes


def _times(factor: float) -> str:
    return units.number(float(f"{factor:.3g}"))


def _times_beyond(cases: Sequence[Case], wanted: Wanted) -> float:
    """Return how far a scale lies beyond the largest sizes, by whichever is farther."""
    rgds = max(case.test.rgds for case in cases)
    instances = max(case.test.instances for case in cases)
    return max(wanted.rgds / rgds, wanted.instances / instances)


def _revisions(settings: KroSettings, cases: Sequence[Case], wanted: Wanted) -> list[str]:
    """Return what RGDs that are updated take more, which no creation of them shows."""
    kept = settings.number(KEPT_REVISIONS)
    heaps = [each for case in cases if (each := case.heap_of_an_rgd)]
    if kept is None or kept < 2 or not heaps:
        return []
    each = max(0.0, sorted(heaps)[len(heaps) // 2])
    if not each:
        return []
    most = units.size(each * (kept - 1) * wanted.rgds)
    note = (
        f"Not included: up to {most} more once every RGD was updated {kept - 1} times, as kro "
        f"keeps {kept} compiled revisions of each, of about {units.size(each)}; "
        f"{KEPT_REVISIONS.name} lowers it."
    )
    return [note]
