"""RGDs: the watch caches of new kinds, and an RGD or its instances that keep kro's workers busy."""

from collections.abc import Iterator

from krobench.analysis.bottlenecks.around_kro import RETRY_SECONDS
from krobench.analysis.bottlenecks.facts import (
    Assessment,
    Facts,
    NotMeasuredError,
    Of,
    above,
    known,
)
from krobench.analysis.krosettings import RGD_WORKERS
from krobench.figures import catalogue
from krobench.findings.bottleneck import (
    BottleneckCode,
    BottleneckKind,
    Missing,
    Subject,
    SubjectKind,
)
from krobench.findings.evidence import EvidenceCode, evidence

WORTH_MENTIONING = 0.1
"""Share of the time of the workers for RGDs: a small graph fails within milliseconds, and takes
nothing from the others however often it is built."""


def assess_watch_caches(facts: Facts) -> Iterator[Assessment]:
    """Judge by the answers with 429 in the set-up, each of which blocks a worker for RGDs.

    The API server refuses watches of a new kind until its watch cache is initialised.
    """
    if not facts.many_rgds:
        return
    seconds = known(facts.figures[catalogue.SET_UP_SECONDS], Missing.SET_UP_SECONDS)
    refused = known(
        facts.figures[catalogue.KRO_THROTTLED_REQUESTS.set_up], Missing.REQUESTS_BY_CODE
    )
    workers, rgds = facts.workers(RGD_WORKERS), facts.test.rgds
    usual = RETRY_SECONDS / workers
    yield Assessment(
        kind=BottleneckKind.WATCH_REINITIALISATION,
        code=BottleneckCode.WATCH_CACHES_NEW,
        of=Of.SET_UP,
        share=min(1.0, refused * RETRY_SECONDS / (seconds * workers)) if seconds else 0.0,
        evidence=[
            *evidence(EvidenceCode.THROTTLED_IN_SET_UP, refused, supports=refused / rgds > 0.5),
            *above(EvidenceCode.SET_UP_PER_RGD, seconds / rgds, usual),
            *evidence(
                EvidenceCode.THROTTLED_PER_RGD, refused / rgds, supports=refused / rgds > 0.5
            ),
            *evidence(EvidenceCode.RGD_WORKERS, float(workers), supports=workers == 1),
        ],
    )


def assess_poisoned(facts: Facts) -> Iterator[Assessment]:
    """Judge by the workers' time that goes to another kind, and by graphs that fail to build."""
    own = known(facts.figures[catalogue.OWN_WORK_SECONDS], Missing.WORK_BY_KIND)
    others = known(facts.figures[catalogue.OTHERS_WORK_SECONDS], Missing.WORK_BY_KIND)
    yield from _failed_builds(facts)
    if not facts.parts[catalogue.OTHERS_WORK]:
        return
    worst = facts.parts[catalogue.OTHERS_WORK][0]
    # Parts are the last iteration's, sums the medians of all: one may be above the other.
    share = worst.value / (own + max(others, worst.value))
    yield Assessment(
        kind=BottleneckKind.POISONED_RGD,
        code=BottleneckCode.OTHER_KIND_WORKED_ON,
        of=Of.WORK,
        share=share,
        subject=Subject(kind=SubjectKind.RESOURCE, name=worst.name),
        evidence=[
            *evidence(
                EvidenceCode.OTHER_KIND_SHARE,
                share,
                supports=worst.value > own,
                subject=worst.name,
            ),
            *evidence(
                EvidenceCode.OTHER_KIND_SECONDS,
                worst.value,
                supports=worst.value > own,
                subject=worst.name,
            ),
            *evidence(EvidenceCode.OWN_KINDS_SECONDS, own, supports=False),
        ],
    )


def _failed_builds(facts: Facts) -> Iterator[Assessment]:
    """Judge by the time that an RGD worker spent on a graph that it could not build.

    The requests that it sent to the API server meanwhile are not known by RGD, and do not count.
    """
    if not facts.many_rgds or not facts.parts[catalogue.FAILED_BUILDS]:
        return
    if not facts.parts[catalogue.FAILED_BUILD_SECONDS]:
        raise NotMeasuredError(Missing.FAILED_BUILD_SECONDS)
    worst = facts.parts[catalogue.FAILED_BUILD_SECONDS][0]
    times = next(
        (part.value for part in facts.parts[catalogue.FAILED_BUILDS] if part.name == worst.name),
        0.0,
    )
    seconds = known(facts.figures[catalogue.SET_UP_SECONDS], Missing.SET_UP_SECONDS)
    share = worst.value / (seconds * facts.workers(RGD_WORKERS)) if seconds else 0.0
    large = share >= WORTH_MENTIONING
    yield Assessment(
        kind=BottleneckKind.POISONED_RGD,
        code=BottleneckCode.GRAPH_BUILDS_FAIL,
        of=Of.SET_UP,
        share=min(1.0, share),
        subject=Subject(kind=SubjectKind.RGD, name=worst.name),
        evidence=[
            *evidence(EvidenceCode.FAILED_BUILD_SHARE, share, supports=large),
            *evidence(EvidenceCode.FAILED_BUILD_SECONDS, worst.value, seconds, supports=large),
            *above(EvidenceCode.FAILED_BUILDS, times, 1.0),
        ],
    )
