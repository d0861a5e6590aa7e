"""From what each cause explains to a ranking.

Reconciles take time for several causes at once; what they explain together is at most all of it,
and only what is left is a matter of too few workers. What is found of a load that was not the one
that was asked for counts for that much less.
"""

from collections.abc import Callable, Sequence

from krobench.analysis.bottlenecks import (
    admission,
    apiserver,
    cpu,
    etcd,
    generator,
    memory,
    poisoned,
    reinitialisation,
    requeue,
    workers,
)
from krobench.analysis.bottlenecks.assessment import Assessment, Of
from krobench.analysis.bottlenecks.facts import Facts, NotMeasuredError, Split
from krobench.figures.environment import KroFingerprint, NodeFingerprint
from krobench.findings.bottleneck import Attribution, Bottleneck, BottleneckKind, Evidence
from krobench.record.test import TestRecord

LEAST_SCORE = 0.1
"""What explains less is not told: iterations of one test differ by as much."""
_ASSESSORS: dict[BottleneckKind, Callable[[Facts], list[Assessment]]] = {
    BottleneckKind.GENERATOR: generator.assess,
    BottleneckKind.KRO_WORKERS: workers.assess,
    BottleneckKind.KRO_CPU: cpu.assess,
    BottleneckKind.KRO_MEMORY: memory.assess,
    BottleneckKind.REQUEUE_WAIT: requeue.assess,
    BottleneckKind.API_SERVER: apiserver.assess,
    BottleneckKind.WATCH_REINITIALISATION: reinitialisation.assess,
    BottleneckKind.ADMISSION: admission.assess,
    BottleneckKind.ETCD: etcd.assess,
    BottleneckKind.POISONED_RGD: poisoned.assess,
}


def attribute(
    test: TestRecord, kro: KroFingerprint | None, nodes: Sequence[NodeFingerprint] = ()
) -> Attribution | None:
    """Return what held ``kro`` back in a test; None where nothing was measured of it."""
    if test.summary is None:
        return None
    facts = Facts(test, test.summary, kro, nodes)
    attribution, assessments = Attribution(), []
    for kind, assess in _ASSESSORS.items():
        try:
            assessments += assess(facts)
        except NotMeasuredError as error:
            attribution.unavailable[kind] = str(error)
    ranked = [_bottleneck(each, _score(each, assessments, facts)) for each in assessments]
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
    match each.of:
        case Of.SET_UP:
            return set_up * each.share
        case Of.SET_UP_QUEUE:
            return set_up * each.share * (1.0 - _explained(all_of, Of.SET_UP))
        case _:
            return (1.0 - set_up) * _share_of_run(each, all_of, _split(facts))


def _share_of_run(each: Assessment, all_of: Sequence[Assessment], split: Split) -> float:
    match each.of:
        case Of.IDLE:
            return split.idle * each.share
        case Of.QUEUE:
            return split.queue * each.share * (1.0 - _explained(all_of, Of.WORK))
        case _:
            together = max(1.0, sum(other.share for other in all_of if other.of is Of.WORK))
            return split.busy * each.share / together


def _explained(all_of: Sequence[Assessment], of: Of) -> float:
    return min(1.0, sum(other.share for other in all_of if other.of is of))


def _split(facts: Facts) -> Split:
    """Return where the time went; where that is not known, none of it is explained."""
    try:
        return facts.split
    except NotMeasuredError:
        return Split(0.0, 0.0, 0.0, 0.0)


def _bottleneck(each: Assessment, score: float) -> Bottleneck:
    return Bottleneck(
        kind=each.kind,
        subject=each.subject,
        score=round(score, 3),
        message=each.message,
        evidence=sorted(each.evidence, key=_weight),
    )


def _weight(item: Evidence) -> bool:
    """Evidence for a finding first, each in the order of its module."""
    return not item.speaks_for
