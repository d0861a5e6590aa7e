"""kro itself: its workers, its CPU, its memory, and the waits before it reconciles again."""

from collections.abc import Iterator

from krobench.analysis.bottlenecks.facts import (
    Assessment,
    Facts,
    NotMeasuredError,
    Of,
    PoolUse,
    above,
    known,
    ramp,
)
from krobench.analysis.krosettings import (
    GO_MEMORY_LIMIT,
    INSTANCE_WORKERS,
    REVISION_WORKERS,
    RGD_WORKERS,
    Flag,
)
from krobench.analysis.resourcequantities import go_memory_bytes
from krobench.api.specs.validity import Cause
from krobench.figures import catalogue
from krobench.findings.bottleneck import (
    BottleneckCode,
    BottleneckKind,
    Missing,
    Subject,
    SubjectKind,
)
from krobench.findings.evidence import Evidence, EvidenceCode, evidence

SATURATED = 0.8
"""A pool whose workers are busy this share of the time: above it, queues grow faster than the load
(by M/M/1, five reconciles are queued or running)."""
LONG_QUEUE = 1.0
"""Seconds queued for each second of work from which on instances are held up: as long as they wait
for a single worker that is busy half of the time (M/M/1). Less is chance."""

CPU_NEAR_LIMIT = 0.5
"""Mean use over the limit from which on kro is throttled in bursts: the kernel gives a container
its CPU time in periods of 100 ms, and a mean over a phase hides those that were used up."""
CPU_AT_LIMIT = 0.85
"""Mean use over the limit that leaves hardly a period unthrottled: a phase begins and ends with
less."""
THROTTLED = 0.05
"""Share of throttled periods that is worth mentioning."""
MACHINE_BUSY = 0.9
"""Share of its node's CPU in use from which on kro may have to wait for a core."""
MACHINE_SHARE = 0.25
"""What a machine without an idle core counts for: it slows everything, kro too, by an unknown
amount. Enough to be listed, and not to be first."""

USUAL_COLLECTION = 0.25
"""Share of its CPU time that a Go program lets garbage collection take while it runs:
https://tip.golang.org/doc/gc-guide#GOGC. More is the effect of a limit."""
MOST_COLLECTION = 0.5
"""Share at which Go itself stops collecting more, so the program makes progress at all:
https://tip.golang.org/doc/gc-guide#Memory_limit."""
USUAL_PROGRESS = 0.5
"""What a program allocates between two collections, over its live heap: as much as that, by Go's
default of GOGC=100. Below half of it, something makes Go collect too early."""
LEAST_PROGRESS = 0.1
"""From there on, the process does little but collect."""
FEWEST_COLLECTIONS = 10
"""With fewer, how early they come is unknown: each is a large part of a short phase."""
MEMORY_NEAR_LIMIT = 0.9
"""Working set over the limit from which on the next burst may get kro killed."""
NEAR_LIMIT_SCORE = 0.3
"""Nothing is lost yet, so causes that took time come first."""

LEAST_INTERVALS = 0.3
"""Idle time of an operation, in requeue intervals, that is more than the propagation of events.
That takes some ten milliseconds, and an instance that waits for a requeue at all waits for a whole
interval, so this is one instance in three."""


def assess_workers(facts: Facts) -> Iterator[Assessment]:
    """Judge each pool of workers by how long its objects were queued."""
    pool, split = facts.pool(catalogue.INSTANCE_POOL), facts.split
    workers = facts.workers(INSTANCE_WORKERS)
    busy = utilisation(
        pool, workers, known(facts.figures[catalogue.RUN_SECONDS], Missing.RUN_SECONDS)
    )
    yield Assessment(
        kind=BottleneckKind.KRO_WORKERS,
        code=BottleneckCode.INSTANCES_QUEUE,
        of=Of.QUEUE,
        share=_queue_length(pool),
        subject=Subject(kind=SubjectKind.INSTANCE_WORKERS),
        evidence=[
            *evidence(EvidenceCode.QUEUED_SHARE, split.queue, supports=split.queue > split.work),
            *_load_of(pool, busy, workers),
        ],
    )
    if facts.many_rgds:
        rgds, revisions = facts.pool(catalogue.RGD_POOL), facts.pool(catalogue.GRAPH_REVISION_POOL)
        yield _set_up_workers(facts, SubjectKind.RGD_WORKERS, RGD_WORKERS, rgds)
        yield _set_up_workers(
            facts, SubjectKind.GRAPH_REVISION_WORKERS, REVISION_WORKERS, revisions
        )


