"""How often comparisons of several scale tests a side are right, by simulated searches.

    python -m bench.pairs                    # needs no cluster: some 2.5 minutes of one core
    python -m bench.pairs --pairs 100        # the same with narrower intervals

Each run searches its limit from start to end, and limits drift from run to run (log-normal). What
is printed are the tables of docs/explanation/method.md. Equal options give equal tables.
"""

import argparse
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.searches import SLO, TRUTHS, Search
from krobench.analysis.comparison.limitruns import compare_limit_runs
from krobench.analysis.comparison.limits import (
    LimitRatio,
    MeasuredLimit,
    compare_limits,
    measure_limit,
)
from krobench.analysis.comparison.spans import Span, span_of
from krobench.analysis.scaling.limit import limit_and_crossing
from krobench.api.specs.scaletest import Axis
from krobench.findings.comparison import MetricVerdict
from krobench.findings.scaling import ScaleRecord, SizeRecord
from krobench.report.tables import table

_LIMIT = 1000.0
_SCATTERS = (0.02, 0.2)
_DRIFTS = (0.03, 0.1)
_SIDES = (4, 5)
_FACTORS = (1.1, 1.3)
_BEYOND = (1.0, 1.2, 1.4)
_MINIMUM_EFFECT = 0.05
_Z95 = 1.959964
_SEEDS = 1 << 30
_NOTABLE = 0.25
"""Shares of shapes that are further apart than this are pointed out."""


@dataclass(frozen=True)
class Cell:
    """Where an outcome is counted."""

    row: str
    column: str


@dataclass(frozen=True)
class Outcome:
    """What one comparison said to one question."""

    cell: Cell
    shape: str
    yes: bool


