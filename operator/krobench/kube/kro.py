"""The Lease by which kro's replicas agree on which of them leads."""

import re
from dataclasses import dataclass
from typing import Any

from krobench.api.specs.kro import Target
from krobench.figures.environment import KroFingerprint, NodeFingerprint
from krobench.figures.surroundings import KroPodState
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError

LEADER_LEASE = "controller.kro.run"


def leader_path(namespace: str) -> str:
    """Return the path of the lease of the kro in this namespace."""
    return paths.group("coordination.k8s.io", "v1", "leases", namespace, LEADER_LEASE)


def holder_of(lease: JsonObject) -> str | None:
    """Return who holds a lease; None where nobody does."""
    return lease.get("spec", {}).get("holderIdentity") or None


def is_of_pod(holder: str, pod: str) -> bool:
    """Whether a holder is in this pod: it is the pod's name and a random part."""
    return holder.startswith(pod)


async def kro_leader(client: KubeClient, target: Target) -> str | None:
    """Return who holds kro's lease; None where there is no lease, or it may not be read.

    Raises:
        KubeError: if the API server does not answer.
    """
    try:
        return holder_of(await client.get(leader_path(target.namespace)))
    except ApiError as error:
        if error.not_found or error.forbidden:
            return None
        raise


"""Of several kro pods, the active one holds it."""
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
_VERSION_LABEL = "app.kubernetes.io/version"
_ENDED = frozenset({"Failed", "Succeeded"})


class KroNotFoundError(KubeError):
    """There is no kro to be measured; the message says where it was looked for."""


@dataclass(frozen=True)
class KroPod:
    """The pod of the active kro controller."""

    namespace: str
    name: str
    ip: str
    node: str
    container: str
    metrics_port: int
    fingerprint: KroFingerprint


async def find_kro(client: KubeClient, target: Target) -> KroPod:
    """Find the running pod of kro; of several replicas, the one that holds the lease.

    Raises:
        KroNotFoundError: if no pod with these labels runs, or it lacks the container.
        ApiError: if pods may not be listed.
    """
    pods = await list_kro_pods(client, target)
    running = [pod for pod in pods if _runs(pod)]
    if not running:
        raise KroNotFoundError(_not_found_message(target, pods))
    pod = await _leader(client, target.namespace, running) if len(running) > 1 else running[0]
    container = named(pod["spec"]["containers"], target.container)
    if container is None:
        names = ", ".join(item["name"] for item in pod["spec"]["containers"])
        raise KroNotFoundError(
            f"pod {target.namespace}/{pod['metadata']['name']} has no container "
            f"{target.container!r} but {names}: set spec.target.container"
        )
    return KroPod(
        namespace=target.namespace,
        name=pod["metadata"]["name"],
        ip=pod["status"]["podIP"],
        node=pod["spec"]["nodeName"],
        container=target.container,
        metrics_port=target.metrics_port,
        fingerprint=fingerprint_of(pod, container, len(running)),
    )


def selector_of(target: Target) -> str:
    """Return the label selector of kro's pods."""
    return ",".join(f"{key}={value}" for key, value in sorted(target.match_labels.items()))


async def list_kro_pods(client: KubeClient, target: Target) -> list[JsonObject]:
    """Return all pods of kro, whatever their state; a transient failure is repeated."""
    collection, selector = paths.core("pods", target.namespace), selector_of(target)
    return await client.patiently(lambda: client.list(collection, selector))


def has_ended(pod: JsonObject) -> bool:
    """Whether a pod runs no more, and will not again, as one that was evicted: it may stay listed
    for long after another has taken its place."""
    return pod.get("status", {}).get("phase") in _ENDED


async def list_nodes(client: KubeClient) -> list[NodeFingerprint]:
    """Return what identifies each node; empty where nodes may not be listed."""
    try:
        nodes = await client.patiently(lambda: client.list(paths.core("nodes")))
    except ApiError:
        return []
    return [_node(node) for node in nodes]


async def kubernetes_version(client: KubeClient) -> str | None:
    """Return the API server's version, such as ``v1.36.3``."""
    try:
        answer = await client.patiently(lambda: client.get("/version"))
    except ApiError:
        return None
    version: str | None = answer.get("gitVersion")
    return version


def _runs(pod: JsonObject) -> bool:
    status = pod.get("status", {})
    return (
        status.get("phase") == "Running"
        and bool(status.get("podIP"))
        and "deletionTimestamp" not in pod["metadata"]
    )


