"""Time in which nobody is at an instance: kro waits to look again."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts, known
from krobench.analysis.bottlenecks.workers import SATURATED, utilisation
from krobench.analysis.krosettings import INSTANCE_WORKERS
from krobench.findings.bottleneck import BottleneckKind

LEAST_INTERVALS = 0.3
"""Idle time of an operation, in requeue intervals, that is no propagation of events any more: those
take some ten milliseconds, and an instance that waits for a requeue on its way at all has waited a
whole interval, so that this is one instance in three."""


def assess(facts: Facts) -> list[Assessment]:
    """Judge by the time that is neither queueing nor work.

    What never becomes ready is no matter of how soon kro looks again.
    """
    split, interval = facts.split, facts.requeue_seconds
    done = facts.operations - facts.unfulfilled
    idle = split.idle * facts.operation_seconds
    of_done = max(0.0, idle - facts.unfulfilled_seconds)
    each = of_done / done if done else 0.0
    seconds = known(facts.activity.seconds, "the length of the run phase")
    busy = utilisation(facts.activity.instance_pool, facts.workers(INSTANCE_WORKERS), seconds)
    delayed = facts.activity.delayed_requeues
    reconciles = facts.activity.instance_pool.reconciles
    waits = delayed is None or delayed > 0
    return [
        Assessment(
            kind=BottleneckKind.REQUEUE_WAIT,
            of=Of.IDLE,
            share=of_done / idle if waits and idle and each >= LEAST_INTERVALS * interval else 0.0,
            message=f"For {each:.2g} s of each operation nobody was at the instance: kro waits "
            f"{interval:g} s before it looks again at what is not done.",
            evidence=[
                *evidence(
                    "share of the latency in which nobody was at the instance",
                    split.idle,
                    "ratio",
                    "",
                    speaks_for=split.idle > split.busy,
                ),
                *evidence(
                    "the same for each operation",
                    each,
                    "seconds",
                    f"the requeue interval is {interval:g} s",
                    speaks_for=each >= LEAST_INTERVALS * interval,
                ),
                *evidence(
                    "reconciles that asked for a delayed repetition",
                    delayed / reconciles if delayed is not None and reconciles else None,
                    "ratio",
                    "",
                    speaks_for=bool(delayed),
                ),
                *evidence(
                    "utilisation of the instance workers",
                    busy,
                    "ratio",
                    f"below {SATURATED:.0%}",
                    speaks_for=busy < SATURATED,
                ),
            ],
        )
    ]
