"""What a scale test advises on a kro with its defaults, and what became of it when it was tried."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.kubectl import WAIT_SECONDS, Cluster, Manifest
from cluster.repetition import twice_at_most
from cluster.test_variants import kro

WORKERS = "--dynamic-controller-concurrent-reconciles"


@pytest.fixture(autouse=True)
def untouched(cluster: Cluster) -> Iterator[None]:
    """Leave kro as it was."""
    before = kro(cluster)
    yield
    assert kro(cluster) == before


def scale_test() -> Manifest:
    """Return a test of 5 to 20 instances that are created at once, which tries its advice."""
    return {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroScaleTest",
        "metadata": {"name": "advised", "namespace": "default"},
        "spec": {
            "axis": "instances",
            "sizes": {"values": [5, 10, 20]},
            "search": {"refine": False},
            "slo": ["latency.instanceReady.max < 60.0"],
            "workload": {"scenario": "single"},
            "namespace": "default",
            "concurrency": 50,
            "warmup": 0,
            "iterations": 1,
            "verify": True,
            "timeout": "5m",
        },
    }


@pytest.mark.chart_defaults
@twice_at_most
def test_more_workers_are_advised_tried_and_gain(cluster: Cluster, tmp_path: Path) -> None:
    cluster.apply(scale_test())
    finished = "--for=condition=Finished"
    cluster.run("wait", "kroscaletest/advised", finished, f"--timeout={WAIT_SECONDS}s")
    record = cluster.run_record("advised")
    assert record["recommendations"], record["tests"]
    first = record["recommendations"][0]
    assert first["bottleneck"] == "KroWorkers"
    [setting] = first["settings"]
    assert (setting["name"], setting["current"]) == (WORKERS, "1")
    assert int(setting["advised"]) > 1
    tried = first["verification"]
    # The ratio was 2.9 where all was quiet; beside others, the blocks may not be enough.
    assert tried["metric"] == "throughput.instancesPerSecond"
    assert tried["ratio"] > 1.25, tried
    assert tried["verdict"] in ("Better", "Inconclusive"), tried
    [comparison] = record["variantComparisons"]
    assert comparison["old"] == "as-it-is"

    report = cluster.krobench("report", "advised").stdout
    assert f"{WORKERS}={setting['advised']}" in report
    assert f"dynamicControllerConcurrentReconciles: {setting['advised']}" in report

    file = tmp_path / "run.json"
    file.write_text(json.dumps(record))
    words = ("--record", str(file), "--rgds", "1", "--instances", "200")
    sizing = cluster.krobench("sizing", *words, "--rate", "20")
    assert sizing.returncode == 0, sizing.stderr
    assert WORKERS in sizing.stdout
    refused = cluster.krobench("sizing", *words[:3], "50", *words[4:])
    assert refused.returncode == 4