def _not_found_message(target: Target, pods: list[JsonObject]) -> str:
    where = f"namespace {target.namespace} with labels {selector_of(target)}"
    if not pods:
        return (
            f"no kro pod in {where}: install kro, or set spec.target.namespace and "
            "spec.target.matchLabels to where it runs"
        )
    phases = ", ".join(
        f"{pod['metadata']['name']} is {pod.get('status', {}).get('phase')}" for pod in pods
    )
    return f"no running kro pod in {where}: {phases}; see kubectl describe pod"


async def _leader(client: KubeClient, namespace: str, pods: list[JsonObject]) -> JsonObject:
    try:
        lease = await client.patiently(lambda: client.get(leader_path(namespace)))
        holder = holder_of(lease) or ""
    except ApiError:
        holder = ""
    for pod in pods:
        if is_of_pod(holder, pod["metadata"]["name"]):
            return pod
    raise KroNotFoundError(
        f"{len(pods)} kro pods run in {namespace}, and the lease {LEADER_LEASE} names none of "
        "them as the leader: wait for an election, or narrow spec.target.matchLabels"
    )


def named(items: list[JsonObject], name: str) -> JsonObject | None:
    """Return the item of this name; None where there is none."""
    return next((item for item in items if item.get("name") == name), None)


def fingerprint_of(pod: JsonObject, container: JsonObject, replicas: int) -> KroFingerprint:
    """Return what identifies kro, from one of its pods and the container in it."""
    status = named(pod.get("status", {}).get("containerStatuses") or [], container["name"]) or {}
    resources = container.get("resources", {})
    image = container.get("image", "")
    env = {item["name"]: item.get("value", "(from a reference)") for item in _env(container)}
    return KroFingerprint(
        namespace=pod["metadata"].get("namespace", ""),
        pod=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName"),
        image=image,
        image_id=status.get("imageID") or None,
        version=_version(pod["metadata"].get("labels", {}), image),
        args=[_expanded(arg, env) for arg in _arguments(container)],
        env=env,
        requests=resources.get("requests", {}),
        limits=resources.get("limits", {}),
        replicas=replicas,
        restarts=status.get("restartCount", 0),
    )


def _env(container: JsonObject) -> list[dict[str, Any]]:
    return container.get("env") or []


def _arguments(container: JsonObject) -> list[str]:
    return [*(container.get("command") or []), *(container.get("args") or [])]


def _expanded(argument: str, env: dict[str, str]) -> str:
    """Replace ``$(NAME)`` as the kubelet does, so that flags show the values in force."""
    return _REFERENCE.sub(lambda match: env.get(match[1], match[0]), argument)


def _version(labels: dict[str, str], image: str) -> str | None:
    """Return kro's version: the image's tag says what runs, the label what was meant."""
    _, _, tag = image.rpartition("/")[2].partition(":")
    tag = tag.partition("@")[0].removesuffix("-debug").removeprefix("v")
    return tag or labels.get(_VERSION_LABEL, "").removeprefix("v") or None


def _node(node: JsonObject) -> NodeFingerprint:
    capacity = node.get("status", {}).get("capacity", {})
    info = node.get("status", {}).get("nodeInfo", {})
    return NodeFingerprint(
        name=node["metadata"]["name"],
        cpu=capacity.get("cpu"),
        memory=capacity.get("memory"),
        kernel=info.get("kernelVersion"),
        kubelet=info.get("kubeletVersion"),
    )


async def kro_pods(client: KubeClient, target: Target) -> tuple[KroPodState, ...]:
    """Return kro's pods but those that are on their way out.

    Raises:
        KubeError: if they cannot be listed.
    """
    pods = await client.list(paths.core("pods", target.namespace), selector_of(target))
    staying = [
        pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and not has_ended(pod)
    ]
    states = (_state(pod, target.container, len(staying)) for pod in staying)
    return tuple(state for state in states if state is not None)


def _state(pod: JsonObject, container_name: str, replicas: int) -> KroPodState | None:
    container = named(pod["spec"]["containers"], container_name)
    if container is None:
        return None
    status = named(pod.get("status", {}).get("containerStatuses") or [], container_name) or {}
    return KroPodState(
        uid=pod["metadata"]["uid"],
        name=pod["metadata"]["name"],
        restarts=status.get("restartCount", 0),
        last_end=_last_end(status),
        fingerprint=fingerprint_of(pod, container, replicas),
    )


def _last_end(status: JsonObject) -> str | None:
    # A container that has just ended is told of in its state, and later in its last state.
    for state in (status.get("state") or {}, status.get("lastState") or {}):
        ended = state.get("terminated")
        if ended:
            return f"{ended.get('reason') or 'Ended'}, exit code {ended.get('exitCode')}"
    return None
