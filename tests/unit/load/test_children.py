import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, cast

import orjson
from unit.records import some_line

from krobench.figures.lines import ObjectRecord
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError
from krobench.load.children import UPDATE_LABEL, Children, with_update_label
from krobench.load.clock import RunClock
from krobench.load.observer import Pending

RGD: dict[str, Any] = {
    "spec": {
        "resources": [
            {"id": "a", "template": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}},
            {
                "id": "b",
                "template": {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"labels": "${schema.spec.labels}"},
                },
            },
            {"id": "c", "externalRef": {"apiVersion": "v1", "kind": "Secret"}},
        ]
    }
}


class Server:
    """Serves one kind of children."""

    def __init__(self, refuse: ApiError | None = None) -> None:
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.selectors: set[str] = set()
        self._refuse = refuse

    async def get(self, path: str, params: Any = None, accept: str = "") -> dict[str, Any]:
        if path == "/api/v1":
            return {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}
        if self._refuse is not None:
            raise self._refuse
        assert "PartialObjectMetadata" in accept
        self.selectors.add(params["labelSelector"])
        return {"metadata": {"resourceVersion": "1"}, "items": []}

    async def watch_lines(self, path: str, params: Any, accept: str = "") -> AsyncIterator[bytes]:
        assert "PartialObjectMetadata" in accept
        while True:
            yield await self.lines.get()
            self.lines.task_done()  # the one who asked has taken it in

    patiently = KubeClient.patiently

    async def backoff(self, error: ApiError, attempt: int, max_retries: int) -> None:
        raise error

    def tell(self, name: str, node: str, kind: str = "ADDED", **labels: str) -> None:
        own = {"kro.run/instance-name": "x", "kro.run/node-id": node}
        metadata = {"name": name, "resourceVersion": "2", "labels": own | labels}
        self.lines.put_nowait(orjson.dumps({"type": kind, "object": {"metadata": metadata}}))


def line() -> ObjectRecord:
    return some_line()


async def settled(server: Server) -> None:
    """Return when the watch has taken all that was told."""
    await server.lines.join()
    await asyncio.sleep(0)


def watcher(server: Server) -> Children:
    return Children(cast("KubeClient", server), RunClock(), "ns")


async def test_the_first_and_the_last_child_until_the_instance_was_ready() -> None:
    server, record = Server(), line()
    children = watcher(server)
    async with AsyncExitStack() as stack:
        await children.watch(stack, [RGD])
        children.follow(record)
        server.tell("one", "a")
        await settled(server)
        first = record.first_child_seconds
        server.tell("two", "b")
        server.tell("one", "a", "MODIFIED")
        await settled(server)
        last = record.last_child_seconds
        children.complete("x")
        server.tell("late", "a")
        await settled(server)
    assert first is not None
    assert last is not None
    assert record.first_child_seconds == first < last == record.last_child_seconds


async def test_a_fan_out_is_done_when_all_children_that_can_bear_the_label_do() -> None:
    server, update = Server(), Pending(line())
    children = watcher(server)
    async with AsyncExitStack() as stack:
        await children.watch(stack, [RGD])
        children.follow(line())
        for name, node in (("one", "a"), ("two", "a"), ("three", "b")):
            server.tell(name, node)
        await settled(server)
        _, nodes = with_update_label(RGD, 7)
        assert children.expect("x", 7, nodes, update)
        server.tell("one", "a", "MODIFIED", **{UPDATE_LABEL: "7"})
        server.tell("two", "a", "MODIFIED", **{UPDATE_LABEL: "6"})
        await settled(server)
        assert not update.done.done()
        server.tell("two", "a", "MODIFIED", **{UPDATE_LABEL: "7"})
        await settled(server)
    assert update.done.done()
    assert update.record.ready_seconds is not None


async def test_children_of_an_instance_without_a_namespace_are_watched_too() -> None:
    """kro labels them with their instance's name alone."""
    for scope, selector in (
        ("Namespaced", "kro.run/instance-namespace=ns"),
        ("Cluster", "kro.run/instance-name,!kro.run/instance-namespace"),
    ):
        server = Server()
        async with AsyncExitStack() as stack:
            await watcher(server).watch(
                stack, [{"spec": RGD["spec"] | {"schema": {"scope": scope}}}]
            )
        assert server.selectors == {selector}


async def test_a_kind_that_may_not_be_watched_is_named_with_what_to_grant() -> None:
    children = watcher(Server(ApiError(403, "Forbidden", "configmaps is forbidden")))
    async with AsyncExitStack() as stack:
        await children.watch(stack, [RGD])
    assert children.unavailable is not None
    assert "kind ConfigMap" in children.unavailable
    assert "configmaps is forbidden" in children.unavailable


def test_the_label_goes_on_templates_whose_labels_are_no_expression() -> None:
    resources, nodes = with_update_label(RGD, 3)
    assert nodes == {"a"}
    assert resources[0]["template"]["metadata"]["labels"] == {UPDATE_LABEL: "3"}
    assert resources[1:] == RGD["spec"]["resources"][1:]
    assert "labels" not in RGD["spec"]["resources"][0]["template"]["metadata"]
