"""From what each cause explains to a ranking.

Reconciles take time for several causes at once. Together they explain at most all of it, and only
the rest can be explained by too few workers. If the load was not the one that was asked for, or
its children take their time, everything else counts for that much less.
"""

from collections.abc import Callable, Iterator, Sequence

from krobench.analysis.bottlenecks import around_kro, in_kro, rgds
from krobench.analysis.bottlenecks.facts import Assessment, Facts, NotMeasuredError, Of, Split
from krobench.figures.environment import KroFingerprint, NodeFingerprint
from krobench.findings.bottleneck import Attribution, Bottleneck, BottleneckKind
from krobench.record.test import TestRecord

LEAST_SCORE = 0.1
"""Lower scores are not reported: iterations of one test differ by as much."""
_ASSESSORS: dict[BottleneckKind, Callable[[Facts], Iterator[Assessment]]] = {
    BottleneckKind.GENERATOR: around_kro.assess_generator,
    BottleneckKind.SLOW_CHILDREN: around_kro.assess_children,
    BottleneckKind.KRO_WORKERS: in_kro.assess_workers,
    BottleneckKind.KRO_CPU: in_kro.assess_cpu,
    BottleneckKind.KRO_MEMORY: in_kro.assess_memory,
    BottleneckKind.REQUEUE_WAIT: in_kro.assess_requeues,
    BottleneckKind.API_SERVER: around_kro.assess_api_server,
    BottleneckKind.WATCH_REINITIALISATION: rgds.assess_watch_caches,
    BottleneckKind.ADMISSION: around_kro.assess_admission,
    BottleneckKind.ETCD: around_kro.assess_etcd,
    BottleneckKind.POISONED_RGD: rgds.assess_poisoned,
}


def attribute(
    test: TestRecord, kro: KroFingerprint | None, nodes: Sequence[NodeFingerprint] = ()
) -> Attribution | None:
    """Return what held ``kro`` back in a test; None if nothing was measured of it."""
    if test.summary is None:
        return None
    facts = Facts(test, test.summary, kro, nodes)
    attribution = Attribution()
    assessments: list[Assessment] = []
    for kind, assess in _ASSESSORS.items():
        try:
            assessments += list(assess(facts))  # all of them, or none
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
    """Return the share of the time in question that a cause explains, as far as the load was the
    one that was asked for."""
    set_up = facts.set_up_share
    try:
        split = facts.split
    except NotMeasuredError:  # none of the run's time is explained then
        split = Split(0.0, 0.0, 0.0, 0.0)
    match each.of:
        case Of.LOAD:
            return each.share
        case Of.SET_UP:
            explained = set_up * each.share
        case Of.SET_UP_QUEUE:
            explained = set_up * each.share * (1.0 - _explained(all_of, Of.SET_UP))
        case Of.IDLE:
            explained = (1.0 - set_up) * (split.idle * each.share)
        case Of.QUEUE:
            left = 1.0 - _explained(all_of, Of.WORK)
            explained = (1.0 - set_up) * (split.queue * each.share * left)
        case Of.WORK:
            together = max(1.0, sum(other.share for other in all_of if other.of is Of.WORK))
            explained = (1.0 - set_up) * (split.busy * each.share / together)
    asked_for = 1.0 - max((other.share for other in all_of if other.of is Of.LOAD), default=0.0)
    return max(each.at_least, asked_for * explained)


def _explained(all_of: Sequence[Assessment], of: Of) -> float:
    return min(1.0, sum(other.share for other in all_of if other.of is of))
