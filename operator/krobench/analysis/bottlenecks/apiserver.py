"""The API server: slow by itself, queueing or refusing requests."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts
from krobench.analysis.bottlenecks.requests import (
    USUAL_REQUEST_SECONDS,
    RequestTime,
    mean_seconds,
    request_time,
)
from krobench.figures.activity import Gates
from krobench.findings.bottleneck import BottleneckKind


def assess(facts: Facts) -> list[Assessment]:
    """Judge by the time that kro's requests took, and by those that were refused."""
    time, mean = request_time(facts), mean_seconds(facts)
    server, refused = facts.usage.api_server, facts.activity.throttled_requests
    gates = server.gates
    return [
        Assessment(
            kind=BottleneckKind.API_SERVER,
            of=Of.WORK,
            share=_share(facts, time),
            subject=_where(gates),
            message=_message(mean, refused or 0.0, gates),
            evidence=[
                *evidence(
                    "answers with 429 that kro got",
                    refused,
                    "number",
                    "none; kro pauses for a second after each",
                    speaks_for=bool(refused),
                ),
                *evidence(
                    "mean time to an answer, by kro's view or the server's, whichever is less",
                    mean,
                    "seconds",
                    f"above {USUAL_REQUEST_SECONDS * 1e3:g} ms",
                    speaks_for=mean > USUAL_REQUEST_SECONDS,
                ),
                *evidence(
                    "requests refused by priority and fairness",
                    gates.rejected_requests,
                    "number",
                    "none",
                    speaks_for=bool(gates.rejected_requests),
                ),
                *evidence(
                    "time that kro's requests waited in the server's queues",
                    time.queue_seconds,
                    "seconds",
                    f"of {facts.work_seconds:.3g} s of work",
                    speaks_for=time.queue_seconds > 0.1 * facts.work_seconds,
                ),
                *evidence(
                    "requests under way in the API server, mean",
                    server.in_flight.mean,
                    "number",
                    "",
                    speaks_for=False,
                ),
            ],
        )
    ]


def _share(facts: Facts, time: RequestTime) -> float:
    """Return what slow answers and pauses held up; requests that are refused side by side pause at
    once, and an API server that refuses many asks for longer pauses than the second counted."""
    work = facts.work_seconds
    slow = time.share_of(time.queue_seconds + time.other_seconds, work)
    return min(1.0, slow + (time.pause_seconds / work if work else 0.0))


def _where(gates: Gates) -> str | None:
    """Return the FlowSchema or priority level that held most requests up."""
    if gates.rejections:
        return f"FlowSchema {gates.rejections[0].name}"
    if gates.queues:
        return f"priority level {gates.queues[0].name}"
    return None


def _message(mean: float, refused: float, gates: Gates) -> str:
    if refused:
        by = f" by FlowSchema {gates.rejections[0].name}" if gates.rejections else ""
        return (
            f"The API server refused {refused:.0f} of kro's requests with 429{by}; kro pauses for "
            "a second after each."
        )
    return f"The API server took {mean * 1e3:.3g} ms for a request of kro's, in the mean."
