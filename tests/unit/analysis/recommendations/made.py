"""Runs for tests of recommendations: a kro with its defaults that is at ease, and changes of it."""

from typing import Any

from unit.records import figures, some_run, some_summary

from krobench.figures.environment import Environment, KroFingerprint, NodeFingerprint
from krobench.figures.summaries import Latencies, LatencySummary
from krobench.findings.bottleneck import Attribution, Bottleneck, BottleneckCode, BottleneckKind
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestRecord, TestSummary

MIB = 2**20
CALM: dict[str, float | None] = {
    "perInstance.kro.reconciles.total": 2.0,
    "kro.reconciles.meanSeconds": 0.05,
    "kro.reconciles.total": 200.0,
    "kro.reconciles.failed": 0.0,
    "kro.instancePool.queueWaitMeanSeconds": 0.01,
    "kro.cel.evaluations": 400.0,
    "kro.cel.evaluationMeanSeconds": 2e-5,
    "perInstance.kro.cpu.seconds": 0.01,
    "perInstance.kro.requests.total": 15.0,
    "krobench.load.cpuSeconds": 0.1,
}


def summary(*, rate: float = 2.0, measured: dict[str, float | None] | None = None) -> TestSummary:
    """Return the summary of 100 instances on a kro that is at ease."""
    values: dict[str, float | None] = {
        "throughput.instancesPerSecond": rate,
        "kro.memory.residentBytes.max": 60 * MIB,
        "perInstance.apiServer.cpu.seconds": 0.03,
    }
    return some_summary(
        latency=Latencies(instance_ready=LatencySummary(n=100, p50_seconds=0.3, max_seconds=0.5)),
        duration_seconds=30.0,
        figures=figures(values | CALM | (measured or {})),
    )


def a_test(found: TestSummary, **changes: Any) -> TestRecord:
    """Return a test with this summary."""
    fields: dict[str, Any] = {
        "name": "single",
        "workload": "single",
        "planned_iterations": 1,
        "planned_warmup": 0,
        "instances": 100,
        "rgds": 1,
        "concurrency": 20,
        "timeout_seconds": 600.0,
        "success": True,
    }
    return TestRecord(summary=found, **(fields | changes))


def kro(*args: str, **changes: Any) -> KroFingerprint:
    """Return a kro with the chart's limits and these arguments."""
    fields: dict[str, Any] = {
        "namespace": "kro-system",
        "pod": "kro-1",
        "version": "0.9.4",
        "args": list(args),
        "requests": {"cpu": "256m", "memory": "128Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }
    return KroFingerprint(**(fields | changes))


def run(*tests: TestRecord, kro: KroFingerprint | None = None, cpu: str = "4") -> RunRecord:
    """Return a completed run on a cluster of one node."""
    return some_run(
        *tests,
        name="r",
        state=RunState.COMPLETED,
        environment=Environment(
            krobench="0.1.0", kro=kro, nodes=[NodeFingerprint(name="n", cpu=cpu)]
        ),
    )


def attribution(kind: BottleneckKind, score: float = 0.6) -> Attribution:
    """Return an attribution that names one cause."""
    found = Bottleneck(code=BottleneckCode.QUOTED, kind=kind, score=score)
    return Attribution(bottlenecks=[found])
