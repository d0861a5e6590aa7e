"""What finished runs cost the operator: its memory, and the CPU time of a reconcile.

The operator has a process of its own, and imports what it does in a pod. Its API server has the
runs in memory, and answers lists in pages as a real one does. Then a run goes on whose results
change again and again, and the metrics are read before and after.

    PYTHONPATH=tests python -m bench.kept         # about 2 minutes; needs no cluster
    PYTHONPATH=tests python -m bench.kept --runs 5000
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml
from aiohttp import web
from doubles.cluster import MemoryApi

from bench.operator import RUN, SPEC
from krobench.api.common import API_GROUP, API_VERSION, rfc3339, utc_now
from krobench.api.kinds import KINDS, RunKind
from krobench.controller.endpoints import METRICS_PORT
from krobench.kube import paths
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.record.run import RunRecord, RunState
from krobench.record.store import RUN_KEY, read_run_record
from krobench.report.status import describe, outcome
from krobench.report.status.base import StatusFacts
from krobench.report.tables import table

NAMESPACE = "krobench-system"
HEADER = (
    "finished runs",
    "resident memory after the start",
    "with a run, and its metrics read",
    "of it anonymous",
    "at most",
    "CPU time of a reconcile",
)
_DEPLOYMENT = Path("manifests/deployment.yaml")
_RECORDS = Path("tests/unit/record/data")
_RECORD_OF = {
    RunKind.BENCHMARK: _RECORDS / "run-v1-2026-11.json",
    RunKind.SCALE_TEST: _RECORDS / "scale-2026-11.json",
}
_CRDS = ("apiextensions.k8s.io", "v1", {"customresourcedefinitions": "CustomResourceDefinition"})
_OURS = (API_GROUP, API_VERSION, {kind.plural: kind.value for kind in KINDS})
_RUNS = paths.group(API_GROUP, API_VERSION, RunKind.BENCHMARK.plural, "default")
_JOBS = paths.group("batch", "v1", "jobs", NAMESPACE)
_LEASES = paths.group("coordination.k8s.io", "v1", "leases", "kube-system")
_UPDATES = 100
_PAUSE_SECONDS = 0.05
_SETTLE_SECONDS = 8.0
_TIMEOUT_SECONDS = 120.0
_MB = 1e6
_TICKS = os.sysconf("SC_CLK_TCK")


class KeptRuns(MemoryApi):
    """An API server over HTTP that has finished runs, each as a record of the tests shows it."""

    def __init__(self, runs: int) -> None:
        super().__init__()
        self._filled: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """By path of the collection."""
        kinds = itertools.cycle((kind, _finished(kind)) for kind in RunKind)
        for number, (kind, item) in zip(range(runs), kinds, strict=False):
            name = f"kept-{number:05d}"
            metadata = {
                "name": name,
                "namespace": "default",
                "uid": f"{number:08x}-0000-4000-8000-000000000000",
                "generation": 1,
                "creationTimestamp": "2026-11-01T00:00:00Z",
                "managedFields": _managed(item),
            }
            path = paths.group(API_GROUP, API_VERSION, kind.plural, "default", name)
            self.put(path, item | {"metadata": metadata})

    def prepare(self, path: str, item: JsonObject) -> None:
        """Complete an object before it is stored for the first time."""
        item["metadata"].setdefault("creationTimestamp", rfc3339(utc_now()))
        self._filled[path.rpartition("/")[0]].set()

    async def until_filled(self, collection: str) -> None:
        """Wait until somebody has created an object in a collection."""
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await self._filled[collection].wait()

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Serve on a free port; yield the URL."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in _DISCOVERY:
            return web.json_response(_DISCOVERY[request.path])
        try:
            if "watch" in request.query:
                return await self._watch(request)
            body = await request.json() if request.can_read_body else None
            answer = await self._request(
                request.method, request.path, params=request.query, body=body
            )
        except ApiError as error:
            return web.json_response({"reason": error.reason}, status=error.status)
        return web.Response(body=_page(answer, request.query), content_type="application/json")

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            async for line in self.watch_lines(request.path, request.query):
                await stream.write(line + b"\n")
        return stream


def _resources(kinds: Mapping[str, str]) -> JsonObject:
    verbs = ["get", "list", "watch", "patch"]
    return {
        "resources": [
            {"name": name, "singularName": "", "kind": kind, "namespaced": True, "verbs": verbs}
            for name, kind in kinds.items()
        ]
    }


def _discovery() -> dict[str, JsonObject]:
    """Return what kopf asks for before it watches, by path."""
    groups: list[JsonObject] = []
    found: dict[str, JsonObject] = {"/api": {"versions": ["v1"]}, "/apis": {"groups": groups}}
    found["/api/v1"] = _resources({"namespaces": "Namespace", "events": "Event"})
    for group, version, kinds in (_CRDS, _OURS):
        one = {"version": version}
        groups.append({"name": group, "versions": [one], "preferredVersion": one})
        found[f"/apis/{group}/{version}"] = _resources(kinds)
    return found


_DISCOVERY = _discovery()


def _page(answer: bytes, query: Mapping[str, str]) -> bytes:
    """Return the part of a list that is asked for."""
    if "limit" not in query:
        return answer
    found = orjson.loads(answer)
    begin = int(query.get("continue", 0))
    end = begin + int(query["limit"])
    if end < len(found["items"]):
        found["metadata"]["continue"] = str(end)
    return orjson.dumps(found | {"items": found["items"][begin:end]})


def _record(kind: RunKind) -> RunRecord:
    return read_run_record(orjson.loads(_RECORD_OF[kind].read_bytes()))


def _finished(kind: RunKind) -> JsonObject:
    """Return the resource of a run that has ended as a stored one has."""
    record = _record(kind)
    facts = StatusFacts(kind, 1, kind.status(), len(record.tests), record, None, utc_now())
    status = describe(facts, outcome(record))
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": kind.value,
        "spec": record.spec,
        "status": status.model_dump(by_alias=True, mode="json", exclude_none=True),
    }


def _managed(item: JsonObject) -> list[JsonObject]:
    """Return what an API server writes down of who has set which field."""

    def fields(value: Any) -> JsonObject:
        if not isinstance(value, dict):
            return {}
        return {f"f:{key}": fields(inner) for key, inner in value.items()}

    return [
        {
            "apiVersion": item["apiVersion"],
            "fieldsType": "FieldsV1",
            "fieldsV1": {f"f:{part}": fields(item[part])},
            "manager": manager,
            "operation": "Update",
            "time": "2026-11-01T00:00:00Z",
        }
        for part, manager in (("spec", "kubectl"), ("status", "krobench"))
    ]


@dataclass(frozen=True)
class Memory:
    """Of a process, in bytes."""

    resident: int
    anonymous: int
    most: int

    @classmethod
    def of(cls, pid: int) -> "Memory":
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        sizes = {line.split()[0]: line.split()[1] for line in lines if line.endswith(" kB")}
        names = ("VmRSS:", "RssAnon:", "VmHWM:")
        return cls(*(int(sizes[name]) * 1024 for name in names))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def reconciles() -> float:
    """Return how many there have been, by the operator's metrics."""
    url = f"http://127.0.0.1:{METRICS_PORT}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        lines = (await response.text()).splitlines()
    name = "krobench_reconcile_duration_seconds_count "
    [count] = [line.removeprefix(name) for line in lines if line.startswith(name)]
    return float(count)


