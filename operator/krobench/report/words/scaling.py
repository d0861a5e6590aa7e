"""What a scale test found, in words: limit, breaches, early end, what to try next."""

import math
from collections.abc import Sequence
from typing import assert_never

from krobench.api import units
from krobench.api.common import ErrorInfo
from krobench.api.specs.scaletest import Axis
from krobench.api.status import Verdict
from krobench.findings.finding import Quoted
from krobench.findings.scaling import (
    AnyBreach,
    AnyDoubt,
    AnyStop,
    AnyUnusable,
    BeyondBudget,
    BudgetUsedUp,
    InvalidIteration,
    KroKilled,
    Limit,
    LimitState,
    NextStep,
    NextToTry,
    NoInterval,
    NotReadyInTime,
    RunAborted,
    ScaleRecord,
    SizeInvalid,
    SizeIteration,
    SizeNotMeasured,
    SizeRefused,
    SizesLeftOut,
    SloMissed,
    SloUndecided,
    TooManyObjects,
)
from krobench.findings.steady import (
    AnyUnsteady,
    CpuChanging,
    MemoryChanging,
    NotSampled,
    QueueNotEmpty,
    TooFewCollections,
    WindowTooShort,
)
from krobench.record.run import RunRecord
from krobench.report.words.evidence import missing_line
from krobench.report.words.sizes import (
    about,
    at_least,
    at_most,
    plain,
    sized,
)
from krobench.report.words.validity import cause_line, reasoned_line

LIMIT_NOT_AVAILABLE = "LimitNotAvailable"
MINIMUM_NOT_REACHED = "MinimumNotReached"

_MINUTE_SECONDS = 60.0


def limit_text(limit: Limit, axis: Axis) -> str:
    """Return the limit as ``480 instances (452 to 509)``, ``> 5000 instances`` or such.

    One without an interval is ``450 to 500 instances``: between two sizes.
    """
    match limit.state:
        case LimitState.FOUND if limit.size is not None:
            text = f"{at_most(limit.size, axis)} {axis.unit}"
            if limit.low is None or limit.high is None:
                return text
            ends = f"{at_most(limit.low, axis)} to {at_least(limit.high, axis)}"
            return f"{ends} {axis.unit}" if limit.method == "bracket" else f"{text} ({ends})"
        case LimitState.NOT_REACHED if limit.size is not None:
            return f"> {plain(limit.size)} {axis.unit}"
        case LimitState.BELOW_FIRST if limit.first_breach is not None:
            return f"< {plain(limit.first_breach)} {axis.unit}"
    return units.NOT_AVAILABLE


def limit_line(limit: Limit, axis: Axis, stopped: AnyStop | None = None) -> str:
    """Return the limit in a sentence, with what it depends on."""
    if limit.text is not None:
        return limit.text.rstrip(".")
    ended = f": {stop_line(stopped)}" if stopped is not None else ""
    match limit.state:
        case LimitState.UNDECIDED if limit.last_met is None:
            return f"no size shows whether kro meets the SLOs{ended}"
        case LimitState.UNDECIDED:
            met = sized(limit.last_met or 0.0, axis)
            return f"kro met all SLOs up to {met}, then the test ended{ended}"
        case LimitState.NOT_REACHED:
            return (
                f"kro met all SLOs up to {sized(limit.size or 0.0, axis)}, the largest size tried; "
                "the limit is higher"
            )
        case LimitState.BELOW_FIRST:
            return (
                f"kro already missed {_missed(limit)} at {sized(limit.first_breach or 0.0, axis)}, "
                "the smallest size tried; the limit is lower"
            )
        case LimitState.FOUND:
            text = _crossing(limit, axis) if limit.method == "crossing" else _bracket(limit, axis)
            again = limit.met_again
            return text + (f"; all SLOs were met again at {plain(again)}" if again else "")
        case _:
            assert_never(limit.state)


def _bracket(limit: Limit, axis: Axis) -> str:
    reason = {
        None: "",
        NoInterval.NOT_ONE_BOUND: "the SLO is not a bound of one figure, or its figure was not "
        "measured",
        NoInterval.NOT_REPEATED: "the figure was not measured repeatedly at both sizes",
        NoInterval.SCATTERS: f"{limit.figure} scatters too much around them",
        NoInterval.NOT_GROWING: f"{limit.figure} does not clearly grow around them",
    }[limit.no_interval]
    text = (
        f"kro met all SLOs up to {sized(limit.last_met or 0.0, axis)} and missed {_missed(limit)} "
        f"at {plain(limit.first_breach or 0.0)}; the limit is in between"
    )
    return f"{text}, without a confidence interval because {reason}" if reason else text


