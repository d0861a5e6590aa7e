"""Scale tests against an API server in memory, for the tests here."""

from typing import Any

from doubles.cluster import QUICK, MemoryCluster
from emulated.test_load import UID

from krobench.loadjob.engine import Engine
from krobench.loadjob.scaletest import ScaleTestTask
from krobench.record.run import RunRecord

N = "latency.instanceReady.n"
AT_MOST_20 = f"{N} <= 20"


async def run(cluster: MemoryCluster, max_objects: int = 1000, **fields: Any) -> RunRecord:
    return await scale_run(cluster, max_objects, **fields).run()


def scale_run(
    cluster: MemoryCluster, max_objects: int = 1000, uid: str = UID, **fields: Any
) -> Engine:
    spec = {
        "axis": "instances",
        "sizes": {"from": 5, "to": 80},
        "search": {"resolution": "30%"},
        "slo": [AT_MOST_20],
        "workload": {"scenario": "single"},
        "iterations": 2,
        "timeout": "10s",
    }
    metadata = {"name": "far", "namespace": "default", "uid": uid, "generation": 1}
    resource = {"metadata": metadata, "spec": spec | fields}
    return Engine(cluster, resource, ScaleTestTask(resource, max_objects), QUICK)


def trials(record: RunRecord) -> dict[float, list[bool | None]]:
    assert record.scale is not None
    return {step.size: [trial.met for trial in step.iterations] for step in record.scale.sizes}
