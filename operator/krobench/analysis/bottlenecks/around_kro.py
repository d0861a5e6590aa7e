"""What is outside of kro: the load generator, slow children, the API server, admission and etcd."""

from collections.abc import Iterator
from dataclasses import dataclass

from krobench.analysis.bottlenecks.facts import (
    Assessment,
    Facts,
    NotMeasuredError,
    Of,
    above,
    known,
)
from krobench.figures import catalogue
from krobench.figures.figure import Parts
from krobench.findings.bottleneck import (
    BottleneckCode,
    BottleneckKind,
    Missing,
    Subject,
    SubjectKind,
)
from krobench.findings.evidence import EvidenceCode, evidence

SCHEDULE_KEPT = 0.98
"""A generator that sends this share of the load has kept its schedule: the bound of GeneratorLate
among the causes of an invalid run."""
USUAL_REQUEST_SECONDS = 0.025
"""Mean time to an answer that is not a cause: an API server with spare capacity takes 5 ms for
kro's small requests, and the network to another machine or a busy moment adds to it."""
USUAL_ADMISSION_SECONDS = 0.010
"""The same of admitting a write: built-in plugins take less than a millisecond, and a webhook in
the same cluster that only looks takes some."""
USUAL_ETCD_SECONDS = 0.010
"""The same of a request to etcd, whose own advice for writing its log is less than 10 ms at p99:
https://etcd.io/docs/v3.6/faq/#what-does-the-etcd-warning-apply-entries-took-too-long-mean."""
RETRY_SECONDS = 1.0
"""How long an API server asks a client to wait when it answers with 429."""
_MUCH_WORK = 0.1


def assess_generator(facts: Facts) -> Iterator[Assessment]:
    """Judge by the schedule; a closed loop has none, and waits for kro by design."""
    generator = facts.summary.generator
    if generator is None:
        return
    asked, sent = generator.requested_per_second, generator.achieved_per_second
    missing = max(0.0, 1.0 - sent / asked) if asked and sent is not None else 0.0
    try:
        late = facts.split.late
    except NotMeasuredError:
        late = 0.0
    lag, allowed = generator.send_lag_p99_seconds, facts.test.load.max_send_lag_seconds
    missed = missing > 1 - SCHEDULE_KEPT
    yield Assessment(
        kind=BottleneckKind.GENERATOR,
        code=BottleneckCode.LOAD_NOT_SENT,
        of=Of.LOAD,
        share=max(missing, late),
        evidence=[
            *evidence(EvidenceCode.REQUESTS_MISSING, missing, 1 - SCHEDULE_KEPT, supports=missed),
            *above(EvidenceCode.SEND_LAG_P99, lag, allowed),
            *evidence(EvidenceCode.LATE_SHARE, late, supports=late > 1 - SCHEDULE_KEPT),
            *evidence(EvidenceCode.RATE_REQUESTED, asked, supports=missed),
            *evidence(EvidenceCode.RATE_ACHIEVED, sent, supports=missed),
        ],
    )


def assess_children(facts: Facts) -> Iterator[Assessment]:
    """Return the delay of simulated cloud resources, which is part of the load."""
    delays = [each.cloud.delay_seconds for each in facts.test.iterations if each.cloud is not None]
    ready = facts.summary.latency.instance_ready
    if not delays or ready is None or not ready.mean_seconds:
        return
    delay = delays[-1]
    yield Assessment(
        kind=BottleneckKind.SLOW_CHILDREN,
        code=BottleneckCode.CHILDREN_AWAITED,
        of=Of.LOAD,
        share=min(1.0, delay / ready.mean_seconds),
        evidence=list(
            evidence(EvidenceCode.CHILDREN_DELAY, delay, ready.mean_seconds, supports=True)
        ),
    )


@dataclass(frozen=True)
class RequestTime:
    """Time of kro's requests in the run phase beyond what is usual, in seconds, by cause."""

    admission_seconds: float
    etcd_seconds: float
    queue_seconds: float
    """In the API server's queues of priority and fairness."""
    pause_seconds: float
    """After answers with 429."""
    other_seconds: float
    """Of the API server itself."""
    all_seconds: float
    """Time of all of kro's requests, pauses included."""

    def share_of(self, part_seconds: float, work_seconds: float) -> float:
        """Return the share of the work that a part of this time held up.

        kro sends some requests of a reconcile concurrently: if their times add up to more than the
        work, each counts for that much less.
        """
        whole = max(work_seconds, self.all_seconds)
        return min(1.0, part_seconds / whole) if whole else 0.0


def request_time(facts: Facts) -> RequestTime:
    """Return how much of the time of kro's requests is beyond the usual.

    The API server's figures of admission, etcd and its queues cover everybody's requests. No more
    of it can have held kro up than kro waited beyond the usual, as it measured itself.

    Raises:
        NotMeasuredError: if neither kro nor the API server reports how long requests take.
    """
    requests = known(facts.figures[catalogue.KRO_REQUESTS], Missing.REQUESTS)
    pause = (facts.figures[catalogue.KRO_THROTTLED_REQUESTS] or 0.0) * RETRY_SECONDS
    usual = USUAL_REQUEST_SECONDS * requests
    by_kro = facts.figures[catalogue.KRO_REQUEST_MEAN_SECONDS]
    all_of = requests * (mean_seconds(facts) if by_kro is None else by_kro)
    # kro's own measurement includes the pauses.
    left = max(0.0, all_of - (0.0 if by_kro is None else pause) - usual)
    figures = facts.figures

    admission = 0.0
    admitting, each_write = (
        figures[catalogue.ADMISSION_SECONDS],
        figures[catalogue.ADMISSION_MEAN_SECONDS],
    )
    if admitting is not None and each_write:
        usual_admission = USUAL_ADMISSION_SECONDS * admitting / each_write
        admission = min(left, max(0.0, admitting - usual_admission))

    etcd = 0.0
    etcd_mean, etcd_requests = (
        figures[catalogue.ETCD_REQUEST_MEAN_SECONDS],
        figures[catalogue.ETCD_REQUESTS],
    )
    if etcd_mean is not None and etcd_requests is not None:
        beyond_usual = max(0.0, etcd_mean - USUAL_ETCD_SECONDS)
        etcd = min(left - admission, beyond_usual * etcd_requests)

    queue = min(left - admission - etcd, figures[catalogue.FLOW_CONTROL_WAIT_SECONDS] or 0.0)
    beyond = max(0.0, mean_seconds(facts) * requests - usual)
    return RequestTime(
        admission_seconds=admission,
        etcd_seconds=etcd,
        queue_seconds=queue,
        pause_seconds=pause,
        other_seconds=max(0.0, beyond - admission - etcd - queue),
        all_seconds=all_of,
    )


