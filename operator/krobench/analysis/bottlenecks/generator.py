"""The load itself: a generator that could not send what was asked for."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts, NotMeasuredError
from krobench.figures.measures import LoadGenerator
from krobench.findings.bottleneck import BottleneckKind

KEPT = 0.98
"""A generator that sends this share of what was asked for has kept its schedule: the bound of
GeneratorLate among the causes of an invalid run."""


def assess(facts: Facts) -> list[Assessment]:
    """Judge by the schedule; a closed loop has none, and waits for kro by design."""
    generator = facts.summary.generator
    if generator is None:
        return []
    missing = _missing(generator)
    try:
        late = facts.split.late
    except NotMeasuredError:
        late = 0.0
    share = max(missing, late)
    asked, sent = generator.requested_per_second, generator.achieved_per_second
    rates = f" ({sent:.4g} of {asked:.4g} requests per second)" if sent and asked else ""
    load = facts.test.load
    lag_seconds = load.max_send_lag_seconds
    return [
        Assessment(
            kind=BottleneckKind.GENERATOR,
            of=Of.LOAD,
            share=share,
            message=f"The load generator could not send what was asked for{rates}: what else is "
            "found is of another load.",
            evidence=[
                *evidence(
                    "requests that were asked for and not sent in time",
                    missing,
                    "ratio",
                    f"below {1 - KEPT:.0%}",
                    speaks_for=missing > 1 - KEPT,
                ),
                *evidence(
                    "p99 of the send lag",
                    generator.send_lag_p99_seconds,
                    "seconds",
                    f"at most maxSendLag, {load.max_send_lag}",
                    speaks_for=(generator.send_lag_p99_seconds or 0.0) > lag_seconds,
                ),
                *evidence(
                    "share of the latency before the request was sent",
                    late,
                    "ratio",
                    "",
                    speaks_for=late > 1 - KEPT,
                ),
            ],
        )
    ]


def _missing(generator: LoadGenerator) -> float:
    asked, sent = generator.requested_per_second, generator.achieved_per_second
    if not asked or sent is None:
        return 0.0
    return max(0.0, 1.0 - sent / asked)
