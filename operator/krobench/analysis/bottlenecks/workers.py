"""kro's workers: instances, RGDs or GraphRevisions that wait for one to be free."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts, NotMeasuredError, known
from krobench.analysis.krosettings import INSTANCE_WORKERS, REVISION_WORKERS, RGD_WORKERS, Flag
from krobench.figures.activity import PoolUse
from krobench.findings.bottleneck import BottleneckKind, Evidence

SATURATED = 0.8
"""A pool whose workers are at work this share of the time: from there on, queues grow faster than
the load (by M/M/1, five reconciles wait or are worked on)."""
LONG_QUEUE = 1.0
"""Seconds queued for each second of work from which on instances are held up: so long they wait for
a single worker that is at work half of the time (M/M/1). Less is what comes of chance."""


def assess(facts: Facts) -> list[Assessment]:
    """Judge each pool by how long what it works on has queued."""
    found = _instances(facts)
    if facts.many_rgds:
        set_up = facts.usage.set_up
        found += [
            _of_set_up(facts, "RGD workers", RGD_WORKERS, set_up.rgd_pool),
            _of_set_up(
                facts, "GraphRevision workers", REVISION_WORKERS, set_up.graph_revision_pool
            ),
        ]
    return found


def _instances(facts: Facts) -> list[Assessment]:
    workers = facts.workers(INSTANCE_WORKERS)
    pool, split = facts.activity.instance_pool, facts.split
    seconds = known(facts.activity.seconds, "the length of the run phase")
    busy = utilisation(pool, workers, seconds)
    return [
        Assessment(
            kind=BottleneckKind.KRO_WORKERS,
            of=Of.QUEUE,
            share=_length(pool),
            subject="instance workers",
            message=f"Instances waited for {_counted(workers)} in "
            f"{split.queue:.0%} of the time until they were done.",
            evidence=[
                *evidence(
                    "share of the latency spent in the queue",
                    split.queue,
                    "ratio",
                    "",
                    speaks_for=split.queue > split.work,
                ),
                *_load_of(pool, busy, workers),
            ],
        )
    ]


def _of_set_up(facts: Facts, name: str, flag: Flag, pool: PoolUse) -> Assessment:
    workers = facts.workers(flag)
    seconds = known(facts.usage.set_up.seconds, "the length of the set-up")
    ready = facts.summary.latency.rgd_ready
    if ready is None or not ready.mean_seconds:
        raise NotMeasuredError("the time until RGDs are ready is not available")
    whole = ready.mean_seconds * ready.n / facts.summary.iterations
    waited = known(pool.queue_wait_seconds, f"the time that the {name}' queue took")
    busy = utilisation(pool, workers, seconds)
    share = min(1.0, waited / whole)
    return Assessment(
        kind=BottleneckKind.KRO_WORKERS,
        of=Of.SET_UP_QUEUE,
        share=share * _length(pool),
        subject=name,
        message=f"RGDs waited for {_counted(workers)} ({name}) in {share:.0%} of the "
        "time until they were ready.",
        evidence=[
            *evidence(
                "share of the RGDs' latency spent in the queue",
                share,
                "ratio",
                "",
                speaks_for=share > busy / 2,
            ),
            *_load_of(pool, busy, workers),
        ],
    )


def utilisation(pool: PoolUse, workers: int, seconds: float) -> float:
    """Return the share of the time that the workers of a pool were at work.

    Raises:
        NotMeasuredError: if kro does not say.
    """
    work = known(pool.work_seconds, "the time that kro's workers work")
    return min(1.0, work / (workers * seconds)) if seconds else 0.0


def _load_of(pool: PoolUse, busy: float, workers: int) -> list[Evidence]:
    wait, work = pool.queue_wait_seconds, pool.work_seconds
    return [
        *evidence(
            "utilisation of the workers",
            busy,
            "ratio",
            f"above {SATURATED:.0%} is saturated",
            speaks_for=busy > SATURATED,
        ),
        *evidence(
            "seconds queued for each second of work",
            wait / work if wait is not None and work else None,
            "number",
            f"above {LONG_QUEUE:g}",
            speaks_for=_length(pool) == 1.0,
        ),
        *evidence("workers", float(workers), "number", "", speaks_for=workers == 1),
    ]


def _length(pool: PoolUse) -> float:
    """Return how far a queue is on its way to a long one."""
    wait, work = pool.queue_wait_seconds, pool.work_seconds
    return min(1.0, wait / work / LONG_QUEUE) if wait is not None and work else 0.0


def _counted(workers: int) -> str:
    return "kro's one worker" if workers == 1 else f"one of kro's {workers} workers"
