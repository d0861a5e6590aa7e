"""The children that kro makes of instances: the first, the last, and what an update changed.

Only their metadata is watched: kro labels each child with its instance and with the RGD's resource
that it is made from.
"""

import asyncio
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from krobench.api.common import API_GROUP
from krobench.figures.rawdata import ObjectRecord
from krobench.figures.reasons.load import ChildrenForbidden, ChildrenNotServed, NoChildren
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.kube.watch import Watch, WatchCost
from krobench.load.lifecycle import path_of_kind
from krobench.load.loops import RunClock, cancel
from krobench.load.observer import Pending
from krobench.workload.blueprint import Manifest

UPDATE_LABEL = f"{API_GROUP}/update"
"""Label of RGDs' templates that an update of the RGD changes."""

_NAMESPACE_LABEL = "kro.run/instance-namespace"
_INSTANCE_LABEL = "kro.run/instance-name"
_NODE_LABEL = "kro.run/node-id"

Child = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass(slots=True)
class _Family:
    """The known children of an instance."""

    record: ObjectRecord
    complete: bool = False
    """The instance was ready: later children belong to updates."""
    nodes: dict[Child, str] = field(default_factory=dict)
    rounds: dict[Child, int] = field(default_factory=dict)
    waiting: "tuple[int, frozenset[str], Pending] | None" = None


class Children:
    """Watches the children of instances."""

    def __init__(self, client: KubeClient, clock: RunClock, namespace: str) -> None:
        self._client = client
        self._clock = clock
        self._namespace = namespace
        self._families: dict[str, _Family] = {}
        self._watches: list[Watch] = []
        self.unwatched: dict[str, ChildrenNotServed | ChildrenForbidden] = {}
        """Why children of some kinds are not seen, by kind."""
        self.unavailable: NoChildren | ChildrenNotServed | ChildrenForbidden | None = None
        """Why no children are seen."""

    async def watch(self, stack: AsyncExitStack, manifests: Iterable[Manifest]) -> None:
        """Watch the kinds of children that these RGDs create; the watches end with ``stack``.

        Kinds that are not served or must not be watched are left out.
        """
        kinds: dict[tuple[str, str, str], None] = {}
        for manifest in manifests:
            spec = manifest["spec"]
            selector = f"{_NAMESPACE_LABEL}={self._namespace}"
            if spec.get("schema", {}).get("scope") == "Cluster":
                selector = f"{_INSTANCE_LABEL},!{_NAMESPACE_LABEL}"
            templates = [item["template"] for item in spec["resources"] if "template" in item]
            kinds |= dict.fromkeys((t["apiVersion"], t["kind"], selector) for t in templates)
        if not kinds:
            self.unavailable = NoChildren()
        watches = []
        for api_version, kind, selector in kinds:
            # Children may be in other namespaces than their instance.
            path = await path_of_kind(self._client, api_version, kind)
            if path is None:
                self.unwatched[kind] = ChildrenNotServed(kind=kind)
                continue
            watch = Watch(self._client, path, selector, metadata_only=True)
            try:
                await watch.start()
            except ApiError as error:
                if not error.forbidden:
                    raise
                self.unwatched[kind] = ChildrenForbidden(kind=kind, detail=error.message)
                continue
            watches.append((kind, watch))
        if not watches and self.unwatched:
            self.unavailable = next(iter(self.unwatched.values()))
        for kind, watch in watches:
            self._watches.append(watch)
            task = asyncio.create_task(self._consume(kind, watch))
            stack.push_async_callback(cancel, task)

    @property
    def costs(self) -> list[WatchCost]:
        return [watch.cost for watch in self._watches]

    def follow(self, record: ObjectRecord) -> None:
        """Announce an instance before it is created."""
        self._families[record.name] = _Family(record)

    def complete(self, name: str) -> None:
        """Note that an instance is ready, and so has all its children."""
        self._families[name].complete = True

    def expect(self, name: str, number: int, nodes: frozenset[str], update: Pending) -> bool:
        """Wait until the instance's children of these nodes have this number in their label.

        Returns whether there are any such children.
        """
        family = self._families.get(name)
        if family is None or not any(node in nodes for node in family.nodes.values()):
            return False
        family.waiting = (number, nodes, update)
        return True

    async def _consume(self, kind: str, watch: Watch) -> None:
        async for event in watch.events():
            metadata: JsonObject = event.object["metadata"]
            labels = metadata.get("labels") or {}
            family = self._families.get(labels.get(_INSTANCE_LABEL, ""))
            if family is None:
                continue
            # Interned: thousands of children share these strings.
            child = (kind, sys.intern(metadata.get("namespace", "")), metadata["name"])
            if event.type == "DELETED":
                family.nodes.pop(child, None)
                family.rounds.pop(child, None)
                continue
            seconds = self._clock.of(event.received_monotonic)
            if child not in family.nodes:
                family.nodes[child] = sys.intern(labels.get(_NODE_LABEL, ""))
                if not family.complete:
                    record = family.record
                    if record.first_child_seconds is None:
                        record.first_child_seconds = seconds
                    record.last_child_seconds = seconds
            if UPDATE_LABEL in labels:
                family.rounds[child] = int(labels[UPDATE_LABEL])
                if family.waiting is None:
                    continue
                number, nodes, update = family.waiting
                rounds = (
                    family.rounds.get(child, 0)
                    for child, node in family.nodes.items()
                    if node in nodes
                )
                if all(of_child >= number for of_child in rounds):
                    family.waiting = None
                    update.finish(seconds)


def with_update_label(manifest: Manifest, number: int) -> tuple[list[Manifest], frozenset[str]]:
    """Return the RGD's resources with the label of this update, and the ids of those that have it.

    Templates whose labels are a CEL expression are left alone.
    """
    resources, touched = [], set()
    for resource in manifest["spec"]["resources"]:
        labels = resource.get("template", {}).get("metadata", {}).get("labels", {})
        if "template" not in resource or not isinstance(labels, dict):
            resources.append(resource)
            continue
        metadata = resource["template"]["metadata"] | {
            "labels": labels | {UPDATE_LABEL: str(number)}
        }
        resources.append(resource | {"template": resource["template"] | {"metadata": metadata}})
        touched.add(resource["id"])
    return resources, frozenset(touched)
