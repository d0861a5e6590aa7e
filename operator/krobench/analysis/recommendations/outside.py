"""Rules on what is outside of kro: the shape of RGDs, the cluster, and the load."""

from krobench.analysis.bottlenecks.around_kro import USUAL_ETCD_SECONDS
from krobench.analysis.krosettings import KEPT_REVISIONS
from krobench.analysis.recommendations.case import Case, Weighted, evidence_of
from krobench.analysis.resourcequantities import number_of
from krobench.api.specs.load import Operation
from krobench.figures import catalogue
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.evidence import EvidenceCode, evidence
from krobench.findings.recommendation import (
    Advice,
    Area,
    CheaperCEL,
    Confidence,
    FasterEtcd,
    FewerRevisions,
    MoreNodeCPU,
    MoreShards,
    NarrowerAdmission,
    NarrowerRGDs,
    OwnPriorityLevel,
    RelieveAPIServer,
    RepairRGD,
    ShorterChains,
)

_MANY_RECONCILES = 5.0
"""An instance whose resources do not wait for each other takes two or three."""
_MANY_REQUESTS = 30.0
"""2N + 2 + G for an RGD of N resources of G kinds: from 14 resources on."""
_MUCH_CEL = 0.2
_LARGE_GRAPH_BYTES = 2 * 2**20
_FEW_REVISIONS = 2
_MOST = 0.5


def shorter_chains(case: Case) -> Weighted | None:
    """Fewer levels, if resources wait for each other reconcile by reconcile."""
    reconciles = case.figures[catalogue.KRO_RECONCILES.per_instance]
    mean = case.figures[catalogue.RECONCILE_MEAN_SECONDS]
    work = case.demand_seconds
    if reconciles is None or mean is None or work is None or reconciles < _MANY_RECONCILES:
        return None
    return case.advise(
        advice=ShorterChains(reconcile_seconds=mean, work_seconds=work),
        area=Area.RGD_SHAPE,
        confidence=Confidence.MEDIUM,
        evidence=[
            *evidence(EvidenceCode.RECONCILES_PER_INSTANCE, reconciles, _MANY_RECONCILES),
            *evidence(EvidenceCode.RECONCILE_MEAN, mean),
        ],
        weight=0.4 * (1 - 2 / reconciles),
    )


def narrower_rgds(case: Case) -> Weighted | None:
    """Fewer resources per instance, if a reconcile is a long series of requests."""
    requests = case.figures[catalogue.KRO_REQUESTS.per_instance]
    reconciles = case.figures[catalogue.KRO_RECONCILES.per_instance]
    work = case.demand_seconds
    if not requests or not reconciles or work is None:
        return None
    each = requests / reconciles
    if each < _MANY_REQUESTS:
        return None
    return case.advise(
        advice=NarrowerRGDs(reconciles=reconciles, requests=requests),
        area=Area.RGD_SHAPE,
        confidence=Confidence.MEDIUM,
        evidence=[
            *evidence(EvidenceCode.REQUESTS_PER_RECONCILE, each, _MANY_REQUESTS),
            *evidence(EvidenceCode.REQUESTS_PER_INSTANCE, requests),
            *evidence(EvidenceCode.WORK_PER_INSTANCE, work),
        ],
        weight=0.3,
    )


def cheaper_cel(case: Case) -> Weighted | None:
    """Cheaper expressions, if evaluating them is much of a reconcile."""
    count = case.figures[catalogue.CEL_EVALUATIONS]
    mean = case.figures[catalogue.CEL_EVALUATION_MEAN_SECONDS]
    reconciles = case.figures[catalogue.KRO_RECONCILES]
    work = case.figures[catalogue.RECONCILE_MEAN_SECONDS]
    if not count or not mean or not reconciles or not work:
        return None
    share = min(1.0, count * mean / (reconciles * work))
    if share < _MUCH_CEL:
        return None
    return case.advise(
        advice=CheaperCEL(share=share),
        area=Area.RGD_SHAPE,
        confidence=Confidence.MEDIUM,
        evidence=[
            *evidence(EvidenceCode.CEL_SHARE, share, _MUCH_CEL),
            *evidence(EvidenceCode.CEL_MEAN, mean),
            *evidence(EvidenceCode.CEL_PER_RECONCILE, count / reconciles),
        ],
        weight=share,
    )


