"""A test as it is measured of a healthy kro, and ways to change it.

Twenty instances, one worker, 40 reconciles of 53 ms and 15 requests of 6 ms for each instance:
figures of a real run on two cores.
"""

import copy
from typing import Any

from krobench.analysis.bottlenecks.attribution import attribute
from krobench.figures.environment import KroFingerprint, NodeFingerprint
from krobench.findings.bottleneck import Attribution
from krobench.record.test import TestRecord
from krobench.record.v1 import RUN_V1, upgrade

Values = dict[str, Any]

NODES = [NodeFingerprint(name="node", cpu="2")]

SUMMARY: Values = {
    "iterations": 1,
    "latency": {
        "instanceReady": {"n": 20, "p50Seconds": 1.2, "meanSeconds": 1.2},
        "rgdReady": {"n": 1, "meanSeconds": 0.4},
    },
    "throughput": {"instancesPerSecond": 9.8},
    "cpu": {"kroSeconds": 0.19, "kroMeanCores": 0.09},
    "memory": {"workingSetMaxBytes": 22_000_000},
    "apiRequests": {"kro": 302.0},
    "durationSeconds": 4.6,
    "errorsTotal": 0,
    "usage": {
        "kroRuntime": {
            "gcCpuSeconds": 0.02,
            "gcCycles": 4.0,
            "allocatedBytes": 23.5e6,
            "liveHeapBytes": 6.8e6,
        },
        "activity": {
            "seconds": 2.1,
            "instancePool": {"reconciles": 40.0, "workSeconds": 2.05, "queueWaitSeconds": 21.0},
            "requests": 302.0,
            "writeRequests": 160.0,
            "requestMeanSeconds": 0.006,
            "throttledRequests": 0.0,
            "delayedRequeues": 20.0,
            "ownWorkSeconds": 2.05,
            "othersWorkSeconds": 0.0,
        },
        "setUp": {
            "seconds": 0.4,
            "rgdPool": {"reconciles": 4.0, "workSeconds": 0.3, "queueWaitSeconds": 0.01},
            "graphRevisionPool": {
                "reconciles": 2.0,
                "workSeconds": 0.01,
                "queueWaitSeconds": 0.001,
            },
            "throttledRequests": 0.0,
        },
        "apiServer": {
            "requests": 355.0,
            "requestMeanSeconds": 0.006,
            "etcdRequestMeanSeconds": 0.0006,
            "gates": {
                "admissionSeconds": 0.1,
                "admissionMeanSeconds": 0.0006,
                "queueWaitSeconds": 0.0,
                "rejectedRequests": 0.0,
                "etcdRequests": 300.0,
            },
        },
    },
}


def kro(*args: str, limits: dict[str, str] | None = None, **env: str) -> KroFingerprint:
    """Return a kro with the chart's limits."""
    return KroFingerprint(
        namespace="kro-system",
        pod="kro",
        node="node",
        args=list(args),
        limits=limits if limits is not None else {"cpu": "1", "memory": "1Gi"},
        env=env,
    )


def planted(summary: Values | None = None, **test: Any) -> TestRecord:
    """Return the test with changes to its summary, merged, and to itself."""
    raw = {
        "name": "a",
        "workload": "single",
        "plannedIterations": 1,
        "plannedWarmup": 0,
        "instances": 20,
        "rgds": 1,
        "concurrency": 20,
        "timeoutSeconds": 60.0,
        "summary": merged(SUMMARY, summary or {}),
    } | test
    # The figures are written as version 1 of the record did: as a tree.
    [upgraded] = upgrade({"schema": RUN_V1, "tests": [raw]})["tests"]
    return TestRecord.model_validate(upgraded)


def found(test: TestRecord, by: KroFingerprint | None = None) -> Attribution:
    """Return what held kro back in a test."""
    attribution = attribute(test, by or kro(), NODES)
    assert attribution is not None
    return attribution


def merged(base: Values, changes: Values) -> Values:
    """Return a tree with some of its leaves changed."""
    result = copy.deepcopy(base)
    for name, value in changes.items():
        nested = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if nested else value
    return result
