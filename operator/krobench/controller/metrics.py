"""The operator's own metrics, for an existing Prometheus."""

from collections import Counter as Tally
from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from krobench.api.kinds import RunKind
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.status import KroBenchmarkStatus, KroScaleTestStatus, Phase, Verdict
from krobench.controller.observed import Run
from krobench.findings.scaling import LimitState

_LABELS = ("namespace", "name", "test")
_SCALE_LABELS = ("namespace", "name", "axis")


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
        self._runs = Gauge(
            "krobench_runs", "Runs by kind and phase", ["kind", "phase"], registry=registry
        )
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
        self._limit = Gauge(
            "krobench_scale_limit",
            "Largest size at which kro met the SLOs, of each scale test that found it",
            _SCALE_LABELS,
            registry=registry,
        )

    def show(self, runs: Iterable[Run]) -> None:
        """Show how all runs stand; those that were deleted are no longer shown."""
        runs = list(runs)
        tally = Tally((run.kind, run.status.phase or Phase.PENDING) for run in runs)
        for kind, phase in product(RunKind, Phase):
            self._runs.labels(kind.value, phase.value).set(tally[kind, phase])
        for gauge in (self._ready, self._throughput, self._limit):
            gauge.clear()
        for run in runs:
            if isinstance(run.status, KroBenchmarkStatus):
                self._show_tests(run, run.status)
            elif isinstance(run.status, KroScaleTestStatus):
                self._show_limit(run, run.status)

    def _show_tests(self, run: Run, status: KroBenchmarkStatus) -> None:
        for test in status.tests:
            if test.verdict == Verdict.INVALID:
                continue  # its numbers are not those of the load that was asked for
            labels = (run.namespace, run.name, test.name)
            if test.instance_ready_p50_seconds is not None:
                self._ready.labels(*labels).set(test.instance_ready_p50_seconds)
            if test.instances_per_second is not None:
                self._throughput.labels(*labels).set(test.instances_per_second)

    def _show_limit(self, run: Run, status: KroScaleTestStatus) -> None:
        limit, spec = status.limit, run.spec
        if limit is None or limit.state != LimitState.FOUND or status.verdict == Verdict.INVALID:
            return
        if limit.size is not None and isinstance(spec, KroScaleTestSpec):
            self._limit.labels(run.namespace, run.name, spec.axis.value).set(limit.size)
