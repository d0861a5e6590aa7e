"""The metrics of one test on both sides: estimates, test, interval, verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from krobench.analysis.comparison.rules import WHERE_AVAILABLE, Rules
from krobench.analysis.comparison.verdicts import Basis, Evidence, basis_of, judge
from krobench.analysis.statistics.bootstrap import Interval, Runs, estimate, ratio_interval
from krobench.analysis.statistics.few import compare_few
from krobench.analysis.statistics.multiple import benjamini_hochberg
from krobench.analysis.statistics.ranks import mann_whitney
from krobench.findings.comparison import MetricComparison, MetricVerdict, Replicates

_DIGITS = 6
Iterations = Sequence[Mapping[str, float | None]]
"""The measured iterations of a run: numbers by name."""


@dataclass(frozen=True)
class Measured:
    """The values of one metric: of each run that has any, one for each iteration."""

    test: str
    metric: str
    old: Runs
    new: Runs

    @property
    def available(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.old and self.new)

    def replicates(self, kind: Replicates) -> tuple[list[float], list[float]]:
        """Return the independent values of each side."""
        if kind is not Replicates.ITERATIONS:
            return [estimate([run]) for run in self.old], [estimate([run]) for run in self.new]
        return [x for run in self.old for x in run], [x for run in self.new for x in run]


def measure(
    test: str, old: Sequence[Iterations], new: Sequence[Iterations], rules: Rules
) -> Iterator[Measured]:
    """Yield the primary metrics, then all others that are not the same constant everywhere."""
    primary = rules.primary_metrics
    seen = {name for run in (*old, *new) for iteration in run for name in iteration}
    for metric in (*primary, *sorted(seen - set(primary))):
        measured = Measured(test, metric, _values(old, metric), _values(new, metric))
        if metric in primary:
            absent = not measured.old and not measured.new
            if not (absent and metric in WHERE_AVAILABLE):
                yield measured
        elif measured.available and not metric.endswith(".n") and not _constant(measured):
            yield measured


def judge_all(
    measured: Sequence[Measured], rules: Rules, kind: Replicates
) -> list[MetricComparison]:
    """Compare all metrics; the primary ones share one false discovery rate."""
    tested = [_tested(m, kind) if m.available else None for m in measured]
    primary = [t for m, t in zip(measured, tested, strict=True) if t and rules.is_primary(m.metric)]
    adjusted = iter(benjamini_hochberg([t.p for t in primary]))
    return [
        _compared(m, rules, t, next(adjusted), len(primary))
        if t and rules.is_primary(m.metric)
        else _shown(m, rules, t)
        for m, t in zip(measured, tested, strict=True)
    ]


def explore(measured: Measured, rules: Rules) -> MetricComparison | None:
    """Return a metric without a verdict, judged by the spread of each side.

    None where there is no ratio with an interval.
    """
    few = compare_few(measured.old, measured.new)
    if few is None:
        return None
    unit, (old, new) = Replicates.RUNS.value.lower(), map(len, (measured.old, measured.new))
    return _shown(measured, rules, _Tested(old, new, unit, Basis.SPREAD, few.p, few.interval))


def explore_runs(measured: Measured, rules: Rules) -> MetricComparison:
    """Return an available metric without a verdict, with runs as the replicates."""
    return _shown(measured, rules, _tested(measured, Replicates.RUNS))


@dataclass(frozen=True)
class _Tested:
    """A metric with the numbers that a verdict is made from."""

    old: int
    new: int
    unit: str
    basis: Basis
    p: float
    interval: Interval | None


def _tested(measured: Measured, kind: Replicates) -> _Tested:
    old, new = measured.replicates(kind)
    basis = basis_of(kind, len(old), len(new))
    few = compare_few(measured.old, measured.new) if basis is Basis.SPREAD else None
    p = few.p if few else mann_whitney(old, new)
    interval = few.interval if few else ratio_interval(measured.old, measured.new)
    return _Tested(len(old), len(new), kind.value.lower(), basis, p, interval)


def _compared(
    measured: Measured, rules: Rules, tested: _Tested, adjusted_p: float, tests: int
) -> MetricComparison:
    result = _shown(measured, rules, tested)
    evidence = Evidence(tested.old, tested.new, tested.basis, tested.interval, adjusted_p, tests)
    judgement = judge(evidence, result.better, rules.minimum_effect, tested.unit)
    return result.model_copy(
        update={
            "adjusted_p": rounded(adjusted_p),
            "verdict": judgement.verdict,
            "more_needed": judgement.more_needed,
            "note": judgement.note,
        }
    )


def _shown(measured: Measured, rules: Rules, tested: _Tested | None) -> MetricComparison:
    """Return a metric without a verdict, or with none as it is missing on a side."""
    result = MetricComparison(
        test=measured.test,
        metric=measured.metric,
        primary=rules.is_primary(measured.metric),
        better=rules.better(measured.metric),
        old_replicates=tested.old if tested else len(measured.old),
        new_replicates=tested.new if tested else len(measured.new),
        old_median=rounded(estimate(measured.old)) if measured.old else None,
        new_median=rounded(estimate(measured.new)) if measured.new else None,
    )
    if tested is not None:
        ratio = _ratio(measured, tested.interval)
        return result.model_copy(update={"p": rounded(tested.p), **ratio})
    sides = " and ".join(
        side for side, runs in (("old", measured.old), ("new", measured.new)) if not runs
    )
    note = f"not available on the {sides} side"
    return result.model_copy(update={"verdict": MetricVerdict.INCONCLUSIVE, "note": note})


def _ratio(measured: Measured, interval: Interval | None) -> dict[str, object]:
    if interval is not None:
        return {
            "ratio": rounded(interval.ratio),
            "ratio_low": rounded(interval.low),
            "ratio_high": rounded(interval.high),
        }
    old, new = estimate(measured.old), estimate(measured.new)
    return {"ratio": rounded(new / old)} if old > 0 and new > 0 else {}


def _values(runs: Sequence[Iterations], metric: str) -> Runs:
    found = [[value for i in run if (value := i.get(metric)) is not None] for run in runs]
    return [values for values in found if values]


def _constant(measured: Measured) -> bool:
    return len({value for run in (*measured.old, *measured.new) for value in run}) == 1


def rounded(value: float) -> float:
    """Return a number with the digits that are stored of a comparison."""
    return float(f"{value:.{_DIGITS}g}")
