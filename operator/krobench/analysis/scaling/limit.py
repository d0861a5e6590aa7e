"""The limit: the largest size at which kro meets the SLOs.

Where the SLO that breaks first holds a figure against a bound, and the sizes around were repeated,
it is the size at which the figure crosses the bound (:mod:`.crossing`), with an interval at 95 %.
Else it is a bracket: the last size at which all SLOs were met, and the first at which they were
not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from krobench.analysis.scaling.crossing import Crossing, find_crossing
from krobench.analysis.scaling.slos import (
    broken_bound,
    decided,
    first_broken,
    upward,
    values_of,
)
from krobench.analysis.scaling.words import at_least, at_most, plain, sized
from krobench.analysis.statistics.resampling import CONFIDENCE
from krobench.api.specs.axis import Axis
from krobench.findings.scaling import Limit, LimitState, ScaleStep, StepVerdict

_FEWEST_REPETITIONS = 2
_FAR = 1.25
"""Times the limit. Nearer to it, two repetitions on its wrong side are no more than chance."""


def find_limit(
    steps: Sequence[ScaleStep], slos: Sequence[str], axis: Axis, stopped: str | None = None
) -> Limit:
    """Return the limit, as far as the steps tell; ``stopped`` says why there are no more."""
    return limit_and_crossing(steps, slos, axis, stopped)[0]


def limit_and_crossing(
    steps: Sequence[ScaleStep], slos: Sequence[str], axis: Axis, stopped: str | None = None
) -> tuple[Limit, Crossing | None]:
    """Return the limit with what its interval is made from; None for a limit that has none."""
    told = decided(steps)
    first = next((step for step in told if step.verdict is StepVerdict.BREACHED), None)
    if first is None:
        return _not_reached(told, axis, stopped), None
    slo = first_broken(slos, told)
    met = [step for step in told if step.size < first.size]
    if not met:
        return _below_first(first, slo, axis), None
    around = _Around(told, met[-1], first)
    crossing, why_not = _crossing(around, slo)
    return _found(around, slo, axis, crossing, why_not), crossing


@dataclass(frozen=True)
class _Around:
    """The steps that tell, and the two between which the limit lies."""

    steps: Sequence[ScaleStep]
    last: ScaleStep
    first: ScaleStep


def _not_reached(met: Sequence[ScaleStep], axis: Axis, stopped: str | None) -> Limit:
    if not met:
        return Limit(
            state=LimitState.UNDECIDED,
            message="No step says whether kro met the SLOs" + _because(stopped),
        )
    largest = met[-1].size
    if stopped is not None:
        return Limit(
            state=LimitState.UNDECIDED,
            last_met=largest,
            message=f"kro met all SLOs up to {sized(largest, axis)}, where the test ended"
            + _because(stopped),
        )
    return Limit(
        state=LimitState.NOT_REACHED,
        size=largest,
        last_met=largest,
        message=f"kro met all SLOs up to {sized(largest, axis)}, the largest size tried: the "
        "limit lies beyond.",
    )


def _because(stopped: str | None) -> str:
    return f": {stopped.rstrip('.')}." if stopped else "."


def _below_first(breach: ScaleStep, slo: str | None, axis: Axis) -> Limit:
    return Limit(
        state=LimitState.BELOW_FIRST,
        first_breach=breach.size,
        breached=slo,
        message=f"kro missed {_broken(slo, breach)} at {sized(breach.size, axis)} already, the "
        "smallest size tried: the limit lies below.",
    )


def _found(
    around: _Around, slo: str | None, axis: Axis, crossing: Crossing | None, why_not: str
) -> Limit:
    missed = _broken(slo, around.first)
    last, first = around.last.size, around.first.size
    limit = Limit(
        state=LimitState.FOUND,
        size=last,
        low=last,
        high=first,
        method="bracket",
        last_met=last,
        first_breach=first,
        breached=slo,
    )
    if crossing is None:
        limit.message = (
            f"kro met all SLOs up to {sized(last, axis)}, and missed {missed} at "
            f"{plain(first)}. The limit lies between; this is no confidence interval, as {why_not}."
        )
    else:
        size, low, high = map(_rounded, (crossing.size, crossing.low, crossing.high))
        limit.size, limit.low, limit.high = size, low, high
        limit.confidence, limit.method = CONFIDENCE, "crossing"
        limit.message = (
            f"kro meets all SLOs up to {at_most(size, axis)} {axis.unit} (95 % interval "
            f"{at_most(low, axis)} to {at_least(high, axis)}); beyond, {missed} breaks first."
            f"{_remarks(crossing, last, first)}"
        )
    limit.message += _relapse(around)
    return limit


def _rounded(size: float) -> float:
    """Return a size with three digits, and to the whole: more would say nothing."""
    return round(size, max(0, 2 - math.floor(math.log10(size)))) if size > 0 else size


def _crossing(around: _Around, slo: str | None) -> tuple[Crossing | None, str]:
    """Return where the figure of the broken SLO crosses its bound, or why that cannot be told."""
    bound = broken_bound(slo, around.first) if slo is not None else None
    if bound is None:
        return None, "the SLO is more than a bound of one figure, or its figure was not measured"
    values = values_of(bound, around.steps)
    last, first = around.last.size, around.first.size
    if min(len(values.get(size, [])) for size in (last, first)) < _FEWEST_REPETITIONS:
        return None, "the figure was not measured repeatedly at both sizes"
    crossing = find_crossing(values, upward(bound, bound.value), last, first)
    if crossing is not None and not crossing.clear and _is_contradicted(crossing, around.steps):
        return None, f"{bound.figure} scatters too much around there"
    return crossing, f"{bound.figure} does not grow clearly enough around there"


def _is_contradicted(crossing: Crossing, steps: Sequence[ScaleStep]) -> bool:
    """Whether all repetitions of a size speak against it: met far beyond, or missed far below.

    A straight line is no picture then of how the figure grows, as where it leaps when a queue
    begins to build up.
    """
    return any(
        _unanimous(step, met=step.size > crossing.size)
        for step in steps
        if max(step.size / crossing.size, crossing.size / step.size) >= _FAR
    )


def _unanimous(step: ScaleStep, *, met: bool) -> bool:
    told = [trial.met for trial in step.trials if trial.met is not None]
    return len(told) >= _FEWEST_REPETITIONS and all(each is met for each in told)


def _remarks(crossing: Crossing, last: float, first: float) -> str:
    """Return what the steps next to it say otherwise, and what was not measured."""
    remarks = ""
    if not last <= crossing.size <= first:
        remarks += (
            f" The bare steps say between {plain(last)} and {plain(first)}: repetitions scatter "
            "more than these differ."
        )
    elif crossing.low < last or crossing.high > first:
        remarks += (
            f" That is wider than the steps around it, {plain(last)} and {plain(first)}: "
            "repetitions scatter more than these differ."
        )
    if crossing.low < crossing.smallest_used or crossing.high > crossing.largest_used:
        remarks += (
            " The interval goes beyond the sizes that it rests on, "
            f"{plain(crossing.smallest_used)} to {plain(crossing.largest_used)}."
        )
    return remarks


def _relapse(around: _Around) -> str:
    larger = [
        step.size
        for step in around.steps
        if step.verdict is StepVerdict.MET and step.size > around.first.size
    ]
    return f" All SLOs were met again at {plain(max(larger))}." if larger else ""


def _broken(slo: str | None, breach: ScaleStep) -> str:
    """Name what was missed; that not all was ready in time is no SLO, and ends a step as well."""
    if slo is not None:
        return f"`{slo}`"
    said = next((text for trial in breach.trials for text in trial.breached), None)
    return f"the SLOs ({said.rstrip('.')})" if said is not None else "the SLOs"
