"""Which SLO was missed at which size, and by which figure."""

from collections.abc import Iterator, Mapping, Sequence

from krobench.analysis.margins import Bound
from krobench.analysis.thresholds import bounds
from krobench.findings.scaling import ScaleStep, StepVerdict, Trial

_UPWARD = ("<", "<=")
_DOWNWARD = (">", ">=")


def decided(steps: Sequence[ScaleStep]) -> list[ScaleStep]:
    """Return the steps that say whether kro met the SLOs, by size: invalid ones do not."""
    told = [s for s in steps if s.verdict in {StepVerdict.MET, StepVerdict.BREACHED}]
    return sorted(told, key=lambda step: step.size)


def first_broken(slos: Sequence[str], steps: Sequence[ScaleStep]) -> str | None:
    """Return the SLO that is missed at the smallest size; of several, the one missed most often."""
    for step in decided(steps):
        if step.verdict is StepVerdict.BREACHED:
            times = {slo: sum(_broken(slo, trial) for trial in step.trials) for slo in slos}
            worst = max(times, key=lambda slo: times[slo], default=None)
            return worst if worst is not None and times[worst] else None
    return None


def growing_bounds(slo: str) -> Iterator[Bound]:
    """Return the bounds in an SLO that a figure may reach as it grows, or falls."""
    for bound in bounds(slo):
        if bound.operator in {*_UPWARD, *_DOWNWARD} and bound.value > 0:
            yield bound


def bounded_figures(slos: Sequence[str]) -> dict[str, float]:
    """Return the bounds of all figures that have one."""
    return {bound.figure: bound.value for slo in slos for bound in growing_bounds(slo)}


def broken_bound(slo: str, step: ScaleStep) -> Bound | None:
    """Return the bound that a step missed; None where the SLO is more than bounds of figures."""
    for bound in growing_bounds(slo):
        values = [trial.values.get(bound.figure) for trial in step.trials]
        known = [value for value in values if value is not None]
        if 2 * sum(not bound.met_by(value) for value in known) >= len(known) > 0:
            return bound
    return None


def values_of(bound: Bound, steps: Sequence[ScaleStep]) -> dict[float, list[float]]:
    """Return the values of a bound's figure by size.

    For a figure that must not fall, they are the inverses, as the bound is to be then: both grow.
    """
    found: dict[float, list[float]] = {}
    for step in steps:
        for trial in step.trials:
            value = trial.values.get(bound.figure)
            if trial.met is not None and value is not None and value > 0:
                found.setdefault(step.size, []).append(upward(bound, value))
    return found


def upward(bound: Bound, value: float) -> float:
    """Return a value, or its inverse where the figure must not fall."""
    return 1 / value if bound.operator in _DOWNWARD else value


def _broken(slo: str, trial: Trial) -> bool:
    asked = bounds(slo)
    values: Mapping[str, float | None] = trial.values
    known = [(bound, values.get(bound.figure)) for bound in asked]
    if known and all(value is not None for _, value in known):
        return not all(value is not None and bound.met_by(value) for bound, value in known)
    return any(slo in text for text in trial.breached)
