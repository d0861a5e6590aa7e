"""One RGD that holds the others up: its instances keep the workers, or its graph is built anew
and anew."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts, known
from krobench.model.findings.bottleneck import BottleneckKind

MANY_BUILDS = 5
"""Failed builds of an RGD from which on it is being built anew and anew: one that was changed for
the worse fails once, and is tried again with growing pauses."""


def assess(facts: Facts) -> list[Assessment]:
    """Judge by the workers' time that goes to another kind, and by graphs that fail."""
    return [*_instances(facts), *_builds(facts)]


def _instances(facts: Facts) -> list[Assessment]:
    activity = facts.activity
    own = known(activity.own_work_seconds, "the workers' time by kind")
    others = known(activity.others_work_seconds, "the workers' time by kind")
    if not activity.others_work:
        return []
    worst = activity.others_work[0]
    # Parts are the last iteration's, sums the medians of all: one may be above the other.
    share = worst.value / (own + max(others, worst.value))
    return [
        Assessment(
            kind=BottleneckKind.POISONED_RGD,
            of=Of.WORK,
            share=share,
            subject=worst.name,
            message=f"kro's instance workers spent {worst.value:.3g} s on instances of "
            f"{worst.name}, and {own:.3g} s on this test's.",
            evidence=[
                *evidence(
                    f"work on {worst.name}, of all",
                    share,
                    "ratio",
                    "",
                    speaks_for=worst.value > own,
                ),
                *evidence("work on this test's kinds", own, "seconds", "", speaks_for=False),
            ],
        )
    ]


def _builds(facts: Facts) -> list[Assessment]:
    set_up = facts.usage.set_up
    if not facts.many_rgds or not set_up.failed_builds:
        return []
    worst, reconciles = set_up.failed_builds[0], set_up.rgd_pool.reconciles
    if worst.value < MANY_BUILDS or not reconciles:
        return []
    return [
        Assessment(
            kind=BottleneckKind.POISONED_RGD,
            of=Of.SET_UP,
            share=min(1.0, worst.value / reconciles),
            subject=f"RGD {worst.name}",
            message=f"The graph of the RGD {worst.name} could not be built, {worst.value:.0f} "
            "times in the set-up.",
            evidence=evidence(
                "failed builds over reconciles of RGDs",
                worst.value / reconciles,
                "ratio",
                "",
                speaks_for=True,
            ),
        )
    ]
