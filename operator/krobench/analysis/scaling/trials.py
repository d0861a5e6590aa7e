"""Whether kro met the SLOs of a scale test in one repetition of a size."""

from collections.abc import Sequence

from krobench.analysis.statistics.percentiles import NEEDED_BY_STATISTIC
from krobench.analysis.thresholds import evaluate, names_in
from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause, ValiditySettings
from krobench.findings.scaling import Trial
from krobench.record.iteration import IterationRecord
from krobench.record.test import ThresholdResult

_OF_THE_SIZE = (Cause.NO_STEADY_STATE,)
"""What makes figures of a fixed load doubtful, and is what one looks for in a growing one."""
_NOT_BORNE = (Cause.KRO_OOM_KILLED,)
_REMEDY = "use max or p50, or begin at a larger size"
_NO_RGDS = "with steps.keep, the first size makes the RGDs, and the others add instances alone"


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
    killed = [c.message for c in causes if c.reason in _NOT_BORNE]
    if causes and not killed:
        trial.message = "; ".join(f"{cause.reason}: {cause.message}" for cause in causes)
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
