"""An API server in memory, with or without a kro in it.

It takes the place of the connection alone: verbs, retries and watches are those of the real client.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from typing import Any, Self

import orjson

from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError
from krobench.kube.timing import Timing
from krobench.kube.transport import JSON, RetryPolicy
from krobench.load.lifecycle import CRDS_PATH, RGD_NAME_LABEL, RGDS_PATH

QUICK = Timing(
    new_kind_pause=0.0,
    permission_review=0.02,
    ballast_poll=0.01,
    ballast_pause=0.0,
    cleanup_first_poll=0.01,
    cleanup_poll=0.01,
    probe_last_event=0.02,
    results_stored=0.5,
    shards_lead=0.1,
    steady_window=0.0,
)
READY = {"state": "ACTIVE", "conditions": [{"type": "Ready", "status": "True"}]}


class MemoryApi(KubeClient):
    """Stores objects by their paths, as an API server does that has no controllers."""

    def __init__(self, objects: Mapping[str, JsonObject] | None = None) -> None:
        super().__init__(
            ClientConfig("http://memory", None, lambda: None),
            policy=RetryPolicy(first_seconds=0.0, readiness_seconds=0.0, reconnect_seconds=0.0),
        )
        self.objects: dict[str, JsonObject] = deepcopy(dict(objects or {}))
        self.asked: list[tuple[str, str]] = []
        """Verb and path of each request."""
        self.selectors: dict[str, str | None] = {}
        """Label selectors of lists, by path."""
        self.metadata_only: set[str] = set()
        """Paths of which only metadata was asked for."""
        self.resources: dict[str, list[JsonObject]] = {}
        """Discovery: the resources of each group and version, by its path."""
        self.texts: dict[str, str] = {}
        """What is answered as text, by the beginning of its path."""
        self.denied: set[str] = set()
        """Verbs that access reviews deny."""
        self.readiness = 200
        self._events: list[tuple[str, str, JsonObject]] = []
        self._watches: list[_Watching] = []

    async def __aenter__(self) -> Self:
        return self

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        """Look at each request; overridden to delay or to refuse some."""

    def prepare(self, path: str, item: JsonObject) -> None:
        """Complete an object before it is stored for the first time."""

    def react(self, verb: str, path: str) -> None:
        """Do what controllers do after a change."""

    def stored(self, collection: str) -> list[JsonObject]:
        """Return the objects of a collection, of one namespace or of all."""
        return [item for path, item in self.objects.items() if _is_in(collection, path)]

    def put(self, path: str, item: JsonObject) -> None:
        """Store an object as a controller does: nobody is asked."""
        known = path in self.objects
        item["metadata"]["resourceVersion"] = str(len(self._events) + 1)
        self.objects[path] = item
        self._tell("MODIFIED" if known else "ADDED", path, item)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = JSON,
        **_: Any,
    ) -> bytes:
        self.requests[method] += 1
        verb = _verb(method, path)
        self.asked.append((verb, path))
        sent = deepcopy(dict(body or {}))
        await self.admit(verb, path, sent)
        if "PartialObjectMetadata" in accept:
            self.metadata_only.add(path)
        match verb:
            case "get" if accept in ("text/plain", "*/*"):
                return self._text(path, accept)
            case "get":
                answer = self._get(path)
            case "list":
                answer = self._list(path, params or {})
            case "create":
                answer = self._create(path, sent)
            case "update":
                answer = self._update(path, sent, dry_run="dryRun" in (params or {}))
            case "patch":
                answer = self._patch(path, sent)
            case _:
                answer = self._delete(path, sent)
        return orjson.dumps(_as_accepted(answer, accept))

    async def watch_lines(
        self, path: str, params: Mapping[str, str], accept: str = JSON
    ) -> AsyncIterator[bytes]:
        self.requests["WATCH"] += 1
        self.asked.append(("watch", path))
        await self.admit("watch", path, {})
        if "PartialObjectMetadata" in accept:
            self.metadata_only.add(path)
        watching = _Watching(path, params.get("labelSelector"), accept)
        self._watches.append(watching)
        for kind, changed, item in self._events[int(params["resourceVersion"]) :]:
            watching.take(kind, changed, item)
        try:
            while True:
                yield await watching.lines.get()
        finally:
            self._watches.remove(watching)

    async def chunks(self, path: str) -> AsyncIterator[bytes]:
        await self.admit("get", path, {})
        yield self._text(path, "*/*")

    async def _readiness(self) -> int:
        return self.readiness

    def _text(self, path: str, accept: str) -> bytes:
        if path.partition("?")[0].endswith("/log") and accept == "text/plain":
            raise ApiError(406, "NotAcceptable", path)  # though plain text is what it sends
        for beginning, text in self.texts.items():
            if path.startswith(beginning):
                return text.encode()
        raise ApiError(404, "NotFound", path)

    def _get(self, path: str) -> JsonObject:
        if path in self.resources:
            return {"resources": self.resources[path]}
        return self._existing(path)

    def _list(self, path: str, params: Mapping[str, str]) -> JsonObject:
        selector = params.get("labelSelector")
        self.selectors[path] = selector
        items = [item for item in self.stored(path) if _matches(item, selector)]
        if "fieldSelector" in params:
            name = params["fieldSelector"].removeprefix("metadata.name=")
            items = [item for item in items if item["metadata"]["name"] == name]
        return {"metadata": {"resourceVersion": str(len(self._events))}, "items": items}

    def _create(self, collection: str, item: JsonObject) -> JsonObject:
        if collection.endswith("selfsubjectaccessreviews"):
            verb = item["spec"]["resourceAttributes"]["verb"]
            return {"status": {"allowed": verb not in self.denied}}
        path = f"{collection}/{item['metadata']['name']}"
        if path in self.objects:
            raise ApiError(409, "AlreadyExists", path)
        item["metadata"].setdefault("uid", f"uid-{len(self._events)}")
        item["metadata"]["generation"] = 1
        _, inside, rest = collection.partition("/namespaces/")
        if inside:
            item["metadata"]["namespace"] = rest.partition("/")[0]
        self.prepare(path, item)
        self.put(path, item)
        self.react("create", path)
        return self.objects[path]

    def _update(self, path: str, item: JsonObject, *, dry_run: bool = False) -> JsonObject:
        before = self._existing(path)
        version = item["metadata"].get("resourceVersion")
        if version not in (None, before["metadata"].get("resourceVersion")):
            raise ApiError(409, "Conflict", path)
        for kept in ("uid", "generation", "namespace"):
            if kept in before["metadata"]:
                item["metadata"][kept] = before["metadata"][kept]
        if item.get("spec") != before.get("spec"):
            item["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
        if dry_run:
            return item
        self.put(path, item)
        if "deletionTimestamp" in item["metadata"] and not item["metadata"].get("finalizers"):
            self._remove(path)
            return item
        self.react("update", path)
        return item

    def _patch(self, path: str, patch: JsonObject) -> JsonObject:
        path = path.removesuffix("/status")
        merged = _merged(deepcopy(self._existing(path)), patch)
        merged["metadata"].pop("resourceVersion", None)
        return self._update(path, merged)

    def _delete(self, path: str, options: JsonObject) -> JsonObject:
        item = self._existing(path)
        wanted = options.get("preconditions", {}).get("uid")
        if wanted is not None and wanted != item["metadata"].get("uid"):
            raise ApiError(409, "Conflict", path)
        if item["metadata"].get("finalizers"):
            item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            self.put(path, item)
        else:
            self._remove(path)
        self.react("delete", path)
        return {}

    def _remove(self, path: str) -> None:
        item = self.objects.pop(path)
        self._tell("DELETED", path, item)
        if item.get("kind") == "Namespace":
            inside = f"/namespaces/{item['metadata']['name']}/"
            for other in [each for each in self.objects if inside in each]:
                self._remove(other)

    def _existing(self, path: str) -> JsonObject:
        if path not in self.objects:
            raise ApiError(404, "NotFound", path)
        return self.objects[path]

    def _tell(self, kind: str, path: str, item: JsonObject) -> None:
        event = (kind, path, deepcopy(item))
        self._events.append(event)
        for watching in self._watches:
            watching.take(*event)


class MemoryCluster(MemoryApi):
    """A cluster with a kro for which every RGD and instance is ready at once."""

    def __init__(self) -> None:
        super().__init__()
        self.refuse_instances: ApiError | None = None
        self.answer_seconds = 0.0
        """Time until an instance's creation is answered."""
        self.answer_growth = 1.0
        """Factor by which that time grows with each instance."""
        self.undeletable = ""
        """Collection whose objects are not deleted."""
        self.rgds_awaited = 0
        """RGDs that must be there before kro makes any of them ready."""

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if verb == "create" and _is_instance(path):
            if self.refuse_instances is not None:
                raise self.refuse_instances
            await asyncio.sleep(self.answer_seconds)
            self.answer_seconds *= self.answer_growth

    def prepare(self, path: str, item: JsonObject) -> None:
        if _is_instance(path):
            item["status"] = READY
        elif _is_in(RGDS_PATH, path):
            self._serve_kind(item)

    def react(self, verb: str, path: str) -> None:
        rgds = {each: item for each, item in self.objects.items() if _is_in(RGDS_PATH, each)}
        if verb == "create" and path in rgds and len(rgds) >= self.rgds_awaited:
            for each, item in rgds.items():
                if "status" not in item:
                    self.put(each, item | {"status": READY})

    def _delete(self, path: str, options: JsonObject) -> JsonObject:
        if self.undeletable and _is_in(self.undeletable, path):
            return self._existing(path)
        return super()._delete(path, options)

    def _serve_kind(self, rgd: JsonObject) -> None:
        """Make the CRD of an RGD's kind."""
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
        self.put(f"{CRDS_PATH}/{name}", {"metadata": metadata, "spec": spec})


