"""``krobench schedule``: changes what a schedule does, by its spec."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from krobench.api.common import rfc3339, utc_now
from krobench.api.kinds import ScheduleRef
from krobench.cli.errors import CliError
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.errors import KubeError
from krobench.kube.transport import NO_RETRIES

Change = Callable[[KubeClient, str, JsonObject], Coroutine[Any, Any, str]]
"""Changes a schedule, given its path and how it is, and returns what was done."""


def run_once(name: str, namespace: str, value: str | None) -> str:
    """Ask for a run, and return what was done.

    Raises:
        CliError: if there is no such schedule, it may not be changed, or it had this value before.
    """
    wanted = value or rfc3339(utc_now())

    async def ask(client: KubeClient, path: str, schedule: JsonObject) -> str:
        if schedule["spec"].get("runOnce") == wanted:
            raise CliError(f"spec.runOnce is {wanted!r} already: use another --value")
        await client.patch(path, {"spec": {"runOnce": wanted}})
        return f"asked for a run: set spec.runOnce to {wanted}"

    return _change(name, namespace, ask)


def suspend(name: str, namespace: str) -> str:
    """Suspend a schedule, and return what was done.

    Raises:
        CliError: if there is no such schedule, or it may not be changed.
    """

    async def stop(client: KubeClient, path: str, _: JsonObject) -> str:
        await client.patch(path, {"spec": {"suspend": True}})
        return "suspended"

    return _change(name, namespace, stop)


def resume(name: str, namespace: str) -> str:
    """Resume a schedule, and return what was done.

    Raises:
        CliError: if there is no such schedule, or it may not be changed.
    """

    async def go_on(client: KubeClient, path: str, schedule: JsonObject) -> str:
        stopped = "stoppedGeneration" in schedule.get("status", {})
        if stopped and not schedule["spec"].get("suspend"):
            # Only a change of the spec undoes what failures have stopped.
            await client.patch(path, {"spec": {"suspend": True}})
        await client.patch(path, {"spec": {"suspend": False}})
        return "resumed"

    return _change(name, namespace, go_on)


def _change(text: str, namespace: str, change: Change) -> str:
    place, _, name = text.rpartition("/")
    if "/" in place or not name:
        raise CliError(f"invalid name {text!r} of a schedule: expected [NAMESPACE/]NAME")
    ref = ScheduleRef(place or namespace, name)

    async def run() -> str:
        async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
            path = paths.schedule(ref)
            schedule = await client.find(path)
            if schedule is None:
                plural = ref.kind.plural
                raise CliError(f"{ref} not found: run kubectl get {plural} -A to list all")
            return f"{ref}: {await change(client, path, schedule)}"

    try:
        return asyncio.run(run())
    except KubeError as error:
        raise CliError(str(error)) from error
