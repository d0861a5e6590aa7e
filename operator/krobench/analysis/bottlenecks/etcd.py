"""etcd: the API server waits for its storage."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts, known
from krobench.analysis.bottlenecks.requests import (
    USUAL_ETCD_SECONDS,
    request_time,
)
from krobench.findings.bottleneck import BottleneckKind


def assess(facts: Facts) -> list[Assessment]:
    """Judge by the time that the API server waits for etcd."""
    mean = known(facts.usage.api_server.etcd_request_mean_seconds, "the time of requests to etcd")
    time = request_time(facts)
    spent = time.etcd_seconds
    fsync = facts.usage.etcd.fsync_mean_seconds
    return [
        Assessment(
            kind=BottleneckKind.ETCD,
            of=Of.WORK,
            share=time.share_of(spent, facts.work_seconds),
            message=f"etcd took {mean * 1e3:.3g} ms for a request of the API server's, in the "
            "mean.",
            evidence=[
                *evidence(
                    "mean time of a request to etcd",
                    mean,
                    "seconds",
                    f"above {USUAL_ETCD_SECONDS * 1e3:g} ms",
                    speaks_for=mean > USUAL_ETCD_SECONDS,
                ),
                *evidence(
                    "mean time of etcd's write to its log",
                    fsync,
                    "seconds",
                    f"above {USUAL_ETCD_SECONDS * 1e3:g} ms",
                    speaks_for=(fsync or 0.0) > USUAL_ETCD_SECONDS,
                ),
            ],
        )
    ]
