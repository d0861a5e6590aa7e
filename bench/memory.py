"""What a load Job keeps in memory of each instance that it follows, without a cluster.

The load's own code, from the plan to the lines of the record, meets a client that answers at once
and whose watches send the events that kro causes. Resident memory is compared before and after.

    python -m bench.memory                        # needs no cluster
    python -m bench.memory --top 20               # by place, which takes memory itself
"""

import argparse
import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import orjson
import uvloop

import krobench.loadjob.main  # noqa: F401 - what a load Job has imported is part of it
from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.config import ClientConfig
from krobench.load.children import Children
from krobench.load.driver import Driver
from krobench.load.lifecycle import Kind, apply_instance
from krobench.load.loops import RunClock, closed_loop
from krobench.load.observer import Followed, Observer
from krobench.load.operations import Operations, Target
from krobench.load.overhead import resident_max_bytes
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.testplan import plan_tests

_MIB = 1 << 20
_PAGE_BYTES = 4096
_INSTANCES, _CHILDREN = "/instances", "/api/v1/configmaps"


class QuickKro(KubeClient):
    """A client whose API server keeps nothing; its kro makes one child of each instance."""

    def __init__(self) -> None:
        super().__init__(ClientConfig("http://memory", None, lambda: None))
        self._watches: dict[str, asyncio.Queue[bytes]] = {}
        self._version = 0

    async def _request(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, **_: Any
    ) -> bytes:
        if method == "POST":
            assert body is not None
            return orjson.dumps(self._create(path, body))
        if path == "/api/v1":
            return orjson.dumps({"resources": [{"kind": "ConfigMap", "name": "configmaps"}]})
        return orjson.dumps({"metadata": {"resourceVersion": "0"}, "items": []})

    def _create(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        """Create an instance, which is ready some events later."""
        answer = dict(body) | {"metadata": body["metadata"] | {"generation": 1}}
        self._notify(path, "ADDED", answer)
        self._notify(path, "MODIFIED", answer | {"status": {"state": "IN_PROGRESS"}})
        labels = {
            "kro.run/instance-name": body["metadata"]["name"],
            "kro.run/node-id": "config",
        }
        child = {"namespace": "n", "name": f"{body['metadata']['name']}-child", "labels": labels}
        self._notify(_CHILDREN, "ADDED", {"metadata": child})
        ready = {"type": "Ready", "status": "True", "observedGeneration": 1}
        status = {"state": "ACTIVE", "conditions": [ready]}
        asyncio.get_running_loop().call_later(
            0.001, self._notify, path, "MODIFIED", answer | {"status": status}
        )
        return answer

    async def watch_lines(
        self,
        path: str,
        params: Mapping[str, str],  # noqa: ARG002 - it is a KubeClient's
        accept: str = "",  # noqa: ARG002 - the same
    ) -> AsyncIterator[bytes]:
        """Yield the events of a collection."""
        queue = self._watches.setdefault(path, asyncio.Queue())
        while True:
            yield await queue.get()

    def _notify(self, path: str, kind: str, item: JsonObject) -> None:
        self._version += 1
        metadata = item["metadata"] | {"resourceVersion": str(self._version)}
        line = orjson.dumps({"type": kind, "object": item | {"metadata": metadata}})
        self._watches.setdefault(path, asyncio.Queue()).put_nowait(line)


def plan(instances: int) -> IterationPlan:
    """Return an iteration of this many instances of ``single``."""
    workload = {"scenario": "single", "instances": instances}
    spec = KroBenchmarkSpec.model_validate({"tests": [{"name": "track", "workload": workload}]})
    identity = RunRef(RunKind.BENCHMARK, "default", "track", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")
    return plan_iteration(identity, plan_tests(spec)[0], 0)


@asynccontextmanager
async def followed(instances: int) -> AsyncIterator[Observer]:
    """Create instances and follow them until all are ready, and keep all that is known of them."""
    client, clock, iteration = QuickKro(), RunClock(), plan(instances)
    children = Children(client, clock, iteration.namespace)
    operations = Operations(Driver(client, clock, iteration), clock, iteration, children)
    [rgd] = iteration.targets
    async with AsyncExitStack() as stack:
        observer = Observer(client, clock, _INSTANCES, "", apply_instance)
        await stack.enter_async_context(observer)
        target = Target(
            rgd, "/rgds", cast("Followed", None), _INSTANCES, observer, cast("Kind", None)
        )
        operations.aim([target])
        await children.watch(stack, [rgd.manifest])
        [phase] = iteration.test.phases
        await closed_loop(operations.sender(phase), phase.operations, concurrency=64)
        yield observer


async def show(instances: int, top: int) -> None:
    """Print what following instances takes."""
    before = _resident_bytes()
    print(f"Python and what a load Job imports: {before / _MIB:.1f} MiB")
    async with followed(instances) as observer:
        assert all(each.record.ready_seconds is not None for each in observer.all())
        after, most = _resident_bytes(), resident_max_bytes() or 0.0
        print(f"{instances} instances ready: {after / _MIB:.1f} MiB, {most / _MIB:.1f} at most")
        print(f"each of them: {(after - before) / instances / 1000:.2f} kB")
        if top:
            _show_places(instances, top)


def _show_places(instances: int, top: int) -> None:
    for line in tracemalloc.take_snapshot().statistics("lineno")[:top]:
        frame = line.traceback[0]
        where = "/".join(frame.filename.split("/")[-3:])
        print(f"{line.size / instances:8.0f} B of {where}:{frame.lineno}")


def _resident_bytes() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * _PAGE_BYTES


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--top", type=int, default=0, help="print so many places of allocation")
    options = parser.parse_args()
    if options.top:
        tracemalloc.start()
    uvloop.run(show(options.instances, options.top))


if __name__ == "__main__":
    main()
