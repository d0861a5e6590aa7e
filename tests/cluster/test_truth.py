"""The latencies of a run against those of the API server's own audit log."""

import json
import statistics
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cluster.conftest import provider
from cluster.kubectl import Cluster, benchmark, scenario

from krobench.record.store import read_objects

INSTANCES = 120
MEDIAN_SECONDS = 0.005
P99_SECONDS = 0.020
ATTEMPTS = 4


def lines(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """Return the audit log's lines on instances of generated kinds."""
    path = Path(cluster.kubeconfig).parent / "log" / "audit.log"
    with path.open() as log:
        for line in log:
            if "load.bench.kro.run" in line:
                entry = json.loads(line)
                if entry.get("objectRef", {}).get("apiGroup") == "load.bench.kro.run":
                    yield entry


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def is_ready(entry: dict[str, Any]) -> bool:
    conditions = entry.get("responseObject", {}).get("status", {}).get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def audited_latencies(cluster: Cluster, names: Container[str]) -> dict[str, float]:
    """Return the time from the receipt of a create request to the first Ready=True, by name."""
    created: dict[str, float] = {}
    ready: dict[str, float] = {}
    for entry in lines(cluster):
        reference = entry["objectRef"]
        if reference.get("name") not in names or entry["responseStatus"]["code"] >= 300:
            continue
        if entry["verb"] == "create" and "subresource" not in reference:
            created[reference["name"]] = moment(entry["requestReceivedTimestamp"])
        elif reference.get("subresource") == "status" and is_ready(entry):
            ready.setdefault(reference["name"], moment(entry["stageTimestamp"]))
    return {name: ready[name] - start for name, start in created.items() if name in ready}


@dataclass(frozen=True)
class Difference:
    """By how much latencies are longer than in the audit log."""

    median_seconds: float
    p99_seconds: float
    min_seconds: float

    @property
    def small(self) -> bool:
        return (
            abs(self.median_seconds) <= MEDIAN_SECONDS
            and self.p99_seconds <= P99_SECONDS
            and self.min_seconds > -P99_SECONDS
        )


def measure(cluster: Cluster, name: str) -> Difference:
    """Run a benchmark, and compare each instance's time until ready with the audit log's."""
    test = scenario("a", instances=INSTANCES)
    # One worker of kro has no use for more at once, and they would all be late by each other.
    cluster.finish(benchmark(name, test, defaults={"concurrency": 3}))
    config_map = cluster.get("configmap", f"{name}-results")
    created = [o for o in read_objects([config_map]) if o.operation == "create-instance"]
    # Each run gives its instances names of its own.
    audited = audited_latencies(cluster, {line.name for line in created})
    assert len(created) == len(audited) == INSTANCES
    differences = []
    for line in created:
        assert line.ready_seconds is not None
        differences.append(line.ready_seconds - line.sent_seconds - audited[line.name])
    ordered = sorted(differences)
    return Difference(statistics.median(ordered), ordered[int(0.99 * INSTANCES)], ordered[0])


def test_latencies_agree_with_the_audit_log(
    cluster: Cluster, record_testsuite_property: Callable[[str, object], None]
) -> None:
    if provider() != "testbed":
        pytest.skip("only the embedded test bed's audit log can be read")
    # A wrong clock or a lost event shows in every run; that both processors were busy elsewhere
    # for twenty milliseconds, as they are on a shared machine, does not.
    seen = []
    for attempt in range(ATTEMPTS):
        seen.append(measure(cluster, f"truth-{attempt}"))
        record_testsuite_property("latency_difference", str(seen[-1]))
        if seen[-1].small:
            return
    pytest.fail(f"latencies differ from the audit log's in every run: {seen}")
