"""What decisions came to, and the table of them."""

import math
from collections.abc import Callable, Sequence

from pydantic import BaseModel

from krobench.findings.comparison import Comparison, MetricVerdict
from krobench.record.run import RunRecord
from krobench.report.tables import table

HEADER = (
    "planted in each reconcile",
    "decisions",
    "called worse",
    "called better",
    "no slow-down",
    "inconclusive",
    "invalid",
    "minutes, mean",
    "minutes, 90 %",
    "blocks, mean",
)
_CONFIDENCE = 0.95


class Metric(BaseModel):
    """A primary metric of a decision."""

    name: str
    verdict: MetricVerdict | None
    ratio: float | None
    low: float | None
    high: float | None


class Outcome(BaseModel):
    """One whole decision."""

    planted: str
    krobench: str
    """Image of the operator: decisions of another build don't count together."""
    began: str
    minutes: float
    """Of the whole run, as a user waits for it."""
    blocks: int
    verdict: MetricVerdict | None
    """None if the run was invalid or ended with an error."""
    problem: str | None
    metrics: tuple[Metric, ...]


def outcome(planted: str, krobench: str, run: RunRecord, minutes: float) -> Outcome:
    """Return what a run decided."""
    comparison = next(iter(run.variant_comparisons), None)
    problem = _problem(run, comparison)
    return Outcome(
        planted=planted,
        krobench=krobench,
        began=run.start_time,
        minutes=minutes,
        blocks=len(comparison.new_runs) if comparison is not None else 0,
        verdict=comparison.verdict if comparison is not None and problem is None else None,
        problem=problem,
        metrics=tuple(_metrics(comparison)) if comparison is not None else (),
    )


def _problem(run: RunRecord, comparison: Comparison | None) -> str | None:
    if run.error is not None:
        return f"{run.error.reason}: {run.error.message}"
    if run.validity is not None and not run.validity.valid:
        return ", ".join(cause.reason for cause in run.validity.causes)
    if comparison is None or comparison.refused is not None:
        return "there is no comparison"
    return None


def _metrics(comparison: Comparison) -> list[Metric]:
    return [
        Metric(
            name=each.metric,
            verdict=each.verdict,
            ratio=each.ratio,
            low=each.ratio_low,
            high=each.ratio_high,
        )
        for each in comparison.primary
    ]


def row(planted: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the line of the table of what was planted."""
    valid = [each for each in outcomes if each.problem is None]
    minutes = sorted(each.minutes for each in valid)
    verdicts = [each.verdict for each in valid]
    none = (MetricVerdict.NO_SLOWDOWN, MetricVerdict.SAME)
    return (
        planted,
        str(len(outcomes)),
        _share(verdicts, lambda verdict: verdict in (MetricVerdict.WORSE, MetricVerdict.MIXED)),
        _share(verdicts, lambda verdict: verdict is MetricVerdict.BETTER),
        _share(verdicts, lambda verdict: verdict in none),
        _share(verdicts, lambda verdict: verdict is MetricVerdict.INCONCLUSIVE),
        str(len(outcomes) - len(valid)),
        f"{sum(minutes) / len(minutes):.1f}" if minutes else "not available",
        f"{minutes[math.ceil(0.9 * len(minutes)) - 1]:.1f}" if minutes else "not available",
        f"{sum(each.blocks for each in valid) / len(valid):.1f}" if valid else "not available",
    )


def as_table(by_planted: dict[str, Sequence[Outcome]]) -> str:
    """Return the decisions by what was planted."""
    return table(HEADER, [row(planted, found) for planted, found in by_planted.items()])


def exact(yes: int, of: int) -> tuple[float, float]:
    """Return the exact interval at 95 % of a share (Clopper and Pearson, Biometrika 26, 1934)."""
    tail = (1 - _CONFIDENCE) / 2
    low = 0.0 if yes == 0 else _solved(lambda p: 1 - _at_most(yes - 1, of, p), tail)
    high = 1.0 if yes == of else _solved(lambda p: 1 - _at_most(yes, of, p), 1 - tail)
    return low, high


def _share(
    verdicts: Sequence[MetricVerdict | None], counts: Callable[[MetricVerdict | None], bool]
) -> str:
    if not verdicts:
        return "not available"
    yes = sum(map(counts, verdicts))
    low, high = exact(yes, len(verdicts))
    return f"{yes} ({low:.0%} to {high:.0%})"


def _at_most(count: int, of: int, p: float) -> float:
    return math.fsum(math.comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(count + 1))


def _solved(rising: Callable[[float], float], value: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return (low + high) / 2