def mean_seconds(facts: Facts) -> float:
    """Return the mean time of a request as kro or the API server measured it, whichever is less: a
    kro without CPU time is late to read an answer.

    Raises:
        NotMeasuredError: if there is neither.
    """
    views = (
        facts.figures[catalogue.KRO_REQUEST_MEAN_SECONDS],
        facts.figures[catalogue.API_SERVER_REQUEST_MEAN_SECONDS],
    )
    return known(
        min((view for view in views if view is not None), default=None), Missing.REQUEST_SECONDS
    )


def _first(facts: Facts, kind: SubjectKind, of: Parts) -> Subject | None:
    parts = facts.parts[of]
    return Subject(kind=kind, name=parts[0].name) if parts else None


def assess_api_server(facts: Facts) -> Iterator[Assessment]:
    """Judge by the time that kro's requests took, and by those that were refused.

    Requests that are refused concurrently pause at once, and an API server that refuses many asks
    for longer pauses than the second counted here.
    """
    time, mean = request_time(facts), mean_seconds(facts)
    refused = facts.figures[catalogue.KRO_THROTTLED_REQUESTS]
    work = facts.work_seconds
    slow = time.share_of(time.queue_seconds + time.other_seconds, work)
    refusing = _first(facts, SubjectKind.FLOW_SCHEMA, catalogue.REJECTIONS)
    queueing = _first(facts, SubjectKind.PRIORITY_LEVEL, catalogue.QUEUES)
    yield Assessment(
        kind=BottleneckKind.API_SERVER,
        code=BottleneckCode.REQUESTS_REFUSED if refused else BottleneckCode.REQUESTS_SLOW,
        of=Of.WORK,
        share=min(1.0, slow + (time.pause_seconds / work if work else 0.0)),
        subject=refusing or queueing,
        evidence=[
            *above(EvidenceCode.THROTTLED_REQUESTS, refused, 0.0),
            *above(EvidenceCode.REQUEST_MEAN, mean, USUAL_REQUEST_SECONDS),
            *above(EvidenceCode.REJECTED_REQUESTS, facts.figures[catalogue.REJECTED_REQUESTS], 0.0),
            *evidence(
                EvidenceCode.QUEUED_AT_API_SERVER,
                time.queue_seconds,
                work,
                supports=time.queue_seconds > _MUCH_WORK * work,
            ),
            *evidence(
                EvidenceCode.REQUESTS_IN_FLIGHT,
                facts.figures[catalogue.IN_FLIGHT.mean],
                supports=False,
            ),
        ],
    )


def assess_admission(facts: Facts) -> Iterator[Assessment]:
    """Judge by the time that the API server takes to admit a write, webhooks included."""
    mean = known(facts.figures[catalogue.ADMISSION_MEAN_SECONDS], Missing.ADMISSION_SECONDS)
    time, work = request_time(facts), facts.work_seconds
    spent = time.admission_seconds
    yield Assessment(
        kind=BottleneckKind.ADMISSION,
        code=BottleneckCode.ADMISSION_SLOW,
        of=Of.WORK,
        share=time.share_of(spent, work),
        subject=_first(facts, SubjectKind.WEBHOOK, catalogue.WEBHOOKS),
        evidence=[
            *above(EvidenceCode.ADMISSION_MEAN, mean, USUAL_ADMISSION_SECONDS),
            *evidence(
                EvidenceCode.ADMISSION_OF_KRO,
                spent,
                work,
                supports=spent > _MUCH_WORK * work,
            ),
            *evidence(
                EvidenceCode.WEBHOOK_WAITS,
                sum(webhook.value for webhook in facts.parts[catalogue.WEBHOOKS]),
                supports=bool(facts.parts[catalogue.WEBHOOKS]),
            ),
        ],
    )


def assess_etcd(facts: Facts) -> Iterator[Assessment]:
    """Judge by the time that the API server waits for etcd."""
    mean = known(facts.figures[catalogue.ETCD_REQUEST_MEAN_SECONDS], Missing.ETCD_SECONDS)
    time = request_time(facts)
    fsync = facts.figures[catalogue.ETCD_FSYNC_MEAN_SECONDS]
    yield Assessment(
        kind=BottleneckKind.ETCD,
        code=BottleneckCode.ETCD_SLOW,
        of=Of.WORK,
        share=time.share_of(time.etcd_seconds, facts.work_seconds),
        evidence=[
            *above(EvidenceCode.ETCD_MEAN, mean, USUAL_ETCD_SECONDS),
            *above(EvidenceCode.FSYNC_MEAN, fsync, USUAL_ETCD_SECONDS),
        ],
    )