def _crossing(limit: Limit, axis: Axis) -> str:
    size, low, high = limit.size or 0.0, limit.low or 0.0, limit.high or 0.0
    text = (
        f"kro meets all SLOs up to {limit_text(limit, axis).replace('(', '(95 % interval ')}; "
        f"beyond, {_missed(limit)} breaks first"
    )
    last, first = _rounded(limit.last_met), _rounded(limit.first_breach)
    if last is not None and first is not None and not last <= size <= first:
        text += (
            f"; the SLOs were met up to {plain(last)} and missed at {plain(first)}, but iterations "
            "scatter more than these differ"
        )
    elif last is not None and first is not None and (low < last or high > first):
        text += (
            f"; the interval is wider than the sizes around it, {plain(last)} and {plain(first)}, "
            "because iterations scatter more than these differ"
        )
    start, end = limit.fitted_from, limit.fitted_to
    if start is not None and end is not None and (low < start or high > end):
        text += (
            f"; the interval extends beyond the sizes it is fitted to, {plain(start)} to "
            f"{plain(end)}"
        )
    return text


def _rounded(size: float | None) -> float | None:
    """Return a size with as many digits as the ends of an interval have."""
    if size is None or size <= 0:
        return size
    return round(size, max(0, 2 - math.floor(math.log10(size))))


def _missed(limit: Limit) -> str:
    """Name what was missed: an SLO, or what breaches any."""
    if limit.breached is not None:
        return f"`{limit.breached}`"
    return "the SLOs" if limit.breach is None else f"the SLOs ({breach_line(limit.breach)})"


def shortfall(run: RunRecord) -> ErrorInfo | None:
    """Return how the limit of a scale test falls short of what was asked for, if it does."""
    if run.verdict is not Verdict.FAILED or run.scale is None:
        return None
    limit, stopped = run.scale.limit, run.scale.stopped
    text = limit_text(limit, run.scale.axis) if limit is not None else units.NOT_AVAILABLE
    if text == units.NOT_AVAILABLE or limit is None:
        why = stop_line(stopped) if stopped is not None else "no size could be judged"
        return ErrorInfo(reason=LIMIT_NOT_AVAILABLE, message=f"no limit was found: {why}")
    if limit.state is LimitState.BELOW_FIRST:
        message = f"kro did not meet the SLOs at the smallest size: {limit.breached or text}"
        return ErrorInfo(reason="SmallestSizeBreached", message=message)
    message = f"the limit is {text}, and {minimum_text(run)}"
    return ErrorInfo(reason=MINIMUM_NOT_REACHED, message=message)


def minimum_text(run: RunRecord) -> str:
    """Return what was asked for of the limit."""
    return f"spec.minimum is {float(run.spec.get('minimum') or 0):g}"


def early_end(scale: ScaleRecord) -> str | None:
    """Return why a scale test ended early; None if it did not, or its limit says so already."""
    if scale.stopped is None:
        return None
    why = stop_line(scale.stopped)
    said = limit_line(scale.limit, scale.axis, scale.stopped) if scale.limit is not None else ""
    return None if why in said else why


def stop_line(stop: AnyStop) -> str:
    """Return why a scale test ended before it had run all of its sizes."""
    match stop:
        case Quoted():
            return stop.text.rstrip(".")
        case BudgetUsedUp():
            return _budget(stop)
        case SizesLeftOut():
            sizes = ", ".join(f"{size:.12g}" for size in stop.sizes)
            which = f"sizes {sizes} were" if len(stop.sizes) > 1 else f"size {sizes} was"
            return f"{which} left out: {_unusable(stop.why, stop.sizes[0])}"
        case SizeNotMeasured():
            why = _error(stop.error) if stop.error is not None else "there is no result"
            return f"{stop.test} could not be measured: {why}"
        case SizeInvalid():
            why = f": {doubt_line(stop.last)}" if stop.last is not None else ""
            count = units.counted(stop.iterations, "iteration")
            return f"{stop.test} gave no valid result in {count}{why}"
        case RunAborted():
            return _error(stop.error)
        case _:
            assert_never(stop)


def _unusable(why: AnyUnusable, size: float) -> str:
    match why:
        case BeyondBudget():
            return (
                f"spec.budget.maxInstances is {why.most}, and {size:.12g} has {why.instances} "
                "instances"
            )
        case TooManyObjects():
            return (
                f"the operator's chart value load.maxObjects is {why.most}, and {size:.12g} has "
                f"{why.objects}"
            )
        case SizeRefused():
            return why.refusal
        case Quoted():
            return why.text
        case _:
            assert_never(why)


def iteration_line(iteration: SizeIteration) -> str:
    """Return whether an iteration of a size met the SLOs, and if not, why."""
    if iteration.undecided is not None:
        return doubt_line(iteration.undecided)
    return breaches_line(iteration.breached) or "all SLOs were met"


def breaches_line(breaches: Sequence[AnyBreach]) -> str:
    """Return why an iteration is a breach; empty if it is none."""
    return "; ".join(map(breach_line, breaches))


