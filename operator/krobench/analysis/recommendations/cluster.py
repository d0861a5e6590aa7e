"""Rules on what kro waits for outside of itself."""

from krobench.analysis.bottlenecks.requests import USUAL_ETCD_SECONDS
from krobench.analysis.quantities import number_of
from krobench.analysis.recommendations.case import Case, Finding, against, evidence, evidence_of
from krobench.api import units
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.recommendation import Area, Confidence, Recommendation

_MOST = 0.5
_FAIRNESS = "https://kubernetes.io/docs/concepts/cluster-administration/flow-control/"
_ADMISSION = (
    "https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/"
)
_ETCD = "https://etcd.io/docs/latest/tuning/"


def relieve_api_server(case: Case) -> Finding | None:
    """Room for kro at the API server: more of it, or a priority level of its own."""
    found = case.bottleneck(BottleneckKind.API_SERVER)
    if found is None:
        return None
    refused = case.summary.usage.api_server.throttled_requests
    if refused:
        title = "Give kro a priority level of its own at the API server"
        effect = (
            f"Up to {units.number(refused)} refusals (429) fewer in an iteration, and the waits "
            "that come with them: with a FlowSchema for kro's ServiceAccount, others cannot take "
            "its share."
        )
    else:
        title = "Relieve the API server, or give it more CPU"
        effect = _waiting(case)
    return against(
        found,
        title,
        Area.CLUSTER,
        effect,
        Confidence.MEDIUM,
        f"{case.source}; {_FAIRNESS}",
    )


def more_processors(case: Case) -> Finding | None:
    """A node with more CPU for kro, where not its limit but the node holds it back."""
    found = case.bottleneck(BottleneckKind.KRO_CPU)
    limit = number_of(case.settings.limit("cpu"))
    cores = max((number_of(node.cpu) or 0.0 for node in case.nodes), default=0.0)
    has_room = limit is not None and limit < cores and not case.is_below_cpu_limit
    if found is None or has_room:
        return None
    return against(
        found,
        "Run kro on a node with more CPU, or leave it more of this one",
        Area.CLUSTER,
        f"About {units.percent(found.score)} of the time at most: reconciles wait for CPU "
        "that the node does not have, whatever kro's limit.",
        Confidence.MEDIUM,
        case.source,
    )


def narrow_admission(case: Case) -> Finding | None:
    """Webhooks that let kro's requests pass, or answer sooner."""
    found = case.bottleneck(BottleneckKind.ADMISSION)
    if found is None:
        return None
    who = f"the {found.subject}" if found.subject else "admission webhooks"
    return against(
        found,
        f"Narrow the rules of {who}, or have it answer sooner",
        Area.CLUSTER,
        f"About {units.percent(found.score)} of the time, as far as what it says of kro's "
        "requests is not needed: each write of kro waits for it. matchConditions and "
        "namespaceSelector leave requests out.",
        Confidence.MEDIUM,
        f"{case.source}; {_ADMISSION}",
    )


def faster_etcd(case: Case) -> Finding | None:
    """A faster disk for etcd, or one of its own; where it is known that its disk is fast enough,
    room on its node."""
    found = case.bottleneck(BottleneckKind.ETCD)
    if found is None:
        return None
    fsync = case.summary.usage.etcd.fsync_mean_seconds
    share = f"About {units.percent(found.score)} of the time at most"
    title, confidence = "Give etcd a faster disk, or one of its own", Confidence.MEDIUM
    effect = f"{share}: each write of kro waits until etcd has it on disk."
    if fsync is None:
        confidence = Confidence.LOW
        effect += " With collect.etcd.url, krobench tells whether it is the disk that takes long."
    elif fsync < USUAL_ETCD_SECONDS:
        title = "Give etcd more CPU time, or a node of its own"
        effect = (
            f"{share}. It is not its disk that takes long: a write of its log took "
            f"{units.seconds(fsync)} in the mean."
        )
    return against(found, title, Area.CLUSTER, effect, confidence, f"{case.source}; {_ETCD}")


def stronger_generator(case: Case) -> Finding | None:
    """More shards, or more requests under way, where the load was not what it was to be."""
    found = case.bottleneck(BottleneckKind.GENERATOR)
    generator = case.summary.generator
    asked = generator.requested_per_second if generator is not None else None
    achieved = generator.achieved_per_second if generator is not None else None
    if found is None:
        return None
    load = case.test.load
    numbers = (
        [
            evidence("rate asked for", asked, "per_second"),
            evidence("rate achieved", achieved, "per_second"),
        ]
        if asked and achieved
        else []
    )
    return Finding(
        Recommendation(
            title=f"Share the load among more pods than {load.shards}: load.shards",
            area=Area.LOAD,
            bottleneck=BottleneckKind.GENERATOR,
            expected_effect=(
                "None on kro: what was measured is the generator. With "
                f"{load.shards * 2} shards, each sends half as much. Where its requests wait for "
                "answers, and not for its CPU, load.maxInFlight is what to raise."
            ),
            confidence=Confidence.HIGH,
            source=f"{case.source}; docs/how-to/shards.md",
            evidence=[*numbers, *evidence_of(found)],
        ),
        # Before all others where it was most of it: with another load, they may be others.
        weight=found.score + (found.score > _MOST),
    )


def _waiting(case: Case) -> str:
    requests = case.metric("kro_api_requests_per_instance")
    mean = case.summary.usage.api_server.request_mean_seconds
    if not requests or not mean:
        return "How much cannot be said: its answer times are not available."
    return (
        f"Up to {units.seconds(requests * mean)} for each instance: kro sent "
        f"{units.number(requests)} requests for one, and each took {units.seconds(mean)} in the "
        "mean."
    )
