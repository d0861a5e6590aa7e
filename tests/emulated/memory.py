"""An API server with a kro in it, in memory, for the load Job to work against."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from typing import Any

import orjson

from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.load.kinds import CRDS_PATH, RGD_NAME_LABEL, RGDS_PATH

READY = {"state": "ACTIVE", "conditions": [{"type": "Ready", "status": "True"}]}


class MemoryCluster:
    """Has the methods of a KubeClient; every RGD and instance is ready at once."""

    def __init__(self) -> None:
        self.objects: dict[str, JsonObject] = {}
        self.requests: Counter[str] = Counter()
        self.config = ClientConfig("http://memory", None, lambda: None)
        self.refuse_instances: ApiError | None = None
        self.answer_seconds = 0.0
        """Time until an instance's creation is answered."""
        self.answer_growth = 1.0
        """Factor by which that time grows with each instance."""
        self.undeletable = ""
        """Collection whose objects do not go."""
        self.rgds_awaited = 0
        """RGDs that must be there before kro makes any of them ready."""
        self._events: list[tuple[str, bytes]] = []
        self._watches: list[tuple[str, asyncio.Queue[bytes]]] = []

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, accept: str = ""
    ) -> JsonObject:
        if params is not None:
            version = str(len(self._events))
            items = await self.list(path, params.get("labelSelector"))
            return {"metadata": {"resourceVersion": version}, "items": items}
        return deepcopy(self._find(path))

    async def get_text(self, path: str) -> str:
        raise ApiError(404, "NotFound", path)

    async def list(self, path: str, label_selector: str | None = None) -> list[JsonObject]:
        parts = [part for part in (label_selector or "").split(",") if part]
        wanted = dict(part.partition("=")[::2] for part in parts if "!=" not in part)
        other = dict(part.partition("!=")[::2] for part in parts if "!=" in part)
        return [
            deepcopy(item)
            for key, item in self.objects.items()
            if _in(path, key) and _matches(item, wanted) and not _shares(item, other)
        ]

    async def create(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        if path.endswith("selfsubjectaccessreviews"):
            return {"status": {"allowed": True}}
        if "/load.bench.kro.run/" in path and self.refuse_instances is not None:
            raise self.refuse_instances
        if "/load.bench.kro.run/" in path:
            await asyncio.sleep(self.answer_seconds)
            self.answer_seconds *= self.answer_growth
        item = deepcopy(dict(body))
        item["metadata"].setdefault("resourceVersion", "0")
        item["metadata"]["generation"] = 1
        _, inside, rest = path.partition("/namespaces/")
        if inside:
            item["metadata"]["namespace"] = rest.partition("/")[0]
        if path == RGDS_PATH:
            self._define(item)
        if "/load.bench.kro.run/" in path:
            item["status"] = READY
        self._store(f"{path}/{item['metadata']['name']}", item, "ADDED")
        if path == RGDS_PATH:
            self._make_rgds_ready()
        return item

    async def replace(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        self._store(path, deepcopy(dict(body)), "MODIFIED")
        return dict(body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        item = self._find(path)
        changed = any(item.get("spec", {}).get(k) != v for k, v in body.get("spec", {}).items())
        for key, value in body.items():
            item[key] = item.get(key, {}) | value
        if changed:
            item["metadata"]["generation"] += 1
        self._store(path, item, "MODIFIED")
        return item

    async def delete(self, path: str, propagation: str | None = None) -> None:
        item = self._find(path)
        if self.undeletable and _in(self.undeletable, path):
            return
        del self.objects[path]
        self._tell(path, item, "DELETED")
        if item.get("kind") == "Namespace":
            inside = f"/namespaces/{item['metadata']['name']}/"
            self.objects = {k: v for k, v in self.objects.items() if inside not in k}

    async def watch_lines(
        self, path: str, params: Mapping[str, str], accept: str = ""
    ) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._watches.append((path, queue))
        for changed, line in self._events[int(params["resourceVersion"]) :]:
            if _in(path, changed):
                queue.put_nowait(line)
        while True:
            yield await queue.get()

    patiently = KubeClient.patiently

    async def may_be_starting(self) -> bool:
        return False

    async def backoff(
        self, error: ApiError | ApiUnreachableError, attempt: int, max_retries: int = 0
    ) -> None:
        raise error

    def _find(self, path: str) -> JsonObject:
        if path not in self.objects:
            raise ApiError(404, "NotFound", path)
        return self.objects[path]

    def _make_rgds_ready(self) -> None:
        rgds = {key: item for key, item in self.objects.items() if _in(RGDS_PATH, key)}
        if len(rgds) < self.rgds_awaited:
            return
        for key, item in rgds.items():
            if "status" not in item:
                self._store(key, item | {"status": READY}, "MODIFIED")

    def _define(self, rgd: JsonObject) -> None:
        """Do what kro does with an RGD: serve its kind."""
        schema = rgd["spec"]["schema"]
        plural = schema["kind"].lower() + "s"
        name = f"{plural}.{schema['group']}"
        metadata = {"name": name, "labels": {RGD_NAME_LABEL: rgd["metadata"]["name"]}}
        spec = {
            "group": schema["group"],
            "versions": [{"name": schema["apiVersion"], "storage": True}],
            "names": {"kind": schema["kind"], "plural": plural},
            "scope": "Namespaced",
        }
        self._store(f"{CRDS_PATH}/{name}", {"metadata": metadata, "spec": spec}, "ADDED")

    def _store(self, path: str, item: JsonObject, event: str) -> None:
        item["metadata"]["resourceVersion"] = str(len(self._events) + 1)
        self.objects[path] = item
        self._tell(path, item, event)

    def _tell(self, path: str, item: JsonObject, event: str) -> None:
        line = orjson.dumps({"type": event, "object": item})
        self._events.append((path, line))
        for collection, queue in self._watches:
            if _in(collection, path):
                queue.put_nowait(line)


def _in(collection: str, path: str) -> bool:
    """Whether an object is in a collection, of one namespace or of all."""
    prefix, _, plural = collection.rpartition("/")
    own = path.rpartition("/")[0]
    return own == collection or (
        own.startswith(f"{prefix}/namespaces/") and own.endswith(f"/{plural}")
    )


def _matches(item: JsonObject, wanted: Mapping[str, str]) -> bool:
    labels = item["metadata"].get("labels", {})
    return all(key in labels and value in ("", labels[key]) for key, value in wanted.items())


def _shares(item: JsonObject, unwanted: Mapping[str, str]) -> bool:
    labels = item["metadata"].get("labels", {})
    return any(labels.get(key) == value for key, value in unwanted.items())
