"""A run's primary metrics in the formats of tools that keep benchmarks over time.

Of each valid test, a metric is the mean of its measured iterations, with its 95% interval if there
are enough of them. What was not measured is left out: none of these formats has a word for it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from krobench.analysis.comparison.estimates import condense
from krobench.analysis.statistics.intervals import nonnegative_interval
from krobench.figures.catalogue import OF_NAME, PRIMARY
from krobench.figures.figure import Unit
from krobench.findings.scaling import LimitState
from krobench.record.run import RunRecord

_UNITS = {
    Unit.SECONDS: "s",
    Unit.BYTES: "B",
    Unit.CORES: "cores",
    Unit.RATIO: "ratio",
    Unit.PER_SECOND: "1/s",
    Unit.COUNT: "count",
}
_LIMIT = "limit"


@dataclass(frozen=True)
class Entry:
    """A metric of a test, or the limit of a scale test."""

    test: str
    metric: str
    unit: str
    higher_is_better: bool
    value: float
    low: float | None
    """Lower end of the 95% interval."""
    high: float | None
    n: int | None
    """Iterations; None for a limit."""


def entries(run: RunRecord) -> list[Entry]:
    """Return what trackers get of a run; nothing of a run that is invalid as a whole."""
    if run.causes:
        return []
    valid = {test.name for test in run.tests if test.validity.valid}
    return [
        *(
            entry
            for test in condense(run).tests
            if test.name in valid
            for metric in PRIMARY
            if (entry := _entry(test.name, metric, test.iterations)) is not None
        ),
        *_limit(run),
    ]


def _entry(test: str, metric: str, iterations: Sequence[dict[str, float | None]]) -> Entry | None:
    values = [value for each in iterations if (value := each.get(metric)) is not None]
    mean = nonnegative_interval(values)
    if mean is None:
        return None
    figure = OF_NAME.get(metric)
    unit = figure.unit if figure is not None else Unit.SECONDS  # a latency
    return Entry(
        test=test,
        metric=metric,
        unit=_UNITS[unit],
        higher_is_better=figure is not None and figure.higher_is_better,
        value=mean.value,
        low=mean.low,
        high=mean.high,
        n=mean.n,
    )


def _limit(run: RunRecord) -> Iterator[Entry]:
    limit = run.scale.limit if run.scale is not None else None
    valid = run.validity is None or run.validity.valid
    if run.scale is None or limit is None or limit.size is None or not valid:
        return
    if limit.state is LimitState.FOUND:
        axis = run.scale.axis.value
        ends = (None, None) if limit.confidence is None else (limit.low, limit.high)
        yield Entry(_LIMIT, axis, axis, True, limit.size, *ends, None)


def perfdata(run: RunRecord) -> dict[str, Any]:
    """Return PerfData, as Kubernetes' perf-dash reads it (perf-tests, util-images/perftype)."""
    return {
        "version": "v1",
        "labels": {"run": f"{run.namespace}/{run.name}", "kro": _kro(run)},
        "dataItems": [
            {
                "data": _present(Mean=each.value, Low=each.low, High=each.high),
                "unit": each.unit,
                "labels": {"Test": each.test, "Metric": each.metric},
            }
            for each in entries(run)
        ],
    }


def github_action(run: RunRecord, *, higher_is_better: bool) -> list[dict[str, Any]]:
    """Return the input of github-action-benchmark: ``customBiggerIsBetter`` or
    ``customSmallerIsBetter``, of which it takes one a file."""
    return [
        {
            "name": f"{each.test}: {each.metric}",
            "unit": each.unit,
            "value": each.value,
            **({"range": f"{each.low:g} to {each.high:g}"} if _has_interval(each) else {}),
            "extra": f"kro {_kro(run)}" + (f"\n{each.n} iterations" if each.n else ""),
        }
        for each in entries(run)
        if each.higher_is_better is higher_is_better
    ]


def bencher(run: RunRecord) -> dict[str, dict[str, dict[str, float]]]:
    """Return Bencher Metric Format: measures by benchmark, each with a slug for a name."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for each in entries(run):
        measures = found.setdefault(each.test, {})
        measures[_slug(each.metric)] = _present(
            value=each.value, lower_value=each.low, upper_value=each.high
        )
    return found


def properties(run: RunRecord) -> dict[str, dict[str, str]]:
    """Return the metrics of each test as JUnit's properties, such as TestGrid shows by
    ``short_text_metric``."""
    found: dict[str, dict[str, str]] = {}
    for each in entries(run):
        found.setdefault(each.test, {})[each.metric] = f"{each.value:.6g}"
    return found


def _present(**values: float | None) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _has_interval(entry: Entry) -> bool:
    return entry.low is not None and entry.high is not None


def _kro(run: RunRecord) -> str:
    kro = run.environment.kro
    return (kro.version if kro is not None else None) or "unknown"


def _slug(metric: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", metric).lower())
