"""Rules on requests and limits of kro's container, for the load that was measured.

``analysis.sizing`` gives them for another scale.
"""

from krobench.analysis.krosettings import GO_MEMORY_LIMIT
from krobench.analysis.quantities import (
    cpu_quantity,
    go_memory_bytes,
    memory_quantity,
    number_of,
)
from krobench.analysis.recommendations.case import Case, Finding, evidence, evidence_of
from krobench.api import units
from krobench.api.specs.kro import Variant, VariantResources
from krobench.api.specs.results import Cause
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.recommendation import Area, Confidence, Recommendation

MEMORY_HEADROOM = 1.5
"""A limit over the most that was seen: a restart compiles all RGDs at once, and each may have
revisions that are kept beside the one in force."""
_NEAR = 0.7
_THROTTLED = 0.05
_GO_GUIDE = "https://tip.golang.org/doc/gc-guide#Memory_limit"
_EVICTION = "https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/"


def most_memory(case: Case) -> float | None:
    """Return the most memory that kro was seen to use, by whichever of its sources says more."""
    memory = case.summary.memory
    known = [value for value in (memory.resident_max_bytes, memory.working_set_max_bytes) if value]
    return float(max(known)) if known else None


def memory_limit(case: Case) -> Finding | None:
    """A higher memory limit, where kro is near it or was killed at it."""
    used, limit = most_memory(case), number_of(case.settings.limit("memory"))
    if used is None or limit is None:
        return None
    killed = _was_killed(case)
    if used < _NEAR * limit and not killed:
        return None
    # What was seen before a kill is less than what it takes.
    advised = memory_quantity(max(used, limit if killed else 0) * MEMORY_HEADROOM)
    if (number_of(advised) or 0) <= limit:
        return None
    found = case.bottleneck(BottleneckKind.KRO_MEMORY)
    taken = "what kro was killed at" if killed else "what this load took"
    return Finding(
        Recommendation(
            title=f"Raise kro's memory limit to {advised}",
            area=Area.KRO_RESOURCES,
            bottleneck=BottleneckKind.KRO_MEMORY,
            settings=[case.settings.change_resource("limits", "memory", advised)],
            expected_effect=(
                f"kro is killed when it passes its limit of {case.settings.limit('memory')}, and "
                f"compiles all RGDs again. The new one is half as much again as {taken}, and "
                "leaves room for that and for kept revisions."
            ),
            confidence=Confidence.HIGH,
            source=case.source,
            evidence=[
                evidence("kro's memory, most", used, "bytes"),
                evidence(
                    "the same over its limit",
                    used / limit,
                    "ratio",
                    "below 70 %",
                    speaks_for=used >= _NEAR * limit,
                ),
                *evidence_of(found),
            ],
        ),
        weight=max(found.score if found is not None else 0.0, min(1.0, used / limit)),
    )


def _was_killed(case: Case) -> bool:
    return any(each.validity.has(Cause.KRO_OOM_KILLED) for each in case.test.iterations)


def go_memory_limit(case: Case) -> Finding | None:
    """A higher GOMEMLIMIT, where kro collects garbage all the time to stay below it."""
    found = case.bottleneck(BottleneckKind.KRO_MEMORY)
    used, current = most_memory(case), case.settings.env(GO_MEMORY_LIMIT)
    if found is None or used is None or current is None:
        return None
    advised = f"{memory_quantity(used * MEMORY_HEADROOM)}B"
    if (go_memory_bytes(advised) or 0) <= (go_memory_bytes(current) or 0):
        return None
    return Finding(
        Recommendation(
            title=f"Raise {GO_MEMORY_LIMIT} to {advised}, or take it away",
            area=Area.KRO_RESOURCES,
            bottleneck=BottleneckKind.KRO_MEMORY,
            settings=[case.settings.change_env(GO_MEMORY_LIMIT, advised)],
            expected_effect=(
                "The CPU time that goes into collecting garbage early is kro's again. The new one "
                "is half as much again as the most memory that was seen."
            ),
            confidence=Confidence.HIGH,
            source=f"{case.source}; {_GO_GUIDE}",
            evidence=[evidence("kro's memory, most", used, "bytes"), *evidence_of(found)],
            variant=Variant(name="more-heap", env={GO_MEMORY_LIMIT: advised}),
        ),
        weight=found.score,
    )


def memory_request(case: Case) -> Finding | None:
    """A memory request of what kro uses, where it asks for less."""
    used, request = most_memory(case), number_of(case.settings.request("memory"))
    if used is None or request is None or used <= request:
        return None
    advised = memory_quantity(used)
    return Finding(
        Recommendation(
            title=f"Raise kro's memory request to {advised}",
            area=Area.KRO_RESOURCES,
            settings=[case.settings.change_resource("requests", "memory", advised)],
            expected_effect=(
                "None on its speed: a node short of memory evicts pods first that use more than "
                f"they asked for, and kro used {units.size(used)} of "
                f"{case.settings.request('memory')}."
            ),
            confidence=Confidence.HIGH,
            source=f"{case.source}; {_EVICTION}",
            evidence=[evidence("kro's memory, most", used, "bytes", "no more than its request")],
        ),
        weight=0.05,
    )


def cpu_limit(case: Case) -> Finding | None:
    """A higher CPU limit, where kro is throttled and its node has more."""
    found = case.bottleneck(BottleneckKind.KRO_CPU)
    limit = number_of(case.settings.limit("cpu"))
    throttled = case.summary.cpu.throttled_periods_ratio or 0.0
    cores = max((number_of(node.cpu) or 0.0 for node in case.nodes), default=0.0)
    held = throttled >= _THROTTLED or (found is not None and not case.is_below_cpu_limit)
    if limit is None or cores <= limit or not held:
        return None
    advised = cpu_quantity(min(cores, 2 * limit))
    each = case.metric("kro_cpu_seconds_per_instance")
    bounds = (
        f" By its CPU time of {units.seconds(each)} for an instance, the limit allows "
        f"{units.rate(limit / each)}, the new one {units.rate((number_of(advised) or 0) / each)}."
        if each
        else ""
    )
    own = (
        [evidence("periods in which kro was throttled", throttled, "ratio", "below 5 %")]
        if throttled
        else []
    )
    return Finding(
        Recommendation(
            title=f"Raise kro's CPU limit to {advised}",
            area=Area.KRO_RESOURCES,
            bottleneck=BottleneckKind.KRO_CPU,
            settings=[case.settings.change_resource("limits", "cpu", advised)],
            expected_effect=(
                f"At most {(number_of(advised) or limit) / limit:.2g} times as many instances in a "
                f"second, as far as nothing else holds kro back.{bounds}"
            ),
            confidence=Confidence.HIGH if found is not None else Confidence.MEDIUM,
            source=f"{case.source}, by the utilisation law",
            evidence=[*own, *evidence_of(found)],
            variant=Variant(name="more-cpu", resources=VariantResources(limits={"cpu": advised})),
        ),
        weight=max(found.score if found is not None else 0.0, throttled),
    )
