import asyncio
from contextlib import AsyncExitStack
from typing import Any

from doubles.cluster import MemoryApi
from unit.records import some_line

from krobench.figures.rawdata import ObjectRecord
from krobench.figures.reasons.load import ChildrenForbidden, ChildrenNotServed, NoChildren
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.load.children import UPDATE_LABEL, Children, with_update_label
from krobench.load.loops import RunClock
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


CHILDREN = "/api/v1/namespaces/ns/configmaps"


class Server(MemoryApi):
    """Serves one kind of children."""

    def __init__(self, refuse: ApiError | None = None) -> None:
        super().__init__()
        self.resources["/api/v1"] = [{"name": "configmaps", "kind": "ConfigMap"}]
        self._refuse = refuse

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if verb == "list" and self._refuse is not None:
            raise self._refuse

    async def tell(self, name: str, node: str, **labels: str) -> None:
        """Write a child, and return when the watch has seen it."""
        own = {
            "kro.run/instance-name": "x",
            "kro.run/instance-namespace": "ns",
            "kro.run/node-id": node,
        }
        self.put(f"{CHILDREN}/{name}", {"metadata": {"name": name, "labels": own | labels}})
        for _ in range(5):
            await asyncio.sleep(0)


def line() -> ObjectRecord:
    return some_line()


def watcher(server: Server) -> Children:
    return Children(server, RunClock(), "ns")


async def test_the_first_and_the_last_child_until_the_instance_was_ready() -> None:
    server, record = Server(), line()
    children = watcher(server)
    async with AsyncExitStack() as stack:
        await children.watch(stack, [RGD])
        children.follow(record)
        await server.tell("one", "a")
        first = record.first_child_seconds
        await server.tell("two", "b")
        await server.tell("one", "a")
        last = record.last_child_seconds
        children.complete("x")
        await server.tell("late", "a")
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
            await server.tell(name, node)
        _, nodes = with_update_label(RGD, 7)
        assert children.expect("x", 7, nodes, update)
        await server.tell("one", "a", **{UPDATE_LABEL: "7"})
        await server.tell("two", "a", **{UPDATE_LABEL: "6"})
        assert not update.done.done()
        await server.tell("two", "a", **{UPDATE_LABEL: "7"})
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
        assert server.selectors == {"/api/v1/configmaps": selector}
        assert server.metadata_only == {"/api/v1/configmaps"}


async def test_a_kind_that_may_not_be_watched_is_named_with_what_to_grant() -> None:
    children = watcher(Server(ApiError(403, "Forbidden", "configmaps is forbidden")))
    async with AsyncExitStack() as stack:
        await children.watch(stack, [RGD])
    assert children.unavailable == ChildrenForbidden(
        kind="ConfigMap", detail="configmaps is forbidden"
    )


async def test_kinds_that_may_be_watched_are_timed_beside_those_that_may_not() -> None:
    server, record = Server(), line()
    children, spec = watcher(server), RGD["spec"]
    more = {"id": "d", "template": {"apiVersion": "v1", "kind": "Secret", "metadata": {}}}
    async with AsyncExitStack() as stack:
        await children.watch(stack, [{"spec": spec | {"resources": [more, *spec["resources"]]}}])
        children.follow(record)
        await server.tell("one", "a")
    assert record.first_child_seconds is not None
    assert children.unwatched == {"Secret": ChildrenNotServed(kind="Secret")}
    assert children.unavailable is None


async def test_an_rgd_without_resources_has_no_children_to_time() -> None:
    children = watcher(Server())
    async with AsyncExitStack() as stack:
        await children.watch(stack, [{"spec": {"resources": []}}])
    assert children.unavailable == NoChildren()


def test_templates_get_the_label_unless_their_labels_are_an_expression() -> None:
    resources, nodes = with_update_label(RGD, 3)
    assert nodes == {"a"}
    assert resources[0]["template"]["metadata"]["labels"] == {UPDATE_LABEL: "3"}
    assert resources[1:] == RGD["spec"]["resources"][1:]
    assert "labels" not in RGD["spec"]["resources"][0]["template"]["metadata"]
