"""What makes a run invalid, in words."""

from collections.abc import Sequence
from typing import assert_never

from krobench.api import units
from krobench.api.specs.validity import Cause
from krobench.figures.precision import Outrun, SteadyState
from krobench.figures.summaries import KroRestart
from krobench.findings.validity import (
    AnyCause,
    APIServerBusy,
    APIServerRestarted,
    ClockJumped,
    ContainerRestarted,
    CounterFell,
    KroReconfigured,
    LeaderChanged,
    LeftoverObjects,
    LoadOutrunsKro,
    NodeBusy,
    NotSteady,
    PodReplaced,
    QuotedCause,
    RateNotReached,
    RequestsNotSent,
    ResourcesNotReady,
    ResourcesReadyLate,
    SamplesMissing,
    SendLagTooLong,
    SettingChange,
    ShardLost,
    SizeNotJudged,
    TooFewSamples,
    Validity,
)
from krobench.report.words.evidence import missing_line

VALID = "all validity checks passed"


def cause_line(cause: AnyCause) -> str:
    """Return what makes a run invalid, with where in the run it was found."""
    places = (("test", cause.test), ("iteration", cause.iteration), ("phase", cause.phase))
    where = "".join(f"{name} {value}: " for name, value in places if value is not None)
    return where + _what(cause)


def reasoned_line(cause: AnyCause) -> str:
    """Return the same with its reason before it."""
    return f"{cause.reason}: {cause_line(cause)}"


def restart_line(restart: KroRestart) -> str:
    """Return which process is kro since when."""
    seen = f"seen {units.seconds(restart.seconds)} after the start of the run"
    if restart.previous_pod is None:
        return f"kro was restarted in pod {restart.pod}, {seen}"
    return f"kro is another pod now, {restart.pod} after {restart.previous_pod}, {seen}"


def validity_line(validity: Validity) -> str:
    """Return the first cause of each reason, and how many more there are."""
    if validity.valid:
        return VALID
    return "; ".join(
        reasoned_line(causes[0]) + (f" (and {len(causes) - 1} more)" if len(causes) > 1 else "")
        for causes in validity.by_reason().values()
    )


def ignored_warnings(causes: Sequence[AnyCause]) -> list[str]:
    """Return warnings about causes that the user has accepted."""
    return [
        f"{cause.reason} ignored, as spec.validity.ignore asks: {cause_line(cause)}"
        for cause in causes
    ]


def steady_state_line(state: SteadyState) -> str:
    """Return whether something has come to a steady state."""
    count = units.counted(state.observations, state.of.removesuffix("s"))
    if state.text is not None:
        return state.text
    if state.gaps:
        return "not decided, because some iterations have no median"
    if state.needed is not None:
        return f"not decided: {count}, {state.needed} needed"
    if state.steady:
        return f"steady after {state.cut} of {count}"
    if state.outrun is not None:
        return _outrun(state.observations, state.outrun)
    return _not_steady(state.of, state.observations, state.halves_ratio or 1.0)


