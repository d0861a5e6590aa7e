"""The operator's own metrics, for an existing Prometheus."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from krobench.api.kinds import RunKind, RunRef
from krobench.api.status import KroBenchmarkStatus, KroScaleTestStatus, Phase, RunStatus, Verdict
from krobench.findings.scaling import LimitState

_READY = "krobench_test_instance_ready_p50_seconds"
_THROUGHPUT = "krobench_test_instances_per_second"
_LIMIT = "krobench_scale_limit"
_VERDICT = "krobench_run_verdict"
_FAMILIES = {
    _READY: (
        "Median time until an instance was ready, of each finished test",
        ("namespace", "name", "test"),
    ),
    _THROUGHPUT: (
        "Instances that became ready per second, of each finished test",
        ("namespace", "name", "test"),
    ),
    _LIMIT: (
        "Largest size at which kro met the SLOs, of each scale test that found it",
        ("namespace", "name", "axis"),
    ),
    _VERDICT: (
        "1, with the verdict of each finished run",
        ("kind", "namespace", "name", "verdict"),
    ),
}


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What the metrics show of a run."""

    kind: RunKind
    phase: Phase
    values: tuple[tuple[str, tuple[str, ...], float], ...]
    """Metric, labels and value."""


def figures_of(run: RunRef, status: RunStatus, axis: str | None) -> RunFigures:
    """Return what the metrics show of a run; ``axis`` is that of a scale test."""
    phase = status.phase or Phase.PENDING
    values: list[tuple[str, tuple[str, ...], float | None]] = []
    if status.verdict is not None:
        values.append((_VERDICT, (run.kind.value, run.namespace, run.name, status.verdict), 1.0))
    if isinstance(status, KroBenchmarkStatus):
        for test in status.tests:
            labels = (run.namespace, run.name, test.name)
            if test.verdict != Verdict.INVALID:  # its numbers are not those of the wanted load
                values += [
                    (_READY, labels, test.instance_ready_p50_seconds),
                    (_THROUGHPUT, labels, test.instances_per_second),
                ]
    elif isinstance(status, KroScaleTestStatus) and status.verdict != Verdict.INVALID:
        limit = status.limit
        if limit is not None and limit.state == LimitState.FOUND:
            values.append((_LIMIT, (run.namespace, run.name, axis or ""), limit.size))
    known = tuple((name, labels, value) for name, labels, value in values if value is not None)
    return RunFigures(run.kind, phase, known)


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
        self.leader = Gauge(
            "krobench_leader",
            "1 if this operator holds the Lease and acts, 0 if it stands by",
            registry=registry,
        )
        ProcessCollector(registry=registry)


class RunMetrics(Collector):
    """Metrics of all runs, read from what is known of them when Prometheus asks."""

    def __init__(self, figures: Callable[[], Sequence[RunFigures]]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[GaugeMetricFamily]:
        figures = self._figures()
        runs = GaugeMetricFamily(
            "krobench_runs", "Runs by kind and phase", labels=["kind", "phase"]
        )
        tally = Tally((each.kind, each.phase) for each in figures)
        for kind, phase in product(RunKind, Phase):
            runs.add_metric([kind.value, phase.value], tally[kind, phase])
        families = {
            name: GaugeMetricFamily(name, text, labels=labels)
            for name, (text, labels) in _FAMILIES.items()
        }
        for each in figures:
            for name, labels, value in each.values:
                families[name].add_metric(labels, value)
        return [runs, *families.values()]