def main() -> None:
    """Simulate, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=15, help="of each shape of growth")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"{options.pairs} pairs of each of {len(TRUTHS)} shapes of growth, seed {options.seed}\n")
    print(as_table("of 100 pairs", simulated(options.pairs, options.seed)))
    print()
    print(as_table("of 100 comparisons", one_beyond(options.pairs, options.seed)))
    print()
    print(as_table("of 100 pairs with a ratio", one_each(options.pairs, options.seed)))


def simulated(pairs: int, seed: int) -> Iterator[Outcome]:
    """Yield what several runs a side say."""
    for shape, scatter, drift, rng in _settings(pairs, seed):
        runs = [_Simulated(shape, scatter, drift, rng.randrange(_SEEDS)) for _ in range(10)]
        old, new = [run.span() for run in runs[:5]], [run.span() for run in runs[5:]]
        when = f"drift of {drift:.0%}: "
        for count in _SIDES:
            column = f"{count} a side, {scatter:.0%}"
            found = _compared(old[:count], new[:count])
            yield _wrong(f"{when}alike limits called better or worse", column, shape, found)
            held = (found.low or 0) <= 1 <= (found.high or math.inf)
            yield Outcome(Cell(f"{when}the interval holds the true ratio", column), shape, held)
            for factor in _FACTORS:
                found = _compared(old[:count], [_times(span, factor) for span in new[:count]])
                row = f"{when}a limit {factor} times as large is called better"
                yield Outcome(Cell(row, column), shape, found.verdict is MetricVerdict.BETTER)
        column = f"4 a side, {scatter:.0%}"
        cut = [run.span(_LIMIT) for run in runs[:4] + runs[5:9]]
        for which, before in (("both sides", cut[:4]), ("one side", old[:4])):
            row = f"{when}alike, but sizes end at the true limit on {which}: better or worse"
            yield _wrong(row, column, shape, _compared(before, cut[4:]))


def one_beyond(pairs: int, seed: int) -> Iterator[Outcome]:
    """Yield what a run whose sizes may end below its limit says against five."""
    for shape, scatter, drift, rng in _settings(pairs, seed):
        runs = [_Simulated(shape, scatter, drift, rng.randrange(_SEEDS)) for _ in range(6)]
        old, column = [run.span() for run in runs[:5]], f"drift {drift:.0%}, scatter {scatter:.0%}"
        for beyond in _BEYOND:
            found = _compared(old, [runs[5].span(_LIMIT * beyond)])
            row = f"alike, its sizes end at {beyond:g} times the limit: called better or worse"
            yield _wrong(row, column, shape, found)
            largest = _LIMIT * beyond
            larger = replace(runs[5], factor=1.6).span(largest)
            row = f"1.6 times as large, its sizes end at {beyond:g} times the limit: called better"
            better = _compared(old, [larger]).verdict is MetricVerdict.BETTER
            yield Outcome(Cell(row, column), shape, better)


def one_each(pairs: int, seed: int) -> Iterator[Outcome]:
    """Yield what one run a side says, by the repetitions of each."""
    alike = "the interval of equal limits leaves out 1 and shows a change"
    for shape, scatter, drift, rng in _settings(pairs, seed, (0.0, *_DRIFTS)):
        runs = [_Simulated(shape, scatter, drift, rng.randrange(_SEEDS)) for _ in range(2)]
        column = f"repetitions scatter by {scatter:.0%}"
        for factor in (1.0, *(() if drift else _FACTORS)):
            old, new = runs[0].measured("old"), replace(runs[1], factor=factor).measured("new")
            found = compare_limits(old, new, _MINIMUM_EFFECT)
            if found.ratio is None:
                continue
            if drift:
                yield _wrong(f"{alike}, drift of {drift:.0%} between runs", column, shape, found)
                continue
            held = (found.low or 0) <= factor <= (found.high or math.inf)
            row = f"the interval holds the true ratio of {factor:g}"
            yield Outcome(Cell(row, column), shape, held)
            if factor == 1:
                yield _wrong(alike, column, shape, found)
            else:
                better = found.verdict is MetricVerdict.BETTER
                row = f"the interval of a limit {factor} times as large is above 1"
                yield Outcome(Cell(row, column), shape, better)


def as_table(title: str, outcomes: Iterator[Outcome]) -> str:
    """Return the share of outcomes that say yes, with its interval and the range over shapes."""
    said: dict[Cell, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        said[outcome.cell][outcome.shape].append(outcome.yes)
    columns = list(dict.fromkeys(cell.column for cell in said))
    rows = [
        (row, *(_share(said.get(Cell(row, column))) for column in columns))
        for row in dict.fromkeys(cell.row for cell in said)
    ]
    return table((title, *columns), rows)


def wilson(yes: float, of: int) -> tuple[float, float]:
    """Return the interval at 95 % of a share, after Wilson; there is one trial at least."""
    share, square = yes / of, _Z95**2
    centre = (share + square / (2 * of)) / (1 + square / of)
    half = _Z95 * math.sqrt(share * (1 - share) / of + square / (4 * of**2)) / (1 + square / of)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class _Simulated:
    """A run: what it finds depends on nothing else."""

    shape: str
    scatter: float
    drift: float
    seed: int
    factor: float = 1.0

    def span(self, largest: float = math.inf) -> Span:
        """Return where its search finds the limit, by sizes up to ``largest``."""
        span = span_of(*limit_and_crossing(self._sizes(largest), [SLO]))
        assert span is not None  # the first size always says something
        return span

    def measured(self, side: Literal["old", "new"]) -> MeasuredLimit:
        """Return the same with all that an interval is made from."""
        return measure_limit(side, ScaleRecord(axis=Axis.INSTANCES, sizes=self._sizes()), [SLO])

    def _sizes(self, largest: float = math.inf) -> list[SizeRecord]:
        rng = random.Random(self.seed)  # noqa: S311 - to be repeatable
        level = self.factor * math.exp(rng.gauss(0, self.drift))
        truth = TRUTHS[self.shape]
        search = Search(
            lambda size: truth(size / level), self.scatter, rng.randrange(_SEEDS), largest
        )
        return search.sizes()


def _settings(
    pairs: int, seed: int, drifts: Sequence[float] = _DRIFTS
) -> Iterator[tuple[str, float, float, random.Random]]:
    """Yield each setting as often as there are pairs, with random numbers of its own."""
    for shape in TRUTHS:
        for scatter in _SCATTERS:
            for drift in drifts:
                rng = random.Random(f"{seed} {shape} {scatter} {drift}")  # noqa: S311 - as above
                for _ in range(pairs):
                    yield shape, scatter, drift, rng


def _compared(old: Sequence[Span], new: Sequence[Span]) -> LimitRatio:
    return compare_limit_runs(old, new, _MINIMUM_EFFECT)


def _times(span: Span, factor: float) -> Span:
    return replace(span, low=span.low * factor, high=span.high * factor)


def _wrong(row: str, column: str, shape: str, found: LimitRatio) -> Outcome:
    wrong = found.verdict in (MetricVerdict.BETTER, MetricVerdict.WORSE)
    return Outcome(Cell(row, column), shape, wrong)


def _share(by_shape: dict[str, list[bool]] | None) -> str:
    if by_shape is None:
        return "not simulated"
    every = [yes for said in by_shape.values() for yes in said]
    low, high = wilson(sum(every), len(every))
    shares = [sum(said) / len(said) for said in by_shape.values()]
    text = f"{100 * sum(every) / len(every):.0f} ({100 * low:.0f} to {100 * high:.0f})"
    if max(shares) - min(shares) > _NOTABLE:
        text += f"; by shape {100 * min(shares):.0f} to {100 * max(shares):.0f}"
    return text


if __name__ == "__main__":
    main()