def breach_line(breach: AnyBreach) -> str:
    """Return an SLO that was missed with what was measured, or what breaches any SLO."""
    match breach:
        case Quoted():
            return breach.text.rstrip(".")
        case KroKilled():
            return cause_line(breach.cause)
        case NotReadyInTime():
            return breach.error.message.rstrip(".")
        case SloMissed(slo=slo, measured=measured):
            values = [f"{name} was {value:.3g}" for name, value in measured.items()]
            if len(measured) == 1 and slo.count(next(iter(measured))) == 1 and "&&" not in slo:
                values = [f"it was {value:.3g}" for value in measured.values()]
            return f"{slo}: {', '.join(values)}"
        case _:
            assert_never(breach)


def doubt_line(doubt: AnyDoubt) -> str:
    """Return why an iteration counts neither as met nor as a breach."""
    match doubt:
        case Quoted():
            return doubt.text
        case InvalidIteration():
            return "; ".join(map(reasoned_line, doubt.causes))
        case SloUndecided():
            return f"not available: {missing_line(doubt.missing)}"
        case BudgetUsedUp():
            return _budget(doubt)
        case _:
            assert_never(doubt)


def _budget(stop: BudgetUsedUp) -> str:
    return f"budget.duration, {stop.duration}, was used up"


def _error(error: ErrorInfo) -> str:
    return f"{error.reason}: {error.message}"


def next_line(found: NextToTry, axis: Axis) -> str:  # noqa: C901, PLR0911, PLR0912 - a sentence each
    """Return what to change in the spec, as an imperative."""
    low, high = (at_most(found.low or 0.0, axis), at_least(found.high or 0.0, axis))
    match found.step:
        case NextStep.QUOTED:
            return (found.text or "").rstrip(".")
        case NextStep.GO_FURTHER if found.figure is None or found.predicted is None:
            return f"add sizes beyond {sized(found.size or 0.0, axis)}, or use a stricter SLO"
        case NextStep.GO_FURTHER:
            return (
                f"add larger sizes: by extrapolation, {found.figure} reaches its bound at about "
                f"{about(found.predicted or 0.0, axis)} {axis.unit}"
            )
        case NextStep.START_SMALLER:
            return f"add sizes below {sized(found.size or 0.0, axis)}, or relax spec.slo"
        case NextStep.MAKE_SIZE_VALID:
            return f"fix what keeps {sized(found.size or 0.0, axis)} from being judged, see above"
        case NextStep.ALLOW_LARGER_SIZES:
            return (
                "allow larger sizes (spec.budget.maxInstances, the chart's load.maxObjects, or "
                "what the refusal above names), or use a stricter SLO"
            )
        case NextStep.ALLOW_MORE_TIME:
            return "raise spec.budget.duration, or use fewer and larger sizes"
        case NextStep.RUN_AGAIN:
            return "run it again: its sizes did not cause the early end"
        case NextStep.REPEAT_MORE:
            return (
                f"raise spec.iterations above {found.iterations}: the limit is only known to be "
                f"between {low} and {high}"
            )
        case NextStep.SMALLER_INCREMENTS:
            return f"use smaller increments between {low} and {high}; each size must add as many"
        case NextStep.REFINE:
            return "set spec.search.refine to search between the last good and the first bad size"
        case NextStep.REPEAT:
            return f"set spec.iterations to {found.iterations} to get an interval"
        case NextStep.FINISH_SEARCH:
            return (
                f"raise spec.budget.duration: the search between {low} and {high} had not finished"
            )
        case _:
            assert_never(found.step)


def unsteady_line(
    findings: Sequence[AnyUnsteady], memory_bytes_per_second: float | None = None
) -> str:
    """Return what kept kro from being steady, or why that is unknown; empty if it was steady."""
    lines = list(map(_unsteady, findings))
    named = any(isinstance(each, MemoryChanging | Quoted) for each in findings)
    if lines and not named and memory_bytes_per_second is not None:
        lines.append(_memory(memory_bytes_per_second))
    return ", ".join(lines)


def _unsteady(found: AnyUnsteady) -> str:  # noqa: PLR0911 - a sentence for each finding
    match found:
        case Quoted():
            return found.text
        case MemoryChanging():
            return _memory(found.bytes_per_second, still=True)
        case CpuChanging():
            went = "rose" if found.cores > 0 else "fell"
            return f"CPU use still {went}, by {units.number(abs(found.cores))} cores in the window"
        case QueueNotEmpty():
            return f"up to {found.instances} instances were still queued"
        case NotSampled():
            return f"kro's {found.metric} was not sampled"
        case WindowTooShort():
            return (
                f"{found.samples} samples of kro in {found.seconds:.1f}s are too few: "
                f"{found.needed_samples} over {found.needed_seconds:g}s are needed"
            )
        case TooFewCollections():
            count = units.counted(found.collections, "time")
            return f"garbage was collected {count} since the load: 2 are needed"
        case _:
            assert_never(found)


def _memory(bytes_per_second: float, *, still: bool = False) -> str:
    if bytes_per_second == 0:
        return "memory did not change"
    went = "fell" if bytes_per_second < 0 else "grew"
    rate = units.size(abs(bytes_per_second) * _MINUTE_SECONDS)
    return f"memory {'still ' if still else ''}{went} by {rate}/min"
