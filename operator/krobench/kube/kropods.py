"""Where kro is: its Deployment, its pods, its leader; and what identifies this kro."""

import re
from dataclasses import dataclass

from krobench.api.specs.kro import Target
from krobench.figures.environment import KroFingerprint, KroPodState
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError

LEADER_LEASE = "controller.kro.run"
"""The Lease by which kro's replicas agree on which of them leads."""
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
NOT_KEPT = "(not kept)"
"""In a record, in place of a value that may be a secret."""
_KEPT_VARIABLE = re.compile(r"(KRO_|KUBE_FEATURE_)\w*|GO(MAXPROCS|MEMLIMIT|GC|DEBUG|TRACEBACK)")
_SECRET_NAME = re.compile(r"(?i)secret|passw|passphrase|pwd|token|credential|auth|api-?key|private")
_PLAIN = re.compile(r"[\w.:/,+-]{0,256}|\$\(\w+\)")
_LONG_WORD = re.compile(r"[A-Za-z0-9_+-]{20,}")
_DIGIT = re.compile(r"[0-9]")
_LETTER = re.compile(r"[A-Za-z]")
_VERSION_LABEL = "app.kubernetes.io/version"
_ENDED = frozenset({"Failed", "Succeeded"})


class KroNotFoundError(KubeError):
    """kro was not found; the message says where it was looked for."""


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
    running = [
        pod
        for pod in pods
        if pod.get("status", {}).get("phase") == "Running"
        and pod["status"].get("podIP")
        and "deletionTimestamp" not in pod["metadata"]
    ]
    if not running:
        raise KroNotFoundError(_not_found_message(target, pods))
    pod = await _leader(client, target.namespace, running) if len(running) > 1 else running[0]
    return kro_pod(pod, target, len(running))


def kro_pod(pod: JsonObject, target: Target, replicas: int = 1) -> KroPod:
    """Return where a running pod of kro is, and what it runs.

    Raises:
        KroNotFoundError: if it lacks the container.
    """
    container = named(pod["spec"]["containers"], target.container)
    if container is None:
        names = ", ".join(item["name"] for item in pod["spec"]["containers"])
        raise KroNotFoundError(
            f"pod {target.namespace}/{pod['metadata']['name']} has no container "
            f"{target.container!r}, only {names}: set spec.target.container"
        )
    return KroPod(
        namespace=target.namespace,
        name=pod["metadata"]["name"],
        ip=pod["status"]["podIP"],
        node=pod["spec"]["nodeName"],
        container=target.container,
        metrics_port=target.metrics_port,
        fingerprint=_fingerprint(pod, container, replicas),
    )


async def list_kro_pods(client: KubeClient, target: Target) -> list[JsonObject]:
    """Return all pods of kro, whatever their state."""
    return await client.list(paths.core("pods", target.namespace), _selector(target))


async def kro_pods(client: KubeClient, target: Target) -> tuple[KroPodState, ...]:
    """Return the state of kro's pods, without those that are being deleted.

    Raises:
        KubeError: if they cannot be listed.
    """
    staying = [
        pod
        for pod in await list_kro_pods(client, target)
        if "deletionTimestamp" not in pod["metadata"] and not has_ended(pod)
    ]
    return tuple(
        KroPodState(
            uid=pod["metadata"]["uid"],
            name=pod["metadata"]["name"],
            restarts=status.get("restartCount", 0),
            last_end=_last_end(status),
            fingerprint=_fingerprint(pod, container, len(staying)),
        )
        for pod in staying
        if (container := named(pod["spec"]["containers"], target.container)) is not None
        for status in [_container_status(pod, target.container)]
    )


async def kro_leader(client: KubeClient, target: Target) -> str | None:
    """Return the holder of kro's lease; None if there is no lease, or it may not be read.

    Raises:
        KubeError: if the API server does not answer.
    """
    try:
        return holder_of(await client.find(leader_path(target.namespace)) or {})
    except ApiError as error:
        if error.forbidden:
            return None
        raise


async def find_deployment(client: KubeClient, target: Target) -> JsonObject | None:
    """Return the Deployment that kro's pods belong to; None if there is none."""
    pods = await list_kro_pods(client, target)
    for deployment in await client.list(paths.group("apps", "v1", "deployments", target.namespace)):
        selector = deployment["spec"]["selector"].get("matchLabels") or {}
        if any(selector.items() <= pod["metadata"].get("labels", {}).items() for pod in pods):
            return deployment
    return None


def deployment_fingerprint(deployment: JsonObject, target: Target) -> KroFingerprint | None:
    """Return what identifies the kro of a Deployment; None while it is not rolled out."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    wanted = spec.get("replicas", 1)
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1)
    container = named(spec["template"]["spec"]["containers"], target.container)
    if container is None or not observed or not wanted or counts != {wanted}:
        return None
    own = {key: deployment["metadata"][key] for key in ("name", "namespace")}
    metadata = {**(spec["template"].get("metadata") or {}), **own}
    pod = {"metadata": metadata, "spec": spec["template"]["spec"]}
    return _fingerprint(pod, container, wanted)


def leader_path(namespace: str) -> str:
    """Return the path of the lease of the kro in this namespace."""
    return paths.group("coordination.k8s.io", "v1", "leases", namespace, LEADER_LEASE)


def holder_of(lease: JsonObject) -> str | None:
    """Return who holds a lease; None if nobody does."""
    return lease.get("spec", {}).get("holderIdentity") or None


def is_of_pod(holder: str, pod: str) -> bool:
    """Whether a holder is in this pod: it is the pod's name and a random part."""
    return holder.startswith(pod)


