"""How often decisions by blocks are right, and how many blocks they take, by simulation.

    python -m bench.blocks                      # needs no cluster: some 3 minutes of one core
    python -m bench.blocks --decisions 400      # the same with narrower intervals

The noise is that of visits of some 15 s on the test bed: 7.8 % of p50, 5.2 % of the throughput,
7.6 % of kro's CPU time, 0.7 % of memory and 0.2 % of requests. Four fifths of the variance of the
first three is common to them: the machine. ``--memory`` is how much that is like it was in the
visit before, as a correlation. A control that runs beside the load has a correlation of 0.95 with
it. What is printed is the table of docs/explanation/method.md. Equal options give equal tables.
"""

import argparse
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.pairs import wilson
from krobench.analysis.comparison.blocks import LOOKS, Paired, decided, judge_blocks
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.statistics.flips import without
from krobench.api.specs.decide import MOST_BLOCKS
from krobench.findings.comparison import MetricComparison, MetricVerdict
from krobench.report.tables import table

_METRICS = {
    "latency.instanceReady.p50": (0.078, 0.8),
    "throughput.instancesPerSecond": (0.052, 0.8),
    "perInstance.kro.cpu.seconds": (0.076, 0.8),
    "kro.memory.residentBytes.max": (0.007, 0.0),
    "perInstance.kro.requests.total": (0.002, 0.0),
}
"""Spread of a visit, and the part of it that the machine is."""
_CONTROL = 0.95
_RULES = Rules(minimum_effect=0.05, slowdown=0.1)
_FOUND = (MetricVerdict.BETTER, MetricVerdict.WORSE)
_P50, _RATE, _CPU = list(_METRICS)[:3]


@dataclass(frozen=True)
class Case:
    """What is planted in the new side."""

    name: str
    factors: dict[str, float]


def cases(factor: float) -> list[Case]:
    """Return no change, one in a metric alone, and one in all that a slower kro moves."""
    return [
        Case("nothing changed", {}),
        Case(f"p50 alone x{factor:g}", {_P50: factor}),
        Case(f"throughput alone /{factor:g}", {_RATE: 1 / factor}),
        Case(f"CPU alone x{factor:g}", {_CPU: factor}),
        Case(f"a kro {factor:g} times as slow", {_P50: factor, _RATE: 1 / factor, _CPU: factor}),
    ]


@dataclass(frozen=True)
class Decision:
    blocks: int
    found: bool
    no_slowdown: bool


def decide(
    rng: random.Random, case: Case, memory: float, *, control: bool, sequential: bool
) -> Decision:
    """Simulate the blocks of a run, and look at them as a run does."""
    paired = _simulated(rng, case, memory, control=control)
    for look in LOOKS if sequential else LOOKS[-1:]:
        cut = [Paired(p.test, p.metric, p.old[:look], p.new[:look]) for p in paired]
        judged = judge_blocks(cut, look, _RULES, sequential=sequential)
        if decided(judged, _RULES) or look == MOST_BLOCKS:
            return Decision(look, _any(judged), decided(judged, _RULES) and not _any(judged))
    raise AssertionError("the last look decides")


def _any(judged: Sequence[MetricComparison]) -> bool:
    return any(metric.verdict in _FOUND for metric in judged)


def _simulated(rng: random.Random, case: Case, memory: float, *, control: bool) -> list[Paired]:
    state, visits = rng.gauss(0, 1), []
    for _ in range(2 * MOST_BLOCKS):
        state = memory * state + math.sqrt(1 - memory**2) * rng.gauss(0, 1)
        seen = _CONTROL * state + math.sqrt(1 - _CONTROL**2) * rng.gauss(0, 1)
        own = {
            name: spread * (math.sqrt(part) * state + math.sqrt(1 - part) * rng.gauss(0, 1))
            for name, (spread, part) in _METRICS.items()
        }
        visits.append((own, seen))
    pairs = []
    for block in range(MOST_BLOCKS):
        first, second = visits[2 * block : 2 * block + 2]
        pairs.append((first, second) if rng.random() < 1 / 2 else (second, first))
    covariate = [new[1] - old[1] for old, new in pairs]
    found = []
    for name in _METRICS:
        effect = math.log(case.factors.get(name, 1.0))
        differences: list[float | None] = [
            new[0][name] - old[0][name] + effect for old, new in pairs
        ]
        if control:
            differences = without(differences, covariate)
        after = [math.exp(each) for each in differences if each is not None]
        found.append(Paired("test", name, [1.0] * MOST_BLOCKS, after))
    return found


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--decisions", type=int, default=100, help="for each cell")
    parser.add_argument("--factor", type=float, default=1.1, help="the planted change")
    parser.add_argument("--memory", type=float, default=0.0, help="of the machine, up to 1")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    designs = {
        "24 blocks, one look": {"control": False, "sequential": False},
        "up to 24 blocks, five looks": {"control": False, "sequential": True},
        "the same with a control": {"control": True, "sequential": True},
    }
    print(f"{options.decisions} decisions for each cell, memory {options.memory:g}\n")
    rows = []
    for case in cases(options.factor):
        row = [case.name]
        for name, design in designs.items():
            rng = random.Random(f"{options.seed} {case.name} {name}")  # noqa: S311 - repeatable
            made = [decide(rng, case, options.memory, **design) for _ in range(options.decisions)]
            row.append(_cell(made))
        rows.append(row)
    print(table(("planted", *designs), rows))


def _cell(made: Sequence[Decision]) -> str:
    count = len(made)
    found = sum(each.found for each in made)
    low, high = wilson(found, count)
    none = sum(each.no_slowdown for each in made) / count
    blocks = sum(each.blocks for each in made) / count
    return (
        f"{found / count:.0%} ({low:.0%} to {high:.0%}) called better or worse, {none:.0%} no "
        f"slow-down, {blocks:.1f} blocks"
    )


if __name__ == "__main__":
    main()