def fewer_revisions(case: Case) -> Weighted | None:
    """Fewer kept revisions, if a compiled graph is large and many are kept."""
    each = case.heap_of_an_rgd
    kept = case.settings.number(KEPT_REVISIONS)
    if each is None or kept is None or each < _LARGE_GRAPH_BYTES or kept <= _FEW_REVISIONS:
        return None
    updates = Operation.UPDATE_RGD in case.test.phases
    memory = case.bottleneck(BottleneckKind.KRO_MEMORY)
    return case.advise(
        advice=FewerRevisions(kept=kept, wanted=_FEW_REVISIONS, graph_bytes=each),
        area=Area.KRO_FLAG,
        bottleneck=BottleneckKind.KRO_MEMORY if memory is not None else None,
        settings=[case.settings.change(KEPT_REVISIONS, str(_FEW_REVISIONS))],
        confidence=Confidence.MEDIUM if updates else Confidence.LOW,
        evidence=[
            *evidence(EvidenceCode.LIVE_HEAP_PER_RGD, each, _LARGE_GRAPH_BYTES),
            *evidence_of(memory),
        ],
        weight=0.5 * memory.score if memory is not None else 0.1,
    )


def repair_poisoned(case: Case) -> Weighted | None:
    """Repairing or deleting an RGD that blocks the others."""
    found = case.bottleneck(BottleneckKind.POISONED_RGD)
    if found is None:
        return None
    advice = RepairRGD(subject=found.subject, share=found.score)
    return case.against(found, advice, Area.RGD_SHAPE, Confidence.HIGH)


def relieve_api_server(case: Case) -> Weighted | None:
    """Room for kro at the API server: more of it, or a priority level of its own."""
    found = case.bottleneck(BottleneckKind.API_SERVER)
    if found is None:
        return None
    advice: Advice
    if case.figures[catalogue.API_SERVER_THROTTLED]:
        advice = OwnPriorityLevel(refused=case.figures[catalogue.API_SERVER_THROTTLED])
    else:
        advice = RelieveAPIServer(
            requests_per_instance=case.figures[catalogue.KRO_REQUESTS.per_instance] or None,
            request_seconds=case.figures[catalogue.API_SERVER_REQUEST_MEAN_SECONDS] or None,
        )
    return case.against(found, advice, Area.CLUSTER, Confidence.MEDIUM)


def more_processors(case: Case) -> Weighted | None:
    """A node with more CPU for kro, if the node holds kro back and not its limit."""
    found = case.bottleneck(BottleneckKind.KRO_CPU)
    limit = number_of(case.settings.limit("cpu"))
    cores = max((number_of(node.cpu) or 0.0 for node in case.nodes), default=0.0)
    has_room = limit is not None and limit < cores and not case.is_below_cpu_limit
    if found is None or has_room:
        return None
    return case.against(found, MoreNodeCPU(share=found.score), Area.CLUSTER, Confidence.MEDIUM)


def narrow_admission(case: Case) -> Weighted | None:
    """Webhooks that ignore kro's requests, or answer sooner."""
    found = case.bottleneck(BottleneckKind.ADMISSION)
    if found is None:
        return None
    advice = NarrowerAdmission(subject=found.subject, share=found.score)
    return case.against(found, advice, Area.CLUSTER, Confidence.MEDIUM)


def faster_etcd(case: Case) -> Weighted | None:
    """A faster disk for etcd; more CPU if its disk is known to be fast."""
    found = case.bottleneck(BottleneckKind.ETCD)
    if found is None:
        return None
    fsync = case.figures[catalogue.ETCD_FSYNC_MEAN_SECONDS]
    advice = FasterEtcd(
        share=found.score,
        fsync_seconds=fsync,
        disk_is_fast=fsync is not None and fsync < USUAL_ETCD_SECONDS,
    )
    confidence = Confidence.LOW if fsync is None else Confidence.MEDIUM
    return case.against(found, advice, Area.CLUSTER, confidence)


def stronger_generator(case: Case) -> Weighted | None:
    """More shards, or more requests in flight, if the load was not the one asked for."""
    found = case.bottleneck(BottleneckKind.GENERATOR)
    if found is None:
        return None
    generator = case.summary.generator
    asked = generator.requested_per_second if generator is not None else None
    achieved = generator.achieved_per_second if generator is not None else None
    return case.advise(
        advice=MoreShards(shards=case.test.load.shards),
        area=Area.LOAD,
        bottleneck=BottleneckKind.GENERATOR,
        confidence=Confidence.HIGH,
        evidence=[
            *evidence(EvidenceCode.RATE_REQUESTED, asked if achieved else None),
            *evidence(EvidenceCode.RATE_ACHIEVED, achieved if asked else None),
            *evidence_of(found),
        ],
        # First of all if it explains most: under the right load, the rest may be different.
        weight=found.score + (found.score > _MOST),
    )
