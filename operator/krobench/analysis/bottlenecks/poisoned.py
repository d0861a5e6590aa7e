"""One RGD that holds the others up: its instances keep the workers, or its graph is built anew
and anew."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts, NotMeasuredError, known
from krobench.analysis.krosettings import RGD_WORKERS
from krobench.findings.bottleneck import BottleneckKind

WORTH_A_WORD = 0.1
"""Share of the time of the workers for RGDs: a small graph fails within milliseconds, and takes
nothing from the others however often it is built."""


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
    """Judge by the time that an RGD worker spent on a graph that it could not build. What it asked
    the API server for besides is not known by RGD, and does not count."""
    set_up = facts.usage.set_up
    if not facts.many_rgds or not set_up.failed_builds:
        return []
    if not set_up.failed_build_seconds:
        raise NotMeasuredError("the time of builds that failed is not available")
    worst = set_up.failed_build_seconds[0]
    times = next((part.value for part in set_up.failed_builds if part.name == worst.name), 0.0)
    seconds = known(set_up.seconds, "the length of the set-up")
    share = worst.value / (seconds * facts.workers(RGD_WORKERS)) if seconds else 0.0
    return [
        Assessment(
            kind=BottleneckKind.POISONED_RGD,
            of=Of.SET_UP,
            share=min(1.0, share),
            subject=f"RGD {worst.name}",
            message=f"The graph of the RGD {worst.name} could not be built, {times:.0f} times in "
            f"the set-up, in which a worker for RGDs did nothing else for {worst.value:.3g} s of "
            f"{seconds:.3g} s.",
            evidence=[
                *evidence(
                    "time of these builds, over that of the workers for RGDs",
                    share,
                    "ratio",
                    "",
                    speaks_for=share >= WORTH_A_WORD,
                ),
                *evidence(
                    "failed builds in the set-up",
                    times,
                    "number",
                    "more than one: kro builds it anew and anew",
                    speaks_for=times > 1,
                ),
            ],
        )
    ]