def has_ended(pod: JsonObject) -> bool:
    """Whether a pod has ended for good, such as one that was evicted.

    It may stay listed long after another has replaced it.
    """
    return pod.get("status", {}).get("phase") in _ENDED


def named(items: list[JsonObject], name: str) -> JsonObject | None:
    """Return the item of this name; None if there is none."""
    return next((item for item in items if item.get("name") == name), None)


def _selector(target: Target) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(target.match_labels.items()))


async def _leader(client: KubeClient, namespace: str, pods: list[JsonObject]) -> JsonObject:
    try:
        holder = holder_of(await client.get(leader_path(namespace))) or ""
    except ApiError:
        holder = ""
    for pod in pods:
        if is_of_pod(holder, pod["metadata"]["name"]):
            return pod
    raise KroNotFoundError(
        f"{len(pods)} kro pods run in {namespace}, and the lease {LEADER_LEASE} names none of "
        "them as the leader: wait for an election, or narrow spec.target.matchLabels"
    )


def _not_found_message(target: Target, pods: list[JsonObject]) -> str:
    where = f"namespace {target.namespace} with labels {_selector(target)}"
    if not pods:
        return (
            f"no kro pod in {where}: install kro, or set spec.target.namespace and "
            "spec.target.matchLabels to where it runs; if the provider of the cluster runs it "
            "elsewhere, set spec.target.managed to true"
        )
    phases = ", ".join(
        f"{pod['metadata']['name']} is {pod.get('status', {}).get('phase')}" for pod in pods
    )
    return f"no running kro pod in {where}: {phases}; see kubectl describe pod"


def _container_status(pod: JsonObject, name: str) -> JsonObject:
    return named(pod.get("status", {}).get("containerStatuses") or [], name) or {}


def _last_end(status: JsonObject) -> str | None:
    # The end of a container is in its state at first, and later in its last state.
    for state in (status.get("state") or {}, status.get("lastState") or {}):
        ended = state.get("terminated")
        if ended:
            return f"{ended.get('reason') or 'Ended'}, exit code {ended.get('exitCode')}"
    return None


def _fingerprint(pod: JsonObject, container: JsonObject, replicas: int) -> KroFingerprint:
    status = _container_status(pod, container["name"])
    labels = pod["metadata"].get("labels", {})
    resources = container.get("resources", {})
    image = container.get("image", "")
    _, _, tag = image.rpartition("/")[2].partition(":")
    tag = tag.partition("@")[0].removesuffix("-debug").removeprefix("v")
    env = _kept_variables(container.get("env") or [])
    arguments = [*(container.get("command") or []), *(container.get("args") or [])]
    # $(NAME) is expanded as the kubelet does, so that flags show the values in force.
    expanded = [_REFERENCE.sub(lambda match: env.get(match[1], match[0]), arg) for arg in arguments]
    return KroFingerprint(
        namespace=pod["metadata"].get("namespace", ""),
        pod=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName"),
        image=image,
        image_id=status.get("imageID") or None,
        # The image's tag says what runs, the label what was meant.
        version=tag or labels.get(_VERSION_LABEL, "").removeprefix("v") or None,
        args=kept_arguments(expanded),
        env=env,
        requests=resources.get("requests", {}),
        limits=resources.get("limits", {}),
        replicas=replicas,
        restarts=status.get("restartCount", 0),
    )


def _kept_variables(variables: list[JsonObject]) -> dict[str, str]:
    """Return the environment for a record: all names, and the values of those that tune kro.

    The pod is one that the author of a run chooses, who may not be allowed to read it.
    """
    return {
        item["name"]: item.get("value", "(from a reference)")
        if _KEPT_VARIABLE.fullmatch(item["name"]) and not _SECRET_NAME.search(item["name"])
        else NOT_KEPT
        for item in variables
    }


def kept_arguments(arguments: list[str]) -> list[str]:
    """Return the arguments for a record, without values that may be secrets."""
    kept = []
    secret_follows = False
    for argument in arguments:
        name, assigned, value = argument.partition("=")
        if not argument.startswith("-"):
            kept.append(NOT_KEPT if secret_follows or not _is_plain(argument) else argument)
            secret_follows = False
            continue
        is_secret = _SECRET_NAME.search(name) is not None
        secret_follows = is_secret and not assigned
        hidden = assigned and (is_secret or not _is_plain(value))
        kept.append(f"{name}={NOT_KEPT}" if hidden else argument)
    return kept


def _is_plain(value: str) -> bool:
    """Whether a value is a number, a duration, a word, an address: nothing random or composed."""
    return _PLAIN.fullmatch(value) is not None and not any(
        _DIGIT.search(part) and _LETTER.search(part) for part in _LONG_WORD.findall(value)
    )
