"""The API server's watch cache of a new kind, which refuses watches until it is initialised."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts, known
from krobench.analysis.bottlenecks.requests import RETRY_SECONDS
from krobench.analysis.krosettings import RGD_WORKERS
from krobench.findings.bottleneck import BottleneckKind


def assess(facts: Facts) -> list[Assessment]:
    """Judge by the answers with 429 in the set-up: each holds a worker for RGDs up."""
    if not facts.many_rgds:
        return []
    seconds = known(facts.usage.set_up.seconds, "the length of the set-up")
    refused = known(facts.usage.set_up.throttled_requests, "the number of kro's requests by code")
    workers = facts.workers(RGD_WORKERS)
    share = min(1.0, refused * RETRY_SECONDS / (seconds * workers)) if seconds else 0.0
    rgds = facts.test.rgds
    return [
        Assessment(
            kind=BottleneckKind.WATCH_REINITIALISATION,
            of=Of.SET_UP,
            share=share,
            message=f"For {rgds} new kinds the API server answered {refused:.0f} of kro's requests "
            "with 429, as its watch cache of the kind was not yet initialised; each costs a "
            "second, in which a worker for RGDs does nothing else.",
            evidence=[
                *evidence(
                    "answers with 429 for each RGD in the set-up",
                    refused / rgds,
                    "ratio",
                    "about 1",
                    speaks_for=refused / rgds > 0.5,
                ),
                *evidence(
                    "set-up for each RGD",
                    seconds / rgds,
                    "seconds",
                    f"above {RETRY_SECONDS / workers:.2g} s",
                    speaks_for=seconds / rgds > RETRY_SECONDS / workers,
                ),
                *evidence(
                    "workers for RGDs", float(workers), "number", "", speaks_for=workers == 1
                ),
            ],
        )
    ]
