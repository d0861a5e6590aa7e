"""From what each cause explains to a ranking.

Reconciles take time for several causes at once. Together they explain at most all of it, and only
the rest can be explained by too few workers. If the load was not the one that was asked for,
everything else counts for that much less.
"""

from collections.abc import Callable, Sequence

from krobench.analysis.bottlenecks import kro as of_kro
from krobench.analysis.bottlenecks import outside, rgds
from krobench.analysis.bottlenecks.facts import Assessment, Facts, NotMeasuredError, Of, Split
from krobench.figures.environment import KroFingerprint, NodeFingerprint
from krobench.findings.bottleneck import Attribution, Bottleneck, BottleneckKind
from krobench.record.test import TestRecord

LEAST_SCORE = 0.1
"""Lower scores are not reported: iterations of one test differ by as much."""
_ASSESSORS: dict[BottleneckKind, Callable[[Facts], list[Assessment]]] = {
    BottleneckKind.GENERATOR: outside.assess_generator,
    BottleneckKind.KRO_WORKERS: of_kro.assess_workers,
    BottleneckKind.KRO_CPU: of_kro.assess_cpu,
    BottleneckKind.KRO_MEMORY: of_kro.assess_memory,
    BottleneckKind.REQUEUE_WAIT: of_kro.assess_requeues,
    BottleneckKind.API_SERVER: outside.assess_api_server,
    BottleneckKind.WATCH_REINITIALISATION: rgds.assess_watch_caches,
    BottleneckKind.ADMISSION: outside.assess_admission,
    BottleneckKind.ETCD: outside.assess_etcd,
    BottleneckKind.POISONED_RGD: rgds.assess_poisoned,
}


def attribute(
    test: TestRecord, kro: KroFingerprint | None, nodes: Sequence[NodeFingerprint] = ()
) -> Attribution | None:
    """Return what held ``kro`` back in a test; None if nothing was measured of it."""
    if test.summary is None:
        return None
    facts = Facts(test, test.summary, kro, nodes)
    attribution, assessments = Attribution(), []
    for kind, assess in _ASSESSORS.items():
        try:
            assessments += assess(facts)
        except NotMeasuredError as error:
            attribution.unavailable[kind] = error.missing
    ranked = [
        Bottleneck(
            code=each.code,
            kind=each.kind,
            subject=each.subject,
            score=round(_score(each, assessments, facts), 3),
            evidence=sorted(each.evidence, key=lambda item: not item.supports),
        )
        for each in assessments
    ]
    attribution.bottlenecks = sorted(
        (found for found in ranked if found.score >= LEAST_SCORE),
        key=lambda found: (-found.score, found.kind),
    )
    return attribution


def _score(each: Assessment, all_of: Sequence[Assessment], facts: Facts) -> float:
    if each.of is Of.LOAD:
        return each.share
    asked_for = 1.0 - max((other.share for other in all_of if other.of is Of.LOAD), default=0.0)
    return max(each.at_least, asked_for * _share_of_time(each, all_of, facts))


def _share_of_time(each: Assessment, all_of: Sequence[Assessment], facts: Facts) -> float:
    """Return the share of the time in question that a cause explains."""
    set_up = facts.set_up_share
    try:
        split = facts.split
    except NotMeasuredError:  # none of the run's time is explained then
        split = Split(0.0, 0.0, 0.0, 0.0)
    match each.of:
        case Of.SET_UP:
            return set_up * each.share
        case Of.SET_UP_QUEUE:
            return set_up * each.share * (1.0 - _explained(all_of, Of.SET_UP))
        case Of.IDLE:
            of_run = split.idle * each.share
        case Of.QUEUE:
            of_run = split.queue * each.share * (1.0 - _explained(all_of, Of.WORK))
        case _:
            together = max(1.0, sum(other.share for other in all_of if other.of is Of.WORK))
            of_run = split.busy * each.share / together
    return (1.0 - set_up) * of_run


def _explained(all_of: Sequence[Assessment], of: Of) -> float:
    return min(1.0, sum(other.share for other in all_of if other.of is of))