def _set_up_workers(facts: Facts, whose: SubjectKind, flag: Flag, pool: PoolUse) -> Assessment:
    workers = facts.workers(flag)
    seconds = known(facts.figures[catalogue.SET_UP_SECONDS], Missing.SET_UP_SECONDS)
    ready = facts.summary.latency.rgd_ready
    if ready is None or not ready.mean_seconds:
        raise NotMeasuredError(Missing.RGD_READY)
    whole = ready.mean_seconds * ready.n / facts.summary.iterations
    waited = known(pool.queue_wait_seconds, Missing.RGD_QUEUE_SECONDS)
    busy = utilisation(pool, workers, seconds)
    share = min(1.0, waited / whole)
    return Assessment(
        kind=BottleneckKind.KRO_WORKERS,
        code=BottleneckCode.RGDS_QUEUE,
        of=Of.SET_UP_QUEUE,
        share=share * _queue_length(pool),
        subject=Subject(kind=whose),
        evidence=[
            *evidence(EvidenceCode.RGD_QUEUED_SHARE, share, supports=share > busy / 2),
            *_load_of(pool, busy, workers),
        ],
    )


def utilisation(pool: PoolUse, workers: int, seconds: float) -> float:
    """Return the share of the time in which the workers of a pool were busy.

    Raises:
        NotMeasuredError: if kro does not report it.
    """
    work = known(pool.work_seconds, Missing.WORK_SECONDS)
    return min(1.0, work / (workers * seconds)) if seconds else 0.0


def _load_of(pool: PoolUse, busy: float, workers: int) -> list[Evidence]:
    wait, work = pool.queue_wait_seconds, pool.work_seconds
    return [
        *above(EvidenceCode.WORKER_UTILISATION, busy, SATURATED),
        *evidence(
            EvidenceCode.QUEUED_PER_WORK,
            wait / work if wait is not None and work else None,
            LONG_QUEUE,
            supports=_queue_length(pool) == 1.0,
        ),
        *evidence(EvidenceCode.WORKERS, float(workers), supports=workers == 1),
    ]


def _queue_length(pool: PoolUse) -> float:
    """Return the length of a queue, from 0 to 1, which is a long one."""
    wait, work = pool.queue_wait_seconds, pool.work_seconds
    return min(1.0, wait / work / LONG_QUEUE) if wait is not None and work else 0.0


def assess_cpu(facts: Facts) -> Iterator[Assessment]:
    """Judge by the throttled periods, or by the use of the limit; or by the node's CPU."""
    limit = facts.cpu_limit_cores or facts.node_cores
    cores = known(facts.figures[catalogue.KRO_CPU_CORES], Missing.KRO_CPU)
    used = cores / known(limit, Missing.CPU_LIMIT)
    machine = facts.node_cpu_ratio
    throttled = facts.figures[catalogue.KRO_THROTTLED_RATIO]
    limited = ramp(used, CPU_NEAR_LIMIT, CPU_AT_LIMIT) if throttled is None else throttled
    crowded = MACHINE_SHARE * ramp(machine or 0.0, MACHINE_BUSY, 1.0)
    collected = collector_share(facts)
    of_limit = EvidenceCode.CPU_OF_LIMIT if facts.cpu_limit_cores else EvidenceCode.CPU_OF_NODE
    yield Assessment(
        kind=BottleneckKind.KRO_CPU,
        code=(BottleneckCode.NODE_FULL if crowded > limited else BottleneckCode.CPU_LIMITED),
        of=Of.WORK,
        share=max(limited, crowded) * (1.0 - collected),
        evidence=[
            *above(of_limit, used, CPU_NEAR_LIMIT),
            *evidence(EvidenceCode.KRO_CORES, cores, supports=used > CPU_NEAR_LIMIT),
            *above(EvidenceCode.CPU_THROTTLED, throttled, THROTTLED),
            *above(EvidenceCode.NODE_CPU, machine, MACHINE_BUSY),
            *evidence(EvidenceCode.CPU_FOR_GC, collected or None, supports=False),
        ],
    )


