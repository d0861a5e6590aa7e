"""The operator's own metrics, for an existing Prometheus."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from krobench.api.kinds import RunKind
from krobench.api.status import Phase
from krobench.controller.runfigures import FAMILIES, RunFigures, Value

MOST_SERIES = 10_000
"""Of figures of runs: those of the newest runs are exposed."""


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


def _nothing() -> Iterable[Value]:
    return ()


class RunMetrics(Collector):
    """Metrics of all runs and schedules, read from what is known of them when Prometheus asks."""

    def __init__(
        self,
        figures: Callable[[], Sequence[RunFigures]],
        schedules: Callable[[], Iterable[Value]] = _nothing,
    ) -> None:
        self._figures = figures
        self._schedules = schedules

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield one family after another: each takes ten times the memory of its text."""
        figures = self._figures()
        runs = GaugeMetricFamily(
            "krobench_runs", "Runs by kind and phase", labels=["kind", "phase"]
        )
        tally = Tally((each.run.kind, each.phase) for each in figures)
        for kind, phase in product(RunKind, Phase):
            runs.add_metric([kind.value, phase.value], tally[kind, phase])
        waiting = GaugeMetricFamily(
            "krobench_queue_oldest_creation_time_seconds",
            "When the run that has been queued longest was created, in seconds since 1970",
        )
        queued = [each.created for each in figures if each.phase is Phase.QUEUED]
        if queued:
            waiting.add_metric([], min(queued))
        omitted = GaugeMetricFamily(
            "krobench_metrics_omitted_runs",
            f"Old runs without figures here, because all runs have more than {MOST_SERIES} series",
        )
        shown = _newest(figures)
        omitted.add_metric([], len(figures) - len(shown))
        yield from (runs, waiting, omitted)
        values: dict[str, list[tuple[tuple[str, ...], float]]] = defaultdict(list)
        for name, labels, value in chain(_values(shown), self._schedules()):
            values[name].append((labels, value))
        for name, (text, keys) in FAMILIES.items():
            family = GaugeMetricFamily(name, text, labels=keys)
            for labels, value in values.pop(name, ()):
                family.add_metric(labels, value)
            yield family


def _newest(figures: Iterable[RunFigures]) -> list[RunFigures]:
    """Return the runs whose figures are shown: those in progress, then the newest."""
    newest = sorted(
        figures, key=lambda each: (not each.phase.terminal, each.completed or each.created)
    )
    shown: list[RunFigures] = []
    series = 0
    for each in reversed(newest):
        series += each.series + 1
        if series > MOST_SERIES:
            break
        shown.append(each)
    return shown


def _values(shown: Iterable[RunFigures]) -> Iterator[Value]:
    """Yield the values of runs, and which is the newest valid one of each history.

    The newest run comes first.
    """
    seen: set[tuple[RunKind, str, str]] = set()
    for each in shown:
        yield from each.values
        history = each.run.kind, each.run.namespace, each.history
        if each.valid and history not in seen:
            seen.add(history)
            yield each.newest
