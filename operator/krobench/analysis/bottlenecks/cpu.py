"""kro's CPU: a limit that throttles it, or a machine without an idle core."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence, ramp
from krobench.analysis.bottlenecks.facts import Facts, known
from krobench.analysis.bottlenecks.memory import collector_share
from krobench.findings.bottleneck import BottleneckKind

NEAR_LIMIT = 0.5
"""Mean use over the limit from which on kro is throttled in bursts: the kernel gives a container
its CPU time in periods of 100 ms, and a mean over a phase hides those that it had to wait out."""
AT_LIMIT = 0.85
"""Mean use over the limit that leaves hardly a period unthrottled: a phase begins and ends with
less."""
THROTTLED = 0.05
"""Share of throttled periods that is worth a word."""
MACHINE_BUSY = 0.9
"""Share of its node's CPU in use from which on kro may have to wait for a core."""
MACHINE_SHARE = 0.25
"""What a machine without an idle core counts for: it slows everybody, kro too, by an amount that
cannot be told from here. Enough to be listed, and not to be first."""


def assess(facts: Facts) -> list[Assessment]:
    """Judge by the periods in which nothing was left of the limit, or by what was used of it."""
    limit = facts.cpu_limit_cores or facts.node_cores
    cores = known(facts.summary.cpu.kro_mean_cores, "kro's CPU time")
    known(limit, "kro's CPU limit, or the cores of its node,")
    assert limit is not None
    used, machine = cores / limit, _machine(facts)
    throttled = facts.summary.cpu.throttled_periods_ratio
    limited = ramp(used, NEAR_LIMIT, AT_LIMIT) if throttled is None else throttled
    crowded = MACHINE_SHARE * ramp(machine or 0.0, MACHINE_BUSY, 1.0)
    starved = max(limited, crowded)
    whose = "its limit" if facts.cpu_limit_cores else "its node's CPUs"
    message = f"kro used {cores:.2g} cores, {used:.0%} of {whose}: reconciles waited for CPU time."
    if crowded > limited:
        message = f"{machine:.0%} of the CPUs of kro's node were in use: kro waited for a core."
    collected = collector_share(facts)
    return [
        Assessment(
            kind=BottleneckKind.KRO_CPU,
            of=Of.WORK,
            share=starved * (1.0 - collected),
            message=message,
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
                    "CPU use of everything on kro's node, over its cores",
                    machine,
                    "ratio",
                    f"above {MACHINE_BUSY:.0%}",
                    speaks_for=(machine or 0.0) > MACHINE_BUSY,
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


def _machine(facts: Facts) -> float | None:
    busy, cores = facts.usage.node_cpu_cores, facts.node_cores
    return min(1.0, busy / cores) if busy is not None and cores else None
