"""kro's requests: how long an API server takes for one, and what of it is whose."""

from dataclasses import dataclass

from krobench.analysis.bottlenecks.facts import Facts, known

USUAL_REQUEST_SECONDS = 0.025
"""Mean time to an answer that is no cause for anything: an API server with room takes 5 ms for
kro's small requests, and a network of another machine or a busy moment are not its fault."""
USUAL_ADMISSION_SECONDS = 0.010
"""The same of admitting a write: built-in plugins take less than a millisecond, and a webhook in
the same cluster that only looks takes some."""
USUAL_ETCD_SECONDS = 0.010
"""The same of a request to etcd, whose own advice for writing its log is less than 10 ms at p99:
https://etcd.io/docs/v3.6/faq/#what-does-the-etcd-warning-apply-entries-took-too-long-mean."""
RETRY_SECONDS = 1.0
"""What an API server tells a client to wait that it answers with 429."""


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

        kro sends some requests of a reconcile side by side: where their times add up to more than
        the work, each counts for that much less.
        """
        whole = max(work_seconds, self.all_seconds)
        return min(1.0, part_seconds / whole) if whole else 0.0


def request_time(facts: Facts) -> RequestTime:
    """Return what of the time of kro's requests is beyond the usual.

    What the API server says of admission, etcd and its queues is of everybody's requests. No more
    of it can have held kro up than kro waited beyond the usual, by its own view.

    Raises:
        NotMeasuredError: if neither kro nor the API server says how long requests take.
    """
    requests = known(facts.activity.requests, "the number of kro's requests")
    pause = (facts.activity.throttled_requests or 0.0) * RETRY_SECONDS
    usual = USUAL_REQUEST_SECONDS * requests
    by_kro = facts.activity.request_mean_seconds
    all_of = requests * (mean_seconds(facts) if by_kro is None else by_kro)
    # kro's own view has the pauses in it.
    left = max(0.0, all_of - (0.0 if by_kro is None else pause) - usual)
    admission = min(left, _admission_seconds(facts))
    etcd = min(left - admission, _etcd_seconds(facts))
    queue = min(left - admission - etcd, facts.usage.api_server.gates.queue_wait_seconds or 0.0)
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
    """Return the mean time of a request by kro's view or the API server's, whichever is less: a kro
    that lacks CPU time is late to read an answer.

    Raises:
        NotMeasuredError: if there is neither.
    """
    views = (facts.activity.request_mean_seconds, facts.usage.api_server.request_mean_seconds)
    return known(
        min((view for view in views if view is not None), default=None),
        "the time that requests take",
    )


def _admission_seconds(facts: Facts) -> float:
    gates = facts.usage.api_server.gates
    total, mean = gates.admission_seconds, gates.admission_mean_seconds
    if total is None or not mean:
        return 0.0
    return max(0.0, total - USUAL_ADMISSION_SECONDS * total / mean)


def _etcd_seconds(facts: Facts) -> float:
    server = facts.usage.api_server
    mean, asked = server.etcd_request_mean_seconds, server.gates.etcd_requests
    if mean is None or asked is None:
        return 0.0
    return max(0.0, mean - USUAL_ETCD_SECONDS) * asked
