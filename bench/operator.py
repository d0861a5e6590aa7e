"""What krobench's operator costs the API server that it measures, and how much memory it needs.

It counts the operator's requests while it is idle and during a run, with few finished runs in the
cluster and with many. The API server counts them, by a FlowSchema of their own, so that those that
kopf sends are among them; a watch counts as one request each time it is opened.

    python -m bench.operator                      # about 10 minutes; needs krobench on a test bed
    python -m bench.operator --runs 1000 --idle 20
"""

import argparse
import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench.environment import testbed
from krobench.api.common import API_GROUP, API_VERSION
from krobench.api.kinds import RunKind
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.report.tables import table

NAMESPACE = "krobench-system"
NAME = "krobench"
RUN = "operator-bench"
LABELS = {"app.kubernetes.io/part-of": RUN}
SPEC: dict[str, Any] = {
    "defaults": {"iterations": 5, "warmup": 0, "concurrency": 10, "timeout": "5m"},
    "tests": [{"name": "single", "workload": {"scenario": "single", "instances": 50}}],
}
_CONCURRENCY = 32
_TIMEOUT_SECONDS = 600.0
_POLL_SECONDS = 1.0
_SETTLE_SECONDS = 20.0
_RUNS = paths.group(API_GROUP, API_VERSION, RunKind.BENCHMARK.plural, "default")
_DEPLOYMENT = paths.group("apps", "v1", "deployments", NAMESPACE, NAME)
_FLOW_SCHEMAS = paths.group("flowcontrol.apiserver.k8s.io", "v1", "flowschemas")
_DISPATCHED = re.compile(
    rf'apiserver_flowcontrol_dispatched_requests_total\{{[^}}]*flow_schema="{RUN}"[^}}]*\}} (\S+)'
)


@dataclass(frozen=True)
class Figures:
    """What was measured with a number of finished runs in the cluster."""

    kept_runs: int
    idle_per_second: float
    run_seconds: float
    run_requests: int
    reconcile_seconds: float | None
    resident_bytes: float | None

    @property
    def row(self) -> tuple[str, ...]:
        reconcile, resident = self.reconcile_seconds, self.resident_bytes
        return (
            str(self.kept_runs),
            f"{self.idle_per_second:.3f}",
            f"{self.run_requests / self.run_seconds:.2f}",
            f"{self.run_requests} in {self.run_seconds:.0f} s",
            "not available" if reconcile is None else f"{reconcile * 1000:.2g} ms",
            "not available" if resident is None else f"{resident / 1e6:.0f} MB",
        )


HEADER = (
    "finished runs",
    "requests/s idle",
    "requests/s during a run",
    "requests of the run",
    "mean reconcile",
    "resident memory",
)