class _Watching:
    """One watch: its events, as lines, in a queue."""

    def __init__(self, collection: str, selector: str | None, accept: str) -> None:
        self._collection = collection
        self._selector = selector
        self._accept = accept
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()

    def take(self, kind: str, path: str, item: JsonObject) -> None:
        if _is_in(self._collection, path) and _matches(item, self._selector):
            event = {"type": kind, "object": _as_accepted(item, self._accept)}
            self.lines.put_nowait(orjson.dumps(event))


def _verb(method: str, path: str) -> str:
    if method == "GET":
        parts = path.partition("?")[0].strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        if len(rest) >= 3 and rest[0] == "namespaces":
            rest = rest[2:]
        return "list" if len(rest) == 1 else "get"
    return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[method]


def _is_instance(path: str) -> bool:
    return "/load.bench.kro.run/" in path


def _is_in(collection: str, path: str) -> bool:
    """Whether an object is in a collection, of one namespace or of all."""
    prefix, _, plural = collection.rpartition("/")
    own = path.rpartition("/")[0]
    return own == collection or (
        own.startswith(f"{prefix}/namespaces/") and own.endswith(f"/{plural}")
    )


def _matches(item: JsonObject, selector: str | None) -> bool:
    labels = item["metadata"].get("labels") or {}
    for part in (selector or "").split(","):
        key, is_unequal, value = part.partition("!=")
        if is_unequal:
            matches = labels.get(key) != value
        elif part.startswith("!"):
            matches = part[1:] not in labels
        else:
            key, is_equal, value = part.partition("=")
            matches = not part or (key in labels and (not is_equal or labels[key] == value))
        if not matches:
            return False
    return True


def _as_accepted(answer: JsonObject, accept: str) -> JsonObject:
    """Return an object, or a list of them, as a table or without all but metadata if asked for."""
    if "as=Table" in accept:
        return {"rows": [{"cells": [item["metadata"]["name"]]} for item in answer["items"]]}
    if "PartialObjectMetadata" not in accept:
        return answer
    if "items" in answer:
        return answer | {"items": [{"metadata": item["metadata"]} for item in answer["items"]]}
    return {"metadata": answer["metadata"]}


def _merged(target: JsonObject, patch: Mapping[str, Any]) -> JsonObject:
    """Apply a JSON merge patch (RFC 7386)."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping):
            inner = target.get(key)
            target[key] = _merged(inner if isinstance(inner, dict) else {}, value)
        else:
            target[key] = value
    return target
