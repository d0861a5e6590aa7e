"""Whether kro met the SLOs in an iteration of a size, and which SLO it missed by which figure."""

from collections.abc import Iterator, Mapping, Sequence

from krobench.analysis.margins import Bound
from krobench.analysis.thresholds import bounds, evaluate, names_in
from krobench.api.common import ErrorInfo
from krobench.api.specs.results import Cause, ValiditySettings
from krobench.figures.latencies import NEEDED_BY_STATISTIC
from krobench.findings.scaling import ScaleStep, StepVerdict, Trial
from krobench.record.iteration import IterationRecord
from krobench.record.test import ThresholdResult

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


_OF_THE_SIZE = (Cause.NO_STEADY_STATE,)
"""What makes figures of a fixed load doubtful, and is what one looks for in a growing one."""
_NOT_BORNE = (Cause.KRO_OOM_KILLED,)
_REMEDY = "use max or p50, or begin at a larger size"
_NO_RGDS = (
    "with sizes.cumulative, the first size creates the RGDs, and the others add only instances"
)


def settings_of_steps(settings: ValiditySettings) -> ValiditySettings:
    """Return from where on a step is invalid: what comes of its size is no fault of the run."""
    ignore = dict.fromkeys([*settings.ignore, *_OF_THE_SIZE])
    return settings.model_copy(update={"ignore": list(ignore)})


def check_samples(slos: Sequence[str], instances: int, rgds: int) -> ErrorInfo | None:
    """Return what is wrong with SLOs that use a statistic which a repetition that creates so many
    instances and RGDs, the fewest of all, does not have."""
    for index, slo in enumerate(slos):
        for name in names_in(slo):
            group, _, statistic = name.removeprefix("latency.").partition(".")
            needed = NEEDED_BY_STATISTIC.get(statistic, 1)
            count = rgds if group.startswith("rgd") else instances
            if name.startswith("latency.") and count < needed:
                remedy = _REMEDY if count else _NO_RGDS
                return ErrorInfo(
                    reason="TooFewSamples",
                    message=f"spec.slo[{index}]: {name} needs {needed} observations in each "
                    f"repetition, and the smallest step has {count}: {remedy}",
                )
    return None


def is_measured(iteration: IterationRecord) -> bool:
    """Whether an iteration came to a result: all was done, or not all was ready in time."""
    return iteration.success or iteration.timed_out


def judge_trial(
    iteration: IterationRecord, slos: Sequence[str], settings: ValiditySettings
) -> Trial:
    """Judge a repetition that was measured.

    A kro that was killed for want of memory, and objects that were not ready in time, are
    breaches, whatever the SLOs are about.
    """
    results = [evaluate(slo, iteration, iteration.unavailable) for slo in slos]
    trial = Trial(iteration=iteration.index, met=None, values=_values(results))
    causes = [c for c in iteration.validity.causes if c.reason not in settings.ignore]
    killed = [cause.reason.value for cause in causes if cause.reason in _NOT_BORNE]
    if causes and not killed:
        trial.message = ", ".join(dict.fromkeys(cause.reason for cause in causes))
        return trial
    late = [iteration.error.message] if iteration.error is not None else []
    missed = [_in_words(result) for result in results if result.passed is False]
    trial.breached = [*killed, *late, *missed]
    undecided = [result.message or "" for result in results if result.passed is None]
    if trial.breached:
        trial.met = False
    elif undecided:
        trial.message = "; ".join(undecided)
    else:
        trial.met = True
    return trial


def _values(results: Sequence[ThresholdResult]) -> dict[str, float | None]:
    return {name: value for result in results for name, value in result.values.items()}


def _in_words(result: ThresholdResult) -> str:
    known = [(name, value) for name, value in result.values.items() if value is not None]
    measured = [(", ".join(margin.names), margin.value) for margin in result.margins] or known
    if len(measured) == len(result.values) == 1:  # the expression has its name already
        return f"{result.expression}: it was {measured[0][1]:.4g}"
    said = ", ".join(f"{name} was {value:.4g}" for name, value in measured)
    return f"{result.expression}: {said}"
