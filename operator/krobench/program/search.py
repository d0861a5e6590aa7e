"""Which size of a scale test comes next, as a function of what has been recorded by now.

Sizes ascend until one breaches the SLOs. Then the two that the limit lies between, the last good
and the first bad one, are repeated; and the way between them is halved, again and again, each size
repeated as often, until they are as close as asked for. Repetitions may turn a verdict around:
then the two are others, and it goes on from there, as it does from any record.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from krobench.api.specs.scaletest import MAX_SIZES, Axis, KroScaleTestSpec, ScaleSizes
from krobench.findings.scaling import SizeRecord, SizeVerdict

MOST_UNDECIDED = 3
"""Repetitions of a size that say nothing, before it is given up: one, and two instead of it."""

_DIGITS = 4
"""Significant ones of a rate."""
_INCREMENTS = 10


@dataclass(frozen=True)
class Bracket:
    """The sizes that the limit lies between, by what is known."""

    last_met: SizeRecord | None
    """The largest that met all SLOs, all smaller ones too."""
    first_breach: SizeRecord | None
    """The smallest that did not."""

    @property
    def steps(self) -> tuple[SizeRecord, ...]:
        """Those that there are."""
        return tuple(step for step in (self.last_met, self.first_breach) if step is not None)


def sizes_of(sizes: ScaleSizes, axis: Axis) -> tuple[float, ...]:
    """Return the sizes that a spec names, ascending; the last is always ``to``.

    There may be more than MAX_SIZES of them.
    """
    named = sizes.values if sizes.values is not None else _grown(sizes)
    return tuple(dict.fromkeys(_rounded(size, axis) for size in named))


def next_size(
    spec: KroScaleTestSpec, sizes: Sequence[float], steps: Sequence[SizeRecord]
) -> float | None:
    """Return the size that is to be run once (more); None where the test is done.

    ``sizes`` are those of the spec that may be run.
    """
    if any(step.verdict is SizeVerdict.FAILED or _is_given_up(step) for step in steps):
        return None
    for step in steps:
        if not _decided(step):
            return step.size
    bracket = bracket_of(steps)
    if bracket.first_breach is None or not spec.search.stop_at_breach:
        for size in sizes[:MAX_SIZES]:
            if all(size != step.size for step in steps):
                return size
    for step in sorted(bracket.steps, key=_repetitions):
        if wants_repetition(step, spec.iterations):
            return step.size
    return _between(spec, bracket) if len(steps) < MAX_SIZES else None


def bracket_of(steps: Sequence[SizeRecord]) -> Bracket:
    """Return the sizes that the limit lies between."""
    last_met = None
    for step in sorted(steps, key=lambda step: step.size):
        verdict = verdict_of(step)
        if verdict is SizeVerdict.BREACHED:
            return Bracket(last_met, step)
        if verdict is SizeVerdict.MET:
            last_met = step
    return Bracket(last_met, None)


def verdict_of(step: SizeRecord) -> SizeVerdict | None:
    """Return what most repetitions say; those that say nothing count neither way.

    Where as many breach as do not, it is a breach. None before the first has ended.
    """
    if step.verdict is SizeVerdict.FAILED or not step.iterations:
        return step.verdict
    decided = [trial.met for trial in step.iterations if trial.met is not None]
    if not decided:
        return SizeVerdict.INVALID
    return SizeVerdict.MET if 2 * sum(decided) > len(decided) else SizeVerdict.BREACHED


def wants_repetition(step: SizeRecord, repeats: int) -> bool:
    """Whether a size is to be run once more for so many repetitions that say something."""
    return _decided(step) < repeats and _undecided(step) < MOST_UNDECIDED


def _decided(step: SizeRecord) -> int:
    return sum(trial.met is not None for trial in step.iterations)


def _undecided(step: SizeRecord) -> int:
    return len(step.iterations) - _decided(step)


def _repetitions(step: SizeRecord) -> int:
    return len(step.iterations)


def _is_given_up(step: SizeRecord) -> bool:
    return not _decided(step) and _undecided(step) >= MOST_UNDECIDED


def _between(spec: KroScaleTestSpec, bracket: Bracket) -> float | None:
    """Return a size between the two that the limit lies between, unless they are close enough."""
    if bracket.last_met is None or bracket.first_breach is None or not spec.search.refine:
        return None
    low, high = bracket.last_met.size, bracket.first_breach.size
    if high - low <= spec.search.resolution_ratio * high:
        return None
    geometric = spec.sizes.growth == "geometric"
    middle = _rounded(math.sqrt(low * high) if geometric else (low + high) / 2, spec.axis)
    if spec.axis.whole:
        middle = min(max(middle, low + 1), high - 1)
    return middle if low < middle < high else None


def _grown(sizes: ScaleSizes) -> Iterator[float]:
    assert sizes.from_ is not None
    assert sizes.to is not None
    size = sizes.from_
    increment = sizes.increment or (sizes.to - sizes.from_) / _INCREMENTS
    number = 0
    while size < sizes.to and number <= MAX_SIZES:
        yield size
        number += 1
        if sizes.growth == "geometric":
            size = sizes.from_ * sizes.factor**number
        else:
            size = sizes.from_ + increment * number
    yield sizes.to


def _rounded(size: float, axis: Axis) -> float:
    if axis.whole:
        return float(max(1, round(size)))
    return float(f"{size:.{_DIGITS}g}")
