"""Runs over time: where a primary metric changed from one level to another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from krobench.analysis.comparison.differences import differences
from krobench.analysis.statistics.changepoints import (
    MOST_CORRELATED,
    change_points,
    neighbour_correlation,
)
from krobench.api.specs.results import DifferenceKind
from krobench.figures.catalogue import PRIMARY
from krobench.findings.estimates import Difference, RunEstimates, TestEstimates

_OF_KROS_CHART = "KRO_"


@dataclass(frozen=True)
class Correlated:
    """A metric whose runs are too much like their neighbours for a change to be shown."""

    test: str
    metric: str
    correlation: float
    """Lag 1."""


@dataclass(frozen=True)
class Change:
    """A metric that went from one level to another."""

    test: str
    metric: str
    last_before: RunEstimates
    first_after: RunEstimates
    before: float
    """Median of the runs since the change before."""
    after: float
    """Median of the runs until the next change."""
    differences: list[Difference] = field(default_factory=list)
    """In what the two runs' environments differ: what may have caused it."""


@dataclass(frozen=True)
class Changes:
    """What was found in a history."""

    found: list[Change]
    withheld: list[Correlated]
    """Metrics whose changes are not reported."""


class History:
    """Runs of one KroBenchmark from the oldest to the newest. A metric is searched for changes,
    which takes a while, when it is first asked for."""

    def __init__(self, runs: Sequence[RunEstimates], primary: Sequence[str] = PRIMARY) -> None:
        usable = [run for run in runs if run.unusable is None]
        names = dict.fromkeys(test.name for run in usable for test in run.tests)
        self._series = {name: _comparable(usable, name) for name in names}
        self._primary = primary
        self._searched: dict[tuple[str, str], Changes] = {}

    def changes_of(self, test: str, metric: str) -> Changes:
        """Return the changes of a metric of a test; none unless it is a primary metric."""
        if metric not in self._primary:
            return Changes([], [])
        key = test, metric
        if key not in self._searched:
            self._searched[key] = _searched(test, metric, self._series.get(test, ()))
        return self._searched[key]

    def changes(self) -> Changes:
        """Return all changes."""
        each = [self.changes_of(test, metric) for test in self._series for metric in self._primary]
        return Changes(
            [change for some in each for change in some.found],
            [metric for some in each for metric in some.withheld],
        )


def _searched(
    test: str, metric: str, series: Sequence[tuple[RunEstimates, TestEstimates]]
) -> Changes:
    points = [
        (run, median(values))
        for run, item in series
        if (values := [v for i in item.iterations if (v := i.get(metric)) is not None])
    ]
    numbers = [value for _, value in points]
    at = change_points(numbers)
    correlation = neighbour_correlation(numbers, at) if at else 0.0
    if correlation > MOST_CORRELATED:
        return Changes([], [Correlated(test, metric, correlation)])
    borders = [0, *at, len(points)]
    found = []
    for before, index, after in zip(borders, at, borders[2:], strict=False):
        old, new = points[index - 1][0], points[index][0]
        change = Change(
            test=test,
            metric=metric,
            last_before=old,
            first_after=new,
            before=median(value for _, value in points[before:index]),
            after=median(value for _, value in points[index:after]),
            differences=list(_once(differences([old], [new], [], ()))),
        )
        found.append(change)
    return Changes(found, [])


def series_lengths(runs: Sequence[RunEstimates]) -> dict[str, int]:
    """Return of each test in how many runs it can be compared with the newest of them."""
    usable = [run for run in runs if run.unusable is None]
    names = dict.fromkeys(test.name for run in runs for test in run.tests)
    return {name: len(_comparable(usable, name)) for name in names}


def _comparable(
    runs: Sequence[RunEstimates], test: str
) -> list[tuple[RunEstimates, TestEstimates]]:
    """Return the runs whose test did what that of the newest does."""
    found = [(run, item) for run in runs for item in run.tests if item.name == test]
    return [(run, item) for run, item in found if item.workload == found[-1][1].workload]


def _once(found: Sequence[Difference]) -> Iterator[Difference]:
    """Leave out each variable that went the same way as a flag: kro's chart gives flags their
    values by variables, and the flag is where kro reads them."""
    by_flags = {(tuple(d.old), tuple(d.new)) for d in found if d.kind is DifferenceKind.KRO_FLAGS}
    for each in found:
        of_flag = each.kind is DifferenceKind.KRO_ENV and (each.name or "").startswith(
            _OF_KROS_CHART
        )
        if not (of_flag and (tuple(each.old), tuple(each.new)) in by_flags):
            yield each
