"""A run that has ended, as a CloudEvent."""

from typing import Any

from krobench.api.common import API_GROUP, API_VERSION
from krobench.api.kinds import RunRef
from krobench.api.status import ConditionType, RunStatus

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_TYPE = "run.kro.bench.run.finished"
_COPIED = {
    "phase",
    "verdict",
    "message",
    "start_time",
    "completion_time",
    "warnings",
    "results_ref",
    "headline",
    "comparison",
    "limit",
    "bottleneck",
}
"""Fields of the status that the event has; each kind has its own of them."""


def finished(run: RunRef, status: RunStatus) -> dict[str, Any]:
    """Return the event (CloudEvents 1.0, JSON format); its id is the same for each delivery."""
    path = f"/apis/{API_GROUP}/{API_VERSION}/namespaces/{run.namespace}/{run.kind.plural}"
    reasons = {each.type: each.reason for each in status.conditions}
    copied = status.model_dump(by_alias=True, mode="json", exclude_none=True, include=_COPIED)
    return {
        "specversion": "1.0",
        "id": f"{run.uid}-finished",
        "source": f"{path}/{run.name}",
        "type": _TYPE,
        "subject": f"{run.namespace}/{run.name}",
        "time": status.completion_time,
        "datacontenttype": "application/json",
        "data": {
            "kind": run.kind.value,
            "namespace": run.namespace,
            "name": run.name,
            "uid": run.uid,
            "reason": reasons.get(ConditionType.FINISHED),
            **copied,
        },
    }
