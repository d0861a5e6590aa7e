"""Rules on kro: its workers and its waits, for the load that was measured."""

import math

from krobench.analysis.bottlenecks.facts import MANY_RGDS
from krobench.analysis.krosettings import (
    INSTANCE_WORKERS,
    REQUEUE_INTERVAL,
    REVISION_WORKERS,
    RGD_WORKERS,
    WATCH_LIST,
)
from krobench.analysis.recommendations.case import Case, CPUBound, Weighted, evidence_of
from krobench.api.notation import duration_seconds
from krobench.api.specs.kro import Variant
from krobench.api.specs.load import Operation
from krobench.figures import catalogue
from krobench.findings.bottleneck import Bottleneck, BottleneckKind, SubjectKind
from krobench.findings.evidence import Evidence, EvidenceCode, evidence
from krobench.findings.recommendation import (
    Area,
    Confidence,
    FailingReconciles,
    MoreInstanceWorkers,
    MoreRGDWorkers,
    NoWatchList,
    ShorterRequeues,
)

_BUSY = 0.75
"""Utilisation from which on instances are queued for longer than they are reconciled."""
_WORTH = 1.25
"""A smaller gain is not worth a change."""
_CPU_LEFT = 0.8
_MOST_TIMES = 8
"""With more workers than so many times, the work of one no longer predicts: they share kro."""
_UNKNOWN_TIMES = 4
_FEW = 20
"""Fewer instances are done before their rate is known."""

_SLOW_RGD_SECONDS = 0.2
_MOST_RGD_WORKERS, _MOST_REVISION_WORKERS = 8, 4

_SHORT, _SHORT_SECONDS = "500ms", 0.5
_DELETES = frozenset({Operation.DELETE, Operation.CHURN})
_MANY_ERRORS = 0.1


def more_instance_workers(case: Case) -> Weighted | None:
    """More workers for instances, if they are busy and CPU is left.

    Based on the utilisation law.
    """
    work, rate, workers = case.demand_seconds, case.throughput, case.workers
    busy = case.utilisation
    if work is None or rate is None or not workers or busy is None or busy < _BUSY:
        return None
    wanted, reached, whose = _how_many_workers(case, work, workers)
    if wanted <= workers or reached / rate < _WORTH:
        return None
    found = case.bottleneck(BottleneckKind.KRO_WORKERS, SubjectKind.INSTANCE_WORKERS)
    bounds, few = case.cpu_bounds(), case.observed_instances < _FEW
    wait = case.figures[catalogue.INSTANCE_QUEUE_MEAN_SECONDS]
    reconcile = case.figures[catalogue.RECONCILE_MEAN_SECONDS]
    confidence = Confidence.HIGH if bounds else Confidence.MEDIUM
    return case.advise(
        advice=MoreInstanceWorkers(
            workers=workers,
            wanted=wanted,
            gain=reached / rate,
            work_seconds=work,
            bounded_by=whose,
            bound_per_second=bounds[whose] if whose is not None else None,
        ),
        area=Area.KRO_FLAG,
        bottleneck=BottleneckKind.KRO_WORKERS,
        settings=[case.settings.change(INSTANCE_WORKERS, str(wanted))],
        confidence=Confidence.LOW if few else confidence,
        evidence=[
            *evidence(EvidenceCode.WORKER_UTILISATION, busy, _BUSY),
            *evidence(EvidenceCode.WORK_PER_INSTANCE, work),
            *evidence(
                EvidenceCode.QUEUE_WAIT_MEAN,
                wait if reconcile is not None else None,
                reconcile,
                supports=(wait or 0.0) > (reconcile or 0.0),
            ),
            *_use_of_cpu(bounds, rate),
            *evidence(
                EvidenceCode.FEW_INSTANCES,
                case.observed_instances if few else None,
                _FEW,
                supports=False,
            ),
        ],
        variant=Variant(name=f"{wanted}-workers", args=[f"{INSTANCE_WORKERS.name}={wanted}"]),
        weight=case.weight_of(found, otherwise=busy),
    )


def _how_many_workers(
    case: Case, work_seconds: float, workers: int
) -> tuple[int, float, CPUBound | None]:
    """Return how many workers are useful, the rate that they reach, and what limits it then."""
    bounds = case.cpu_bounds()
    most = workers * (_MOST_TIMES if bounds else _UNKNOWN_TIMES)
    if case.in_flight is not None:
        most = min(most, case.in_flight)
    if not bounds:
        wanted = max(workers, most)
        return wanted, wanted / work_seconds, None
    whose, bound = min(bounds.items(), key=lambda item: item[1])
    wanted = min(most, math.ceil(bound * work_seconds))
    return wanted, min(bound, wanted / work_seconds), whose


def _use_of_cpu(bounds: dict[CPUBound, float], rate: float) -> list[Evidence]:
    codes: dict[CPUBound, EvidenceCode] = {
        "CPULimit": EvidenceCode.USE_OF_CPU_LIMIT,
        "NodeCPU": EvidenceCode.USE_OF_NODE_CPU,
    }
    return [
        item
        for whose, bound in bounds.items()
        for item in evidence(
            codes[whose], rate / bound, _CPU_LEFT, supports=rate / bound < _CPU_LEFT
        )
    ]


