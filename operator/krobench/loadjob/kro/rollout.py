"""Restarting kro, and waiting until it runs as its Deployment says and a pod leads.

A restart deletes kro's pod, whose controller creates another one with the same settings. So kro is
not changed, and nothing has to be restored if this Job is killed; with a variant applied, the
variant restarts. A rollout would need a second restart to undo it.

On the test bed, a new kro led 26 s after a change: 11 s until its first readiness probe, one second
until the old pod had ended, and 14 s until the old pod's Lease had expired: kro does not release
it. So this module releases a Lease whose holder is gone, and probes a variant sooner: 3 to 6 s.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from krobench.api.notation import flag_values
from krobench.api.podmessages import VARIANT_ANNOTATION
from krobench.api.specs.kro import Target
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.kube.kropods import (
    LEADER_LEASE,
    KroNotFoundError,
    KroPod,
    find_kro,
    has_ended,
    holder_of,
    is_of_pod,
    leader_path,
    list_kro_pods,
    named,
)
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError

_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
_LOG_BYTES = 16384
_LOG_LINES = 2


class NotStartedError(KubeError):
    """kro does not run as configured; the message quotes its container."""


class Rollout:
    def __init__(
        self, client: KubeClient, target: Target, deployment_path: str, timing: Timing
    ) -> None:
        self._client = client
        self._target = target
        self._path = deployment_path
        self._timing = timing
        self._failing_since: float | None = None

    async def wait(self, variant: str | None, timeout_seconds: float) -> None:
        """Wait until all pods of kro belong to ``variant`` and one of them leads.

        A failing pod gets some time: an image pull may work at the second attempt.

        Raises:
            NotStartedError: if a pod fails for longer, or the time is over.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                deployment = await self._client.get(self._path)
                listed = await list_kro_pods(self._client, self._target)
                pods = [pod for pod in listed if not has_ended(pod)]
                template = deployment["spec"]["template"]
                if _is_complete(deployment, pods, variant) and await one_leads(
                    self._client, self._target, template, pods
                ):
                    return
            except (ApiError, ApiUnreachableError) as error:
                if not error.transient:
                    raise
                pods = []
            await self.check(pods, variant)
            if time.monotonic() > deadline:
                states = ", ".join(
                    f"{pod['metadata']['name']} is {pod.get('status', {}).get('phase')}"
                    for pod in pods
                )
                raise NotStartedError(
                    f"no pod was ready and leading within {timeout_seconds:g}s; "
                    f"pods: {states or 'none'}"
                )
            await asyncio.sleep(self._timing.rollout_poll)

    async def check(self, pods: Sequence[JsonObject], variant: str | None) -> None:
        """Check that the variant's pods do not fail for longer than an image pull may.

        Raises:
            NotStartedError: if one does.
        """
        failing = _failing(pods, variant, self._target.container)
        if failing is None:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = time.monotonic()
        elif time.monotonic() - self._failing_since > self._timing.rollout_failing:
            raise NotStartedError(await self._last_words(failing))

    async def _last_words(self, pod: JsonObject) -> str:
        """Return a container's state and the first and last lines of its log."""
        name, container = pod["metadata"]["name"], self._target.container
        state = _state(pod, container)
        detail = f"container {container}: {state.get('reason') or 'Error'}"
        if state.get("message"):
            detail += f": {state['message']}"
        path = paths.core("pods", self._target.namespace, name, "log")
        try:
            # An API server refuses to send a log as text/plain, and then sends it as that.
            text = await self._client.get_text(
                f"{path}?container={container}&limitBytes={_LOG_BYTES}", accept="*/*"
            )
        except KubeError:
            return detail  # the container never ran, for example because of its image
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if len(lines) > 2 * _LOG_LINES:
            lines = [*lines[:_LOG_LINES], "…", *lines[-_LOG_LINES:]]
        return f"{detail}; its log says: {' / '.join(lines)}" if lines else detail


def _is_complete(deployment: JsonObject, pods: Sequence[JsonObject], variant: str | None) -> bool:
    replicas = deployment["spec"].get("replicas", 1)
    status = deployment.get("status", {})
    return (
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == status.get("readyReplicas", 0) == replicas
        and len(pods) == replicas
        and all(
            _mark(pod) == variant and "deletionTimestamp" not in pod["metadata"] for pod in pods
        )
    )


def _mark(pod: JsonObject) -> str | None:
    mark: str | None = (pod["metadata"].get("annotations") or {}).get(VARIANT_ANNOTATION)
    return mark


def _failing(pods: Sequence[JsonObject], variant: str | None, container: str) -> JsonObject | None:
    """Return a pod of the variant whose container has ended or cannot start."""
    for pod in pods:
        if _mark(pod) != variant or "deletionTimestamp" in pod["metadata"]:
            continue
        if _state(pod, container).get("reason", "") not in _STARTING:
            return pod
    return None


