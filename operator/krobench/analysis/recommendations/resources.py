"""Rules on kro's requests and limits, for the load that was measured.

``analysis.sizing`` computes them for another scale.
"""

from krobench.analysis.bottlenecks.in_kro import THROTTLED
from krobench.analysis.krosettings import (
    GO_MEMORY_LIMIT,
)
from krobench.analysis.recommendations.case import Case, Weighted, evidence_of
from krobench.analysis.resourcequantities import (
    cpu_quantity,
    go_memory_bytes,
    memory_quantity,
    number_of,
)
from krobench.api.specs.kro import Variant, VariantResources
from krobench.api.specs.validity import Cause
from krobench.figures.catalogue import (
    KRO_CPU_SECONDS,
    KRO_RESIDENT,
    KRO_THROTTLED_RATIO,
    KRO_WORKING_SET,
)
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.evidence import EvidenceCode, evidence
from krobench.findings.recommendation import (
    Area,
    Confidence,
    HigherCPULimit,
    HigherGoMemoryLimit,
    HigherMemoryLimit,
    HigherMemoryRequest,
)

MEMORY_HEADROOM = 1.5
"""A limit over the most that was seen: a restart compiles all RGDs at once, and each may have
revisions that are kept beside the current one."""
_MEMORY_NEAR = 0.7


def most_memory(case: Case) -> float | None:
    """Return the most memory that kro was seen to use, by the source that shows more."""
    memory = case.figures
    known = [value for value in (memory[KRO_RESIDENT.max], memory[KRO_WORKING_SET.max]) if value]
    return float(max(known)) if known else None


def memory_limit(case: Case) -> Weighted | None:
    """A higher memory limit, if kro is near it or was OOM-killed."""
    used, current = most_memory(case), case.settings.limit("memory")
    limit = number_of(current)
    if used is None or limit is None or current is None:
        return None
    killed = any(each.validity.has(Cause.KRO_OOM_KILLED) for each in case.test.iterations)
    near = used >= _MEMORY_NEAR * limit
    if not near and not killed:
        return None
    # What was seen before a kill is less than what kro needs.
    wanted = memory_quantity(max(used, limit if killed else 0) * MEMORY_HEADROOM)
    if (number_of(wanted) or 0) <= limit:
        return None
    found = case.bottleneck(BottleneckKind.KRO_MEMORY)
    return case.advise(
        advice=HigherMemoryLimit(limit=current, wanted=wanted, killed=killed),
        area=Area.KRO_RESOURCES,
        bottleneck=BottleneckKind.KRO_MEMORY,
        settings=[case.settings.change_resource("limits", "memory", wanted)],
        confidence=Confidence.HIGH,
        evidence=[
            *evidence(EvidenceCode.MEMORY_MAX, used),
            *evidence(EvidenceCode.MEMORY_OF_LIMIT, used / limit, _MEMORY_NEAR, supports=near),
            *evidence_of(found),
        ],
        weight=max(found.score if found is not None else 0.0, min(1.0, used / limit)),
    )


def go_memory_limit(case: Case) -> Weighted | None:
    """A higher GOMEMLIMIT, if kro collects garbage all the time to stay below it."""
    found = case.bottleneck(BottleneckKind.KRO_MEMORY)
    used, current = most_memory(case), case.settings.env(GO_MEMORY_LIMIT)
    if found is None or used is None or current is None:
        return None
    wanted = f"{memory_quantity(used * MEMORY_HEADROOM)}B"
    if (go_memory_bytes(wanted) or 0) <= (go_memory_bytes(current) or 0):
        return None
    return case.advise(
        advice=HigherGoMemoryLimit(wanted=wanted),
        area=Area.KRO_RESOURCES,
        bottleneck=BottleneckKind.KRO_MEMORY,
        settings=[case.settings.change_env(GO_MEMORY_LIMIT, wanted)],
        confidence=Confidence.HIGH,
        evidence=[*evidence(EvidenceCode.MEMORY_MAX, used), *evidence_of(found)],
        variant=Variant(name="more-heap", env={GO_MEMORY_LIMIT: wanted}),
        weight=found.score,
    )


def memory_request(case: Case) -> Weighted | None:
    """A memory request of what kro uses, if it requests less."""
    used, current = most_memory(case), case.settings.request("memory")
    request = number_of(current)
    if used is None or request is None or current is None or used <= request:
        return None
    wanted = memory_quantity(used)
    return case.advise(
        advice=HigherMemoryRequest(request=current, wanted=wanted, used_bytes=used),
        area=Area.KRO_RESOURCES,
        settings=[case.settings.change_resource("requests", "memory", wanted)],
        confidence=Confidence.HIGH,
        evidence=evidence(EvidenceCode.MEMORY_MAX, used, request),
        weight=0.05,
    )


def cpu_limit(case: Case) -> Weighted | None:
    """A higher CPU limit, if kro is throttled and its node has more.

    Based on the utilisation law.
    """
    found = case.bottleneck(BottleneckKind.KRO_CPU)
    limit = number_of(case.settings.limit("cpu"))
    throttled = case.figures[KRO_THROTTLED_RATIO] or 0.0
    cores = max((number_of(node.cpu) or 0.0 for node in case.nodes), default=0.0)
    held = throttled >= THROTTLED or (found is not None and not case.is_below_cpu_limit)
    if limit is None or cores <= limit or not held:
        return None
    wanted = cpu_quantity(min(cores, 2 * limit))
    wanted_cores = number_of(wanted) or limit
    return case.advise(
        advice=HigherCPULimit(
            wanted=wanted,
            gain=wanted_cores / limit,
            instance_cpu_seconds=case.figures[KRO_CPU_SECONDS.per_instance] or None,
            limit_cores=limit,
            wanted_cores=wanted_cores,
        ),
        area=Area.KRO_RESOURCES,
        bottleneck=BottleneckKind.KRO_CPU,
        settings=[case.settings.change_resource("limits", "cpu", wanted)],
        confidence=Confidence.HIGH if found is not None else Confidence.MEDIUM,
        evidence=[
            *evidence(EvidenceCode.CPU_THROTTLED, throttled or None, THROTTLED),
            *evidence_of(found),
        ],
        variant=Variant(name="more-cpu", resources=VariantResources(limits={"cpu": wanted})),
        weight=max(found.score if found is not None else 0.0, throttled),
    )
