"""kro's CPU: a limit that throttles it, or a machine without an idle core."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence, ramp
from krobench.analysis.bottlenecks.facts import Facts, known
from krobench.analysis.bottlenecks.memory import collector_share
from krobench.model.bottleneck import BottleneckKind

NEAR_LIMIT = 0.7
"""Mean use over the limit from which on kro is throttled in bursts: the kernel gives a container
its CPU time in periods of 100 ms, and a mean over a phase hides those that it had to wait out."""
AT_LIMIT = 0.95
"""Mean use over the limit that leaves no period unthrottled: a phase begins and ends with less."""
THROTTLED = 0.05
"""Share of throttled periods that is worth a word."""


def assess(facts: Facts) -> list[Assessment]:
    """Judge by what was used of the limit, and by the periods in which there was none left."""
    limit = facts.cpu_limit_cores or facts.node_cores
    cores = known(facts.summary.cpu.kro_mean_cores, "kro's CPU time")
    known(limit, "kro's CPU limit, or the cores of its node,")
    assert limit is not None
    used = cores / limit
    throttled = facts.summary.cpu.throttled_periods_ratio
    starved = max(ramp(used, NEAR_LIMIT, AT_LIMIT), throttled or 0.0)
    whose = "its limit" if facts.cpu_limit_cores else "its node's CPUs"
    collected = collector_share(facts)
    return [
        Assessment(
            kind=BottleneckKind.KRO_CPU,
            of=Of.WORK,
            share=starved * (1.0 - collected),
            message=f"kro used {cores:.2g} cores, {used:.0%} of {whose}: reconciles waited for CPU "
            "time.",
            evidence=[
                *evidence(
                    f"kro's CPU use over {whose}",
                    used,
                    "ratio",
                    f"above {NEAR_LIMIT:.0%}",
                    speaks_for=used > NEAR_LIMIT,
                ),
                *evidence(
                    "CPU periods in which kro was throttled",
                    throttled,
                    "ratio",
                    f"above {THROTTLED:.0%}",
                    speaks_for=(throttled or 0.0) > THROTTLED,
                ),
                *evidence(
                    "share of the CPU time beyond what garbage collection usually takes",
                    collected or None,
                    "ratio",
                    "memory, not CPU, is what is scarce",
                    speaks_for=False,
                ),
            ],
        )
    ]
