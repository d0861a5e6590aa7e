"""Whether kro met the SLOs in an iteration of a size, and which SLO it missed by which figure."""

from collections.abc import Iterator, Sequence

from krobench.analysis.thresholds import Bound, bounds, evaluate, names_in
from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause, ValiditySettings
from krobench.figures.latencies import NEEDED_BY_STATISTIC
from krobench.figures.reasons.figures import NotEvaluated
from krobench.findings.finding import Quoted
from krobench.findings.scaling import (
    InvalidIteration,
    KroKilled,
    NotReadyInTime,
    SizeIteration,
    SizeRecord,
    SizeVerdict,
    SloMissed,
    SloUndecided,
)
from krobench.record.test import IterationRecord, ThresholdResult

_UPWARD = ("<", "<=")
_DOWNWARD = (">", ">=")
_OF_THE_SIZE = (Cause.NO_STEADY_STATE,)
"""Makes figures of a fixed load doubtful, but is what a growing load looks for."""
_NOT_BORNE = (Cause.KRO_OOM_KILLED,)


def settings_of_sizes(settings: ValiditySettings) -> ValiditySettings:
    """Return the thresholds beyond which a size is invalid, without what its size causes."""
    ignore = dict.fromkeys([*settings.ignore, *_OF_THE_SIZE])
    return settings.model_copy(update={"ignore": list(ignore)})


def check_samples(slos: Sequence[str], instances: int, rgds: int) -> ErrorInfo | None:
    """Refuse an SLO whose statistic needs more observations than an iteration has.

    ``instances`` and ``rgds`` are the fewest that any iteration creates.
    """
    for index, slo in enumerate(slos):
        for name in names_in(slo):
            group, _, statistic = name.removeprefix("latency.").partition(".")
            needed = NEEDED_BY_STATISTIC.get(statistic, 1)
            count = rgds if group.startswith("rgd") else instances
            if name.startswith("latency.") and count < needed:
                remedy = (
                    "use max or p50, or start with a larger size"
                    if count
                    else "with sizes.cumulative, only the first size creates RGDs; use a figure of "
                    "instances"
                )
                return ErrorInfo(
                    reason="TooFewSamples",
                    message=f"spec.slo[{index}]: {name} needs {needed} observations in each "
                    f"iteration, and the smallest size has {count}: {remedy}",
                )
    return None


def is_measured(iteration: IterationRecord) -> bool:
    """Whether an iteration has a result: it succeeded, or not all was ready in time."""
    return iteration.success or iteration.timed_out


def judge_iteration(
    iteration: IterationRecord, slos: Sequence[str], settings: ValiditySettings
) -> SizeIteration:
    """Judge a measured iteration.

    A kro that ran out of memory, and objects that were not ready in time, are breaches of any SLO.
    """
    results = [evaluate(slo, iteration, iteration.unavailable) for slo in slos]
    judged = SizeIteration(
        iteration=iteration.index,
        met=None,
        values={name: value for result in results for name, value in result.values.items()},
    )
    causes = [c for c in iteration.validity.causes if c.reason not in settings.ignore]
    killed = [cause for cause in causes if cause.reason in _NOT_BORNE]
    if causes and not killed:
        judged.undecided = InvalidIteration(causes=causes)
        return judged
    judged.breached += [KroKilled(cause=cause) for cause in killed]
    if iteration.error is not None:
        judged.breached.append(NotReadyInTime(error=iteration.error))
    judged.breached += [_missed(result) for result in results if result.passed is False]
    open_ = [result for result in results if result.passed is None]
    if judged.breached:
        judged.met = False
    elif open_:
        missing = {name: why for result in open_ for name, why in result.missing.items()}
        for result in open_:
            if result.error is not None:
                missing[result.expression] = NotEvaluated(detail=result.error)
        judged.undecided = SloUndecided(missing=missing)
    else:
        judged.met = True
    return judged


def _missed(result: ThresholdResult) -> SloMissed:
    margins = {", ".join(margin.names): margin.value for margin in result.margins}
    known = {name: value for name, value in result.values.items() if value is not None}
    return SloMissed(slo=result.expression, measured=margins or known)


def decided(sizes: Sequence[SizeRecord]) -> list[SizeRecord]:
    """Return the sizes at which kro met or missed the SLOs, ascending; invalid ones do neither."""
    judged = [s for s in sizes if s.verdict in {SizeVerdict.MET, SizeVerdict.BREACHED}]
    return sorted(judged, key=lambda each: each.size)


def first_broken(slos: Sequence[str], sizes: Sequence[SizeRecord]) -> str | None:
    """Return the SLO that is missed at the smallest size; of several, the one missed most often."""
    for each in decided(sizes):
        if each.verdict is SizeVerdict.BREACHED:
            times = {slo: sum(_broken(slo, one) for one in each.iterations) for slo in slos}
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


def broken_bound(slo: str, size: SizeRecord) -> Bound | None:
    """Return the bound that a size missed; None if the SLO is more than bounds of figures."""
    for bound in growing_bounds(slo):
        values = [one.values.get(bound.figure) for one in size.iterations]
        known = [value for value in values if value is not None]
        if 2 * sum(not bound.met_by(value) for value in known) >= len(known) > 0:
            return bound
    return None


def values_of(bound: Bound, sizes: Sequence[SizeRecord]) -> dict[float, list[float]]:
    """Return the values of a bound's figure by size.

    A figure that must not fall is inverted, like its bound, so that both grow.
    """
    found: dict[float, list[float]] = {}
    for each in sizes:
        for one in each.iterations:
            value = one.values.get(bound.figure)
            if one.met is not None and value is not None and value > 0:
                found.setdefault(each.size, []).append(upward(bound, value))
    return found


def upward(bound: Bound, value: float) -> float:
    """Return a value, or its inverse if the figure must not fall."""
    return 1 / value if bound.operator in _DOWNWARD else value


def _broken(slo: str, one: SizeIteration) -> bool:
    known = [(bound, one.values.get(bound.figure)) for bound in bounds(slo)]
    if known and all(value is not None for _, value in known):
        return not all(value is not None and bound.met_by(value) for bound, value in known)
    return any(
        (isinstance(breach, SloMissed) and breach.slo == slo)
        or (isinstance(breach, Quoted) and slo in breach.text)
        for breach in one.breached
    )