class Bench:
    """The operator of a cluster, and the runs that it is given."""

    def __init__(self, client: KubeClient, idle_seconds: float) -> None:
        self._client = client
        self._idle_seconds = idle_seconds
        self._template: dict[str, Any] = {}
        """The status of a finished run."""
        self._kept = 0

    async def measure(self, kept_runs: int) -> Figures:
        """Measure with this many finished runs, one of which is that of the measurement."""
        await self._keep(kept_runs - 1)
        await asyncio.sleep(_SETTLE_SECONDS)
        before = await self._requests()
        await asyncio.sleep(self._idle_seconds)
        idle = await self._requests() - before
        totals = await self._reconciles()
        before, begun = await self._requests(), time.monotonic()
        await self._run()
        seconds, requests = time.monotonic() - begun, await self._requests() - before
        return Figures(
            kept_runs=kept_runs,
            idle_per_second=idle / self._idle_seconds,
            run_seconds=seconds,
            run_requests=requests,
            reconcile_seconds=_mean(totals, await self._reconciles()),
            resident_bytes=(await self._metrics()).get("process_resident_memory_bytes"),
        )

    async def _run(self) -> None:
        """Run the benchmark to its end, and take its status as that of finished runs."""
        body = _resource(RUN, SPEC)
        await self._client.delete(f"{_RUNS}/{RUN}")
        await self._until_gone(f"{_RUNS}/{RUN}")
        await self._client.create(_RUNS, body)
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while True:
                status = (await self._client.get(f"{_RUNS}/{RUN}")).get("status", {})
                if status.get("completionTime"):
                    break
                await asyncio.sleep(_POLL_SECONDS)
        self._template = status

    async def _until_gone(self, path: str) -> None:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while True:
                if await self._client.find(path) is None:
                    return
                await asyncio.sleep(_POLL_SECONDS)

    async def warm_up(self) -> None:
        """Run the benchmark once, for the status of a finished run."""
        await self._run()

    async def _keep(self, runs: int) -> None:
        """See to it that there are this many finished runs; the operator must not start them."""
        await self._scale(0)
        limit = asyncio.Semaphore(_CONCURRENCY)

        async def add(number: int) -> None:
            name = f"{RUN}-{number:04d}"
            async with limit:
                await self._client.create(_RUNS, _resource(name, SPEC))
                await self._client.patch(f"{_RUNS}/{name}/status", {"status": self._template})

        await asyncio.gather(*(add(number) for number in range(self._kept, runs)))
        self._kept = runs
        await self._scale(1)

    async def _scale(self, replicas: int) -> None:
        await self._client.patch(_DEPLOYMENT, {"spec": {"replicas": replicas}})
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while True:
                status = (await self._client.get(_DEPLOYMENT))["status"]
                ready = status.get("readyReplicas", 0) == replicas
                if ready and len(await self._pods()) == replicas:
                    return
                await asyncio.sleep(_POLL_SECONDS)

    async def _pods(self) -> list[dict[str, Any]]:
        selector = "app.kubernetes.io/name=krobench"
        return await self._client.list(paths.core("pods", NAMESPACE), selector)

    async def _requests(self) -> int:
        """Return how many requests of the operator the API server has dispatched."""
        text = await self._client.get_text("/metrics")
        return sum(int(float(value)) for value in _DISPATCHED.findall(text))

    async def _reconciles(self) -> tuple[float, float]:
        metrics = await self._metrics()
        name = "krobench_reconcile_duration_seconds"
        return metrics[f"{name}_sum"], metrics[f"{name}_count"]

    async def _metrics(self) -> dict[str, float]:
        """Return the operator's own metrics that have no labels."""
        [pod] = await self._pods()
        proxied = paths.core("pods", NAMESPACE, f"{pod['metadata']['name']}:8080", "proxy/metrics")
        lines = (await self._client.get_text(proxied)).splitlines()
        pairs = [line.split() for line in lines if line and not line.startswith("#")]
        return {name: float(value) for name, value in pairs if "{" not in name}

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[None]:
        """Have the API server count the operator's requests apart, and clean up afterwards."""
        schema = {
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "FlowSchema",
            "metadata": {"name": RUN},
            "spec": {
                "matchingPrecedence": 500,
                "priorityLevelConfiguration": {"name": "workload-low"},
                "rules": [
                    {
                        "subjects": [
                            {
                                "kind": "ServiceAccount",
                                "serviceAccount": {"name": NAME, "namespace": NAMESPACE},
                            }
                        ],
                        "resourceRules": [
                            {
                                "verbs": ["*"],
                                "apiGroups": ["*"],
                                "resources": ["*"],
                                "clusterScope": True,
                                "namespaces": ["*"],
                            }
                        ],
                        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                    }
                ],
            },
        }
        await self._client.create_or_replace(_FLOW_SCHEMAS, schema)
        try:
            yield
        finally:
            await self._client.delete(f"{_FLOW_SCHEMAS}/{RUN}")
            await self._scale(1)
            selector = ",".join(f"{key}={value}" for key, value in LABELS.items())
            for item in await self._client.list(_RUNS, selector):
                await self._client.delete(f"{_RUNS}/{item['metadata']['name']}")


def _resource(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": RunKind.BENCHMARK.value,
        "metadata": {"name": name, "namespace": "default", "labels": LABELS},
        "spec": spec,
    }


def _mean(before: tuple[float, float], after: tuple[float, float]) -> float | None:
    count = after[1] - before[1]
    return (after[0] - before[0]) / count if count else None


async def _bench(runs: list[int], idle_seconds: float) -> None:
    async with KubeClient(load_client_config()) as client:
        bench = Bench(client, idle_seconds)
        async with bench.counting():
            await bench.warm_up()
            rows = []
            for number in runs:
                figures = await bench.measure(number)
                print(figures, flush=True)
                rows.append(figures.row)
    print(table(HEADER, rows))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--runs", type=int, nargs="+", default=[10, 1000], help="finished runs to keep, ascending"
    )
    parser.add_argument("--idle", type=float, default=120.0, help="seconds without a run")
    options = parser.parse_args()
    os.environ.setdefault("KUBECONFIG", testbed("kubeconfig"))
    asyncio.run(_bench(options.runs, options.idle))


if __name__ == "__main__":
    main()
