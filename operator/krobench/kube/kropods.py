"""How kro's pods stand, whether any of them runs or not."""

from krobench.api.specs.target import Target
from krobench.figures.surroundings import KroPodState
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.discover import fingerprint_of, has_ended, named, selector_of


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