def more_rgd_workers(case: Case) -> Weighted | None:
    """More workers for RGDs and their revisions, if many new RGDs wait for each other."""
    each = _seconds_of_an_rgd(case)
    workers = case.settings.number(RGD_WORKERS)
    revision_workers = case.settings.number(REVISION_WORKERS)
    if each is None or workers is None or revision_workers is None:
        return None
    wanted = min(_MOST_RGD_WORKERS, case.test.rgds)
    revisions = min(_MOST_REVISION_WORKERS, case.test.rgds)
    if wanted <= workers:
        return None
    pairs = ((RGD_WORKERS, workers, wanted), (REVISION_WORKERS, revision_workers, revisions))
    changes = [(flag, new) for flag, old, new in pairs if new > old]
    return case.advise(
        advice=MoreRGDWorkers(
            wanted=wanted,
            wanted_for_revisions=revisions,
            gain=wanted / workers,
            seconds_per_rgd=each,
        ),
        area=Area.KRO_FLAG,
        bottleneck=BottleneckKind.WATCH_REINITIALISATION,
        settings=[case.settings.change(flag, str(new)) for flag, new in changes],
        confidence=Confidence.HIGH,
        evidence=_rgd_evidence(case, each),
        variant=Variant(
            name=f"{wanted}-rgd-workers", args=[f"{flag.name}={new}" for flag, new in changes]
        ),
        weight=_rgd_weight(case),
    )


def no_watch_list(case: Case) -> Weighted | None:
    """client-go's watch-lists switched off, if each new kind waits a second for one."""
    each = _seconds_of_an_rgd(case)
    if each is None or not case.settings.known:
        return None
    if case.settings.env(WATCH_LIST) is not None:
        return None  # it is set on purpose
    return case.advise(
        advice=NoWatchList(seconds_per_rgd=each),
        area=Area.KRO_FLAG,
        bottleneck=BottleneckKind.WATCH_REINITIALISATION,
        settings=[case.settings.change_env(WATCH_LIST, "false")],
        confidence=Confidence.MEDIUM,
        evidence=_rgd_evidence(case, each),
        variant=Variant(name="no-watch-list", env={WATCH_LIST: "false"}),
        weight=_rgd_weight(case) * 0.9,
    )


def _seconds_of_an_rgd(case: Case) -> float | None:
    """Return the time from one RGD ready to the next, if many are created at once.

    None if they are few, or fast.
    """
    ready = case.rgd_ready
    if case.test.rgds < MANY_RGDS or ready is None or ready.max_seconds is None:
        return None
    each = ready.max_seconds / case.test.rgds
    return each if each >= _SLOW_RGD_SECONDS or _of_rgds(case) else None


def _of_rgds(case: Case) -> list[Bottleneck]:
    """Return what the attribution found of new RGDs."""
    found = (
        case.bottleneck(BottleneckKind.WATCH_REINITIALISATION),
        case.bottleneck(BottleneckKind.KRO_WORKERS, SubjectKind.RGD_WORKERS),
        case.bottleneck(BottleneckKind.KRO_WORKERS, SubjectKind.GRAPH_REVISION_WORKERS),
    )
    return [each for each in found if each is not None]


def _rgd_evidence(case: Case, each: float) -> list[Evidence]:
    return [
        *evidence(EvidenceCode.SECONDS_PER_RGD, each, _SLOW_RGD_SECONDS),
        *(item for found in _of_rgds(case) for item in evidence_of(found, most=2)),
    ]


def _rgd_weight(case: Case) -> float:
    # Set-up against run: how much of the test was waiting for RGDs.
    ready, total = case.rgd_ready, case.summary.duration_seconds
    known = ready is not None and ready.max_seconds is not None and total
    share = min(1.0, (ready.max_seconds or 0.0) / total) if ready and known and total else 0.5
    return case.weight_of(*_of_rgds(case), otherwise=share)


def shorter_requeues(case: Case) -> Weighted | None:
    """A shorter interval between reconciles of what is not ready, if these waits dominate."""
    found = case.bottleneck(BottleneckKind.REQUEUE_WAIT)
    interval = case.settings.value(REQUEUE_INTERVAL)
    try:
        seconds = duration_seconds(interval or "")
    except ValueError:
        return None
    gone = case.summary.latency.instance_gone
    deletes = bool(_DELETES & set(case.test.phases)) and gone is not None
    gone_seconds = gone.p50_seconds if deletes and gone is not None else None
    slow_deletion = gone_seconds is not None and gone_seconds > 2 * seconds
    if interval is None or seconds <= _SHORT_SECONDS or not (found is not None or slow_deletion):
        return None
    return case.advise(
        advice=ShorterRequeues(interval=interval, wanted=_SHORT, factor=seconds / _SHORT_SECONDS),
        area=Area.KRO_FLAG,
        bottleneck=BottleneckKind.REQUEUE_WAIT,
        settings=[case.settings.change(REQUEUE_INTERVAL, _SHORT)],
        confidence=Confidence.MEDIUM,
        evidence=[
            *evidence_of(found),
            *evidence(
                EvidenceCode.DELETION_P50, gone_seconds if slow_deletion else None, 2 * seconds
            ),
        ],
        variant=Variant(name="short-requeue", args=[f"{REQUEUE_INTERVAL.name}={_SHORT}"]),
        weight=found.score if found is not None else 0.5,
    )


def find_errors(case: Case) -> Weighted | None:
    """Finding out why reconciles fail, if many do: each then waits before it is retried."""
    errors = case.figures[catalogue.FAILED_RECONCILES]
    reconciles = case.figures[catalogue.KRO_RECONCILES]
    if not errors or not reconciles or errors / reconciles < _MANY_ERRORS:
        return None
    share = errors / reconciles
    return case.advise(
        advice=FailingReconciles(failed_ratio=share),
        area=Area.CLUSTER,
        confidence=Confidence.HIGH,
        evidence=evidence(EvidenceCode.FAILED_RECONCILES, share, _MANY_ERRORS),
        weight=min(1.0, share),
    )