def assess_memory(facts: Facts) -> Iterator[Assessment]:
    """Judge by OOM kills, by the room that is left, and by what garbage collection takes."""
    killed = sum(
        iteration.validity.has(Cause.KRO_OOM_KILLED) for iteration in facts.test.iterations
    )
    held, limit = facts.figures[catalogue.KRO_WORKING_SET.max], facts.memory_limit_bytes
    used = held / limit if held is not None and limit else None
    near = used is not None and used > MEMORY_NEAR_LIMIT
    collection, share = _collection(facts), collector_share(facts)
    if killed:
        code = BottleneckCode.OOM_KILLED
    elif share:
        code = BottleneckCode.COLLECTING_GARBAGE
    else:
        code = BottleneckCode.NEAR_MEMORY_LIMIT
    go_limit = go_memory_bytes(facts.kro.env.get(GO_MEMORY_LIMIT)) if facts.kro else None
    live = facts.figures[catalogue.KRO_LIVE_HEAP]
    of_go_limit = live / go_limit if go_limit is not None and live is not None else None
    yield Assessment(
        kind=BottleneckKind.KRO_MEMORY,
        code=code,
        of=Of.WORK,
        share=share,
        at_least=1.0 if killed else NEAR_LIMIT_SCORE if near else 0.0,
        evidence=[
            *above(EvidenceCode.OOM_KILLS, killed, 0.0),
            *above(EvidenceCode.GC_SHARE, collection, USUAL_COLLECTION),
            *evidence(
                EvidenceCode.ALLOCATED_PER_GC,
                _progress(facts),
                USUAL_PROGRESS,
                supports=share > 0,
            ),
            *evidence(EvidenceCode.MEMORY_OF_LIMIT, used, MEMORY_NEAR_LIMIT, supports=near),
            *evidence(EvidenceCode.GO_MEMORY_LIMIT, go_limit, supports=share > 0),
            *above(EvidenceCode.LIVE_HEAP_OF_GO_LIMIT, of_go_limit, 0.5),
        ],
    )


def collector_share(facts: Facts) -> float:
    """Return how far garbage collection is from its usual share of the CPU time to the most.

    Go counts the time in which a collection runs as CPU time, even while its container is throttled
    or others have the cores. So a large share counts only if collections also come too early.
    """
    collection, progress = _collection(facts), _progress(facts)
    if collection is None or progress is None:
        return 0.0
    early = 1.0 - ramp(progress, LEAST_PROGRESS, USUAL_PROGRESS)
    return early * ramp(collection, USUAL_COLLECTION, MOST_COLLECTION)


def _collection(facts: Facts) -> float | None:
    spent, cpu = (
        facts.figures[catalogue.KRO_GC_CPU_SECONDS],
        facts.figures[catalogue.KRO_CPU_SECONDS],
    )
    return min(1.0, spent / cpu) if spent is not None and cpu else None


def _progress(facts: Facts) -> float | None:
    """Return what kro allocated between two collections, over its live heap."""
    live = facts.figures[catalogue.KRO_LIVE_HEAP] or facts.figures[catalogue.KRO_HEAP.mean]
    cycles, allocated = (
        facts.figures[catalogue.KRO_GC_CYCLES] or 0.0,
        facts.figures[catalogue.KRO_ALLOCATED],
    )
    if allocated is None or cycles < FEWEST_COLLECTIONS or not live:
        return None
    return allocated / cycles / live


def assess_requeues(facts: Facts) -> Iterator[Assessment]:
    """Judge by the time that is neither queueing nor work.

    Operations that never had their effect do not count: more frequent reconciles would not help.
    """
    split, interval = facts.split, facts.requeue_seconds
    done = facts.operations - facts.unfulfilled
    idle = split.idle * facts.operation_seconds
    of_done = max(0.0, idle - facts.unfulfilled_seconds)
    each = of_done / done if done else 0.0
    seconds = known(facts.figures[catalogue.RUN_SECONDS], Missing.RUN_SECONDS)
    busy = utilisation(
        facts.pool(catalogue.INSTANCE_POOL), facts.workers(INSTANCE_WORKERS), seconds
    )
    delayed = facts.figures[catalogue.DELAYED_REQUEUES]
    reconciles = facts.figures[catalogue.INSTANCE_POOL_RECONCILES]
    waits = delayed is None or delayed > 0
    long = each >= LEAST_INTERVALS * interval
    yield Assessment(
        kind=BottleneckKind.REQUEUE_WAIT,
        code=BottleneckCode.WAITING_FOR_REQUEUE,
        of=Of.IDLE,
        share=of_done / idle if waits and idle and long else 0.0,
        evidence=[
            *evidence(EvidenceCode.IDLE_SHARE, split.idle, supports=split.idle > split.busy),
            *evidence(EvidenceCode.IDLE_PER_OPERATION, each, interval, supports=long),
            *evidence(
                EvidenceCode.DELAYED_REQUEUES,
                delayed / reconciles if delayed is not None and reconciles else None,
                supports=bool(delayed),
            ),
            *evidence(EvidenceCode.WORKERS_FREE, busy, SATURATED, supports=busy < SATURATED),
        ],
    )