@asynccontextmanager
async def operator(server: str) -> AsyncIterator[int]:
    """Start an operator, and stop it; yield the id of its process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.operating", server), env=os.environ | _environment()
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


def _environment() -> dict[str, str]:
    """Return the operator's environment in its pod, and have Python keep what it compiles."""
    [container] = yaml.safe_load(_DEPLOYMENT.read_bytes())["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    return variables | {"KROBENCH_NAMESPACE": NAMESPACE, "PYTHONDONTWRITEBYTECODE": ""}


async def start_run(api: KeptRuns) -> str:
    """Create a run, and return its UID once it has a load Job."""
    body = {"metadata": {"name": RUN, "namespace": "default"}, "spec": SPEC}
    created = await api.create(_RUNS, body)
    await api.until_filled(_JOBS)
    uid: str = created["metadata"]["uid"]
    return uid


async def change_results(api: KeptRuns, uid: str) -> None:
    """Store results of a run again and again, each of which the operator reconciles."""
    record = _record(RunKind.BENCHMARK).model_copy(
        update={"id": uid, "name": RUN, "state": RunState.RUNNING}
    )
    path = paths.core("configmaps", "default", f"{RUN}-results")
    owner = {"apiVersion": f"{API_GROUP}/{API_VERSION}", "kind": RunKind.BENCHMARK.value}
    owner |= {"name": RUN, "uid": uid}
    metadata = {"name": f"{RUN}-results", "namespace": "default", "ownerReferences": [owner]}
    for number in range(_UPDATES):
        text = record.model_copy(update={"generation": number}).model_dump_json(by_alias=True)
        api.put(path, {"metadata": metadata.copy(), "data": {RUN_KEY: text}})
        await asyncio.sleep(_PAUSE_SECONDS)


async def measure(runs: int) -> tuple[str, ...]:
    """Start an operator beside this many finished runs, and have it follow a run."""
    api = KeptRuns(runs)
    async with api.served() as server, operator(server) as pid:
        await api.until_filled(_LEASES)
        await asyncio.sleep(_SETTLE_SECONDS)
        start = Memory.of(pid)
        uid = await start_run(api)
        before = await reconciles()
        cpu = cpu_seconds(pid)
        await change_results(api, uid)
        cpu = cpu_seconds(pid) - cpu
        done = await reconciles() - before
        end = Memory.of(pid)
    sizes = (start.resident, end.resident, end.anonymous, end.most)
    return (
        str(runs),
        *(f"{size / _MB:.1f} MB" for size in sizes),
        f"{1000 * cpu / done:.2g} ms",
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, nargs="+", default=[0, 10, 1000])
    options = parser.parse_args()
    rows = []
    for runs in options.runs:
        rows.append(asyncio.run(measure(runs)))
        print(rows[-1], flush=True)
    print(table(HEADER, rows))


if __name__ == "__main__":
    main()
