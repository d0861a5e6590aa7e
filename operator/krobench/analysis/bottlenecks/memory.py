"""kro's memory: near its limit, killed for it, or busy collecting garbage to stay below."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence, ramp
from krobench.analysis.bottlenecks.facts import Facts
from krobench.analysis.krosettings import GO_MEMORY_LIMIT
from krobench.analysis.quantities import go_memory_bytes
from krobench.api.specs.results import Cause
from krobench.findings.bottleneck import BottleneckKind, Evidence

USUAL_COLLECTION = 0.25
"""Share of its CPU time that a Go program lets garbage collection take while it runs:
https://tip.golang.org/doc/gc-guide#GOGC. What is beyond comes of a limit."""
MOST_COLLECTION = 0.5
"""Share at which Go itself stops collecting more, to get anything done at all:
https://tip.golang.org/doc/gc-guide#Memory_limit."""
USUAL_PROGRESS = 0.5
"""What a program allocates between two collections, over its live heap: as much as that, by Go's
default of GOGC=100. From half of it on, something makes Go collect too early."""
LEAST_PROGRESS = 0.1
"""From there on, little else than collecting goes on."""
FEWEST_COLLECTIONS = 10
"""Fewer say nothing of how early they come: each is a large part of a short phase."""
NEAR_LIMIT = 0.9
"""Working set over the limit from which on the next burst may have kro killed."""
NEAR_LIMIT_SCORE = 0.3
"""Nothing is lost yet, so that causes that took time come first."""


def assess(facts: Facts) -> list[Assessment]:
    """Judge by kills, by the room that is left, and by what collecting garbage takes."""
    killed = _kills(facts)
    used = _used(facts)
    collection = _collection(facts)
    share = collector_share(facts)
    near = used is not None and used > NEAR_LIMIT
    if killed:
        message = "kro was killed for want of memory."
    elif share:
        message = f"Collecting garbage took {collection:.0%} of kro's CPU time{_below(facts)}."
    else:
        message = "kro is close to its memory limit."
    return [
        Assessment(
            kind=BottleneckKind.KRO_MEMORY,
            of=Of.WORK,
            share=share,
            message=message,
            at_least=1.0 if killed else NEAR_LIMIT_SCORE if near else 0.0,
            evidence=[
                *evidence(
                    "kills for want of memory", killed, "number", "none", speaks_for=killed > 0
                ),
                *evidence(
                    "garbage collection's share of kro's CPU time, by Go's estimate",
                    collection,
                    "ratio",
                    f"above {USUAL_COLLECTION:.0%}",
                    speaks_for=(collection or 0.0) > USUAL_COLLECTION,
                ),
                *evidence(
                    "allocated between two collections, over the live heap",
                    _progress(facts),
                    "ratio",
                    f"below {USUAL_PROGRESS:.0%}",
                    speaks_for=share > 0,
                ),
                *evidence(
                    "working set over the memory limit",
                    used,
                    "ratio",
                    f"above {NEAR_LIMIT:.0%}",
                    speaks_for=near,
                ),
                *_live(facts),
            ],
        )
    ]


def collector_share(facts: Facts) -> float:
    """Return how far garbage collection is from its usual share of the CPU time to its utmost.

    Go takes the time for which a collection is under way for CPU time, also while its container is
    throttled or others have the cores. So a large share counts only where collections also come
    too early.
    """
    collection, progress = _collection(facts), _progress(facts)
    if collection is None or progress is None:
        return 0.0
    early = 1.0 - ramp(progress, LEAST_PROGRESS, USUAL_PROGRESS)
    return early * ramp(collection, USUAL_COLLECTION, MOST_COLLECTION)


def _progress(facts: Facts) -> float | None:
    runtime = facts.usage.kro_runtime
    live = runtime.live_heap_bytes or runtime.heap_bytes.mean
    cycles = runtime.gc_cycles or 0.0
    if runtime.allocated_bytes is None or cycles < FEWEST_COLLECTIONS or not live:
        return None
    return runtime.allocated_bytes / cycles / live


def _collection(facts: Facts) -> float | None:
    spent, cpu = facts.usage.kro_runtime.gc_cpu_seconds, facts.summary.cpu.kro_seconds
    return min(1.0, spent / cpu) if spent is not None and cpu else None


def _used(facts: Facts) -> float | None:
    held, limit = facts.summary.memory.working_set_max_bytes, facts.memory_limit_bytes
    return held / limit if held is not None and limit else None


def _live(facts: Facts) -> list[Evidence]:
    limit = _go_limit(facts)
    live = facts.usage.kro_runtime.live_heap_bytes
    if limit is None or live is None:
        return []
    return evidence(
        f"live heap over {GO_MEMORY_LIMIT}",
        live / limit,
        "ratio",
        "far below 1",
        speaks_for=live / limit > 0.5,
    )


def _go_limit(facts: Facts) -> float | None:
    text = facts.kro.env.get(GO_MEMORY_LIMIT) if facts.kro is not None else None
    return go_memory_bytes(text)


def _below(facts: Facts) -> str:
    text = facts.kro.env.get(GO_MEMORY_LIMIT) if facts.kro is not None else None
    return f" to stay below {GO_MEMORY_LIMIT}={text}" if text else ""


def _kills(facts: Facts) -> int:
    return sum(iteration.validity.has(Cause.KRO_OOM_KILLED) for iteration in facts.test.iterations)
