"""Kubernetes Events of runs and schedules."""

import hashlib
import logging

from krobench.api.common import GROUP_VERSION, rfc3339, utc_now
from krobench.api.kinds import RunRef, ScheduleRef
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError
from krobench.report.events import RunEvent

logger = logging.getLogger(__name__)

_MAX_MESSAGE = 1000


async def emit(client: KubeClient, about: RunRef | ScheduleRef, event: RunEvent) -> None:
    """Create an Event under a name made from what it says, so that it exists only once.

    Raises:
        KubeError: if that may be possible later.
    """
    identity = f"{about.uid}/{event.reason}/{event.subject}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    now = rfc3339(utc_now())
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about.name}.{digest}", "namespace": about.namespace},
        "involvedObject": {
            "apiVersion": GROUP_VERSION,
            "kind": about.kind.value,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
        },
        "reason": event.reason,
        "message": event.message[:_MAX_MESSAGE],
        "type": "Warning" if event.warning else "Normal",
        "source": {"component": "krobench"},
        "reportingComponent": "krobench",
        "reportingInstance": "krobench",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    try:
        await client.create(paths.core("events", about.namespace), body)
    except ApiError as error:
        if error.transient:
            raise
        if not error.already_exists:
            # An Event is a courtesy; the status says the same.
            logger.warning("cannot create Event %s of %s: %s", event.reason, about, error)