def _what(cause: AnyCause) -> str:  # noqa: C901, PLR0911, PLR0912 - a sentence for each finding
    match cause:
        case QuotedCause():
            return cause.text
        case SendLagTooLong():
            return (
                f"the p99 send lag was {units.seconds(cause.p99_seconds)}, above maxSendLag "
                f"({units.seconds(cause.allowed_seconds)})"
            )
        case RequestsNotSent():
            return f"only {cause.sent:,} of {cause.due:,} due requests were sent"
        case RateNotReached():
            return (
                f"the load generator sent {units.rate(cause.achieved_per_second)} instead of "
                f"{units.rate(cause.requested_per_second)}, less than "
                f"{units.percent(cause.least_ratio)}"
            )
        case ResourcesReadyLate():
            return (
                "the simulator made resources of the cloud ready later than due: the p99 was "
                f"{units.seconds(cause.p99_seconds)}, above maxSendLag "
                f"({units.seconds(cause.allowed_seconds)})"
            )
        case ResourcesNotReady():
            return (
                f"the simulator could not make {units.counted(cause.failed, 'resource')} of the "
                f"cloud ready, the last with: {cause.error}"
            )
        case ShardLost():
            return (
                f"shard {cause.shard} of {cause.shards} was lost ({cause.error}): its requests or "
                "its measurements are missing"
            )
        case ContainerRestarted():
            return _restarted(cause)
        case PodReplaced():
            successors = ", ".join(cause.successors)
            return (
                f"kro's pod {cause.pod} was gone {units.seconds(cause.at_seconds)} into the run, "
                + (f"replaced by {successors}" if successors else "and not replaced yet")
            )
        case LeaderChanged():
            return (
                f"kro's leader changed from {cause.before} to {cause.after} by "
                f"{units.seconds(cause.at_seconds)} into the run: a different process was measured "
                "from then on"
            )
        case KroReconfigured():
            return (
                f"kro's configuration changed {units.seconds(cause.at_seconds)} into the run: "
                + "; ".join(map(_change, cause.changes))
            )
        case CounterFell():
            return (
                f"kro's counter {cause.metric} fell from {cause.before:g} to {cause.after:g} "
                f"between {_span(cause)}"
                + (f", and {units.counted(cause.more, 'other counter')} fell" if cause.more else "")
            )
        case APIServerRestarted():
            return (
                f"the API server restarted about {units.seconds(cause.at_seconds)} into the run: "
                "all its counters began at zero again"
            )
        case SamplesMissing():
            return (
                f"only {cause.taken} of {cause.due} due samples of {cause.source} arrived within "
                f"{units.seconds(cause.seconds)}, less than {units.percent(cause.least_ratio)}"
            )
        case APIServerBusy():
            return (
                f"other clients sent {units.number(cause.foreign_per_second)} requests/s to the "
                f"API server, above the limit of {units.number(cause.allowed_per_second)}; kro "
                f"and krobench sent {units.number(cause.own_per_second)} requests/s"
            )
        case NodeBusy():
            return (
                f"other pods used {units.percent(cause.used_cores / cause.cores)} of the CPU of "
                f"kro's node {cause.node} ({units.number(cause.used_cores)} of "
                f"{units.number(cause.cores)} cores), above the limit of "
                f"{units.percent(cause.allowed_ratio)}"
            )
        case ClockJumped():
            return (
                f"the wall clock of the load's node jumped by {cause.jump_seconds:+.3g} s between "
                f"{_span(cause)}"
            )
        case LeftoverObjects():
            runs = "an earlier run" if len(cause.runs) == 1 else f"{len(cause.runs)} earlier runs"
            commands = ", ".join(f"krobench cleanup --run {run}" for run in cause.runs)
            return (
                f"{units.counted(cause.count, 'object')} of {runs} existed when this one began, "
                f"such as {cause.first}; delete with {commands}"
            )
        case LoadOutrunsKro():
            return (
                f"{_outrun(cause.observations, cause.outrun)}; lower the rate, or lengthen the load"
            )
        case NotSteady():
            found = _not_steady(cause.of, cause.observations, cause.halves_ratio)
            if cause.of == "instances":
                return f"{found}; lower the rate, or lengthen the load if it needs time to settle"
            return f"{found}: something fills up or slows down"
        case TooFewSamples():
            return (
                f"a threshold uses {cause.figure}, which needs {cause.needed} observations and has "
                f"{cause.observations}; raise workload.instances or, without spec.decide, "
                "iterations"
            )
        case SizeNotJudged():
            if cause.budget is not None:
                return f"budget.duration, {cause.budget}, was used up"
            return f"SLOs are undecided, not available: {missing_line(cause.missing)}"
        case _:
            assert_never(cause)


def _restarted(cause: ContainerRestarted) -> str:
    text = (
        f"kro's container in pod {cause.pod} ended ({cause.last_end or 'no reason given'}) and was "
        f"restarted by {units.seconds(cause.at_seconds)} into the run; restarts went from "
        f"{cause.restarts_before} to {cause.restarts_after}"
    )
    if cause.reason is Cause.KRO_OOM_KILLED:
        limit = "none" if cause.memory_limit is None else cause.memory_limit
        return f"{text}; its memory limit is {limit}"
    return text


def _change(change: SettingChange) -> str:
    before, after = (" ".join(values) or "nothing" for values in (change.before, change.after))
    return f"{change.name}: {before} → {after}"


def _span(cause: CounterFell | ClockJumped) -> str:
    return (
        f"{units.seconds(cause.before_seconds)} and {units.seconds(cause.after_seconds)} into the "
        "run"
    )


def _not_steady(of: str, observations: int, halves_ratio: float) -> str:
    return (
        f"the times until ready kept changing over {observations} {of}: the median of the second "
        f"half is {halves_ratio:.3g} times that of the first"
    )


def _outrun(observations: int, outrun: Outrun) -> str:
    return (
        f"instances became ready at {units.rate(outrun.ready_per_second)}, but were due at "
        f"{units.rate(outrun.due_per_second)}: {outrun.waiting:,} of {observations:,} were not "
        "ready when the last was due"
    )
