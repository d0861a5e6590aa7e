"""Admission: webhooks and policies that each of kro's writes waits for."""

from krobench.analysis.bottlenecks.assessment import Assessment, Of, evidence
from krobench.analysis.bottlenecks.facts import Facts, known
from krobench.analysis.bottlenecks.requests import USUAL_ADMISSION_SECONDS, request_time
from krobench.findings.bottleneck import BottleneckKind


def assess(facts: Facts) -> list[Assessment]:
    """Judge by the time that the API server takes to admit a write."""
    gates = facts.usage.api_server.gates
    mean = known(gates.admission_mean_seconds, "the time that admission takes")
    time = request_time(facts)
    spent = time.admission_seconds
    slowest = gates.webhooks[0] if gates.webhooks else None
    by = f", most of it by the webhook {slowest.name}" if slowest else ""
    return [
        Assessment(
            kind=BottleneckKind.ADMISSION,
            of=Of.WORK,
            share=time.share_of(spent, facts.work_seconds),
            subject=f"webhook {slowest.name}" if slowest else None,
            message=f"Admitting a write took {mean * 1e3:.3g} ms in the mean{by}.",
            evidence=[
                *evidence(
                    "mean time to admit a write, of everybody's",
                    mean,
                    "seconds",
                    f"above {USUAL_ADMISSION_SECONDS * 1e3:g} ms",
                    speaks_for=mean > USUAL_ADMISSION_SECONDS,
                ),
                *evidence(
                    "admission of kro's writes beyond the usual",
                    spent,
                    "seconds",
                    f"of {facts.work_seconds:.3g} s of work",
                    speaks_for=spent > 0.1 * facts.work_seconds,
                ),
                *evidence(
                    "time that requests waited for webhooks",
                    sum(webhook.value for webhook in gates.webhooks),
                    "seconds",
                    "",
                    speaks_for=bool(gates.webhooks),
                ),
            ],
        )
    ]