def _state(pod: JsonObject, container: str) -> JsonObject:
    """Return why a container does not run; empty if it runs or gives no reason."""
    for status in pod.get("status", {}).get("containerStatuses") or []:
        if status["name"] == container:
            state = status.get("state", {})
            found: JsonObject = state.get("terminated") or state.get("waiting") or {}
            return found
    return {}


async def one_leads(
    client: KubeClient, target: Target, template: dict[str, Any], pods: Sequence[JsonObject]
) -> bool:
    """Whether one of the pods of this template leads, if they elect a leader.

    kro does not release its Lease when it ends, so a Lease that none of the pods holds is released
    here; otherwise it would have to expire.
    """
    if not elects(template, target.container):
        return True
    path = leader_path(target.namespace)
    lease = await client.find(path)
    holder = holder_of(lease or {})
    if lease is None or holder is None:
        return False
    if any(is_of_pod(holder, pod["metadata"]["name"]) for pod in pods):
        return True
    spec = lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1}
    try:
        await client.replace(path, lease | {"spec": spec})
    except ApiError as error:
        if not (error.conflict or error.forbidden):
            raise
    return False


_ELECT = "leader-elect"
_NAMESPACE = "leader-election-namespace"
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def elects(template: dict[str, Any], container: str) -> bool:
    """Whether kro of this pod template waits until it leads; without the flag it does not."""
    found = _flags(template, container)
    return _ELECT in found and found[_ELECT] not in _FALSE


def why_leader_unknown(template: dict[str, Any], container: str, namespace: str) -> str | None:
    """Return why the leader among pods of this template cannot be known; None if it can.

    The Lease's holder is the host name that kro sees: the pod's name, unless the pod uses the
    network of its node.
    """
    if not elects(template, container):
        return None
    if template["spec"].get("hostNetwork"):
        return (
            f"kro uses its node's network, so its lease {LEADER_LEASE} names the node and not the "
            "pod that leads"
        )
    elsewhere = _flags(template, container).get(_NAMESPACE)
    if elsewhere and elsewhere != namespace:
        return (
            f"kro's lease {LEADER_LEASE} is in namespace {elsewhere} (flag --{_NAMESPACE}), while "
            f"krobench reads the one in namespace {namespace}"
        )
    return None


def _flags(template: dict[str, Any], container: str) -> dict[str, str | None]:
    containers = template["spec"]["containers"]
    arguments = next((c.get("args") or [] for c in containers if c["name"] == container), [])
    return flag_values(arguments)


logger = logging.getLogger(__name__)


async def check_restartable(client: KubeClient, target: Target) -> None:
    """Check that a deleted kro pod is replaced, and that its new leader can be known.

    Raises:
        AbortedError: if not.
    """
    for pod in await _pods(client, target):
        metadata = pod["metadata"]
        owners = metadata.get("ownerReferences") or []
        if not any(owner.get("controller") for owner in owners):
            raise AbortedError(
                "KroNotRestartable",
                f"pod {target.namespace}/{metadata['name']} has no controller that replaces it; "
                "leave out restarts, or install kro with its Helm chart",
            )
        if named(pod["spec"]["containers"], target.container) is None:
            continue
        why = why_leader_unknown(pod, target.container, target.namespace)
        if why is not None:
            raise AbortedError(
                "LeaderUnknown",
                f"restarts need to know when the new kro pod leads, but {why}; leave out restarts, "
                "or run kro with --leader-elect=false and one replica",
            )


async def restart_kro(client: KubeClient, target: Target, kro: KroPod, timing: Timing) -> KroPod:
    """Delete kro's pod, wait until another one leads, and return that one.

    Raises:
        NotStartedError: if none leads in time.
        KubeError: if the pod cannot be deleted.
    """
    path = paths.core("pods", target.namespace, kro.name)
    template = await client.get(path)
    await client.delete(path)
    deadline = time.monotonic() + timing.restart_timeout
    while time.monotonic() < deadline:
        try:
            found = await _next_leader(client, target, template)
        except (ApiError, ApiUnreachableError) as error:
            if not error.transient:
                raise
            found = None
        if found is not None:
            logger.info("kro pod %s leads after %s was deleted", found.name, kro.name)
            return found
        await asyncio.sleep(timing.restart_poll)
    raise NotStartedError(
        f"no other kro pod led within {timing.restart_timeout:g}s after pod "
        f"{target.namespace}/{kro.name} was deleted; check kubectl describe pod in namespace "
        f"{target.namespace}"
    )


async def _next_leader(client: KubeClient, target: Target, deleted: JsonObject) -> KroPod | None:
    pods = await _pods(client, target)
    if any(pod["metadata"]["uid"] == deleted["metadata"]["uid"] for pod in pods):
        return None
    if not pods or not await one_leads(client, target, deleted, pods):
        return None
    try:
        return await find_kro(client, target)
    except KroNotFoundError:
        return None


async def _pods(client: KubeClient, target: Target) -> list[JsonObject]:
    return [pod for pod in await list_kro_pods(client, target) if not has_ended(pod)]
