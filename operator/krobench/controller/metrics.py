"""The operator's own metrics, for an existing Prometheus."""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from krobench.controller.observed import Benchmark
from krobench.model.status import Phase, Verdict

_LABELS = ("namespace", "name", "test")


class OperatorMetrics:
    """What the operator exposes on ``/metrics``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reconcile_seconds = Histogram(
            "krobench_reconcile_duration_seconds", "Duration of a reconcile", registry=registry
        )
        self.reconcile_errors = Counter(
            "krobench_reconcile_errors",
            "Reconciles that failed and are repeated",
            registry=registry,
        )
        self._runs = Gauge("krobench_runs", "KroBenchmarks by phase", ["phase"], registry=registry)
        self._ready = Gauge(
            "krobench_test_instance_ready_p50_seconds",
            "Median time until an instance was ready, of each finished test",
            _LABELS,
            registry=registry,
        )
        self._throughput = Gauge(
            "krobench_test_instances_per_second",
            "Instances that became ready per second, of each finished test",
            _LABELS,
            registry=registry,
        )

    def show(self, runs: Iterable[Benchmark]) -> None:
        """Show how all runs stand; those that were deleted are no longer shown."""
        runs = list(runs)
        tally = Tally(run.status.phase or Phase.PENDING for run in runs)
        for phase in Phase:
            self._runs.labels(phase.value).set(tally[phase])
        self._ready.clear()
        self._throughput.clear()
        for run in runs:
            for test in run.status.tests:
                if test.verdict == Verdict.INVALID:
                    continue  # its numbers are not those of the load that was asked for
                labels = (run.namespace, run.name, test.name)
                if test.instance_ready_p50_seconds is not None:
                    self._ready.labels(*labels).set(test.instance_ready_p50_seconds)
                if test.instances_per_second is not None:
                    self._throughput.labels(*labels).set(test.instances_per_second)
