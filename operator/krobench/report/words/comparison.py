"""Comparisons in words: what is called what, what differs, and what a verdict still needs."""

from collections.abc import Sequence
from typing import assert_never

from krobench.api import units
from krobench.findings.comparison import (
    AnyInconclusive,
    FewEarlierRuns,
    LimitsUnknown,
    MetricVerdict,
    MoreIterations,
    MoreReplicates,
    NoRatio,
    NotMeasured,
    OnlyIterations,
    Replicates,
    TooClose,
    TooFewBlocks,
    Undecided,
)
from krobench.findings.estimates import Difference, DifferenceSubject, DifferenceValue
from krobench.findings.finding import Quoted
from krobench.findings.incomparable import (
    AnyOmission,
    AnyRefusal,
    AnyUnusable,
    AxesDiffer,
    Invalid,
    InvalidRun,
    IsScaleTest,
    IterationsElsewhere,
    NoCommonTest,
    NoFigures,
    NoSizes,
    NotComparable,
    NotCompleted,
    NothingJudged,
    NotRepeated,
    NoUsableRuns,
    OnBothSides,
    RunsDiffer,
    RunUnusable,
    SameRun,
    TestMissing,
)
from krobench.report.words.sizes import plain

_SHOWN = 3
_SUBJECTS = {
    DifferenceSubject.KROBENCH: "krobench",
    DifferenceSubject.KUBERNETES: "Kubernetes",
    DifferenceSubject.NODES: "nodes",
    DifferenceSubject.KRO_VERSION: "kro's version",
    DifferenceSubject.KRO_IMAGE: "kro's image",
    DifferenceSubject.KRO_REPLICAS: "kro's replicas",
    DifferenceSubject.KRO_FLAG: "kro's --{name}",
    DifferenceSubject.KRO_ENV: "kro's {name}",
    DifferenceSubject.KRO_REQUEST: "kro's {name} request",
    DifferenceSubject.KRO_LIMIT: "kro's {name} limit",
    DifferenceSubject.SETTING: "{name}",
}
_UNKNOWN = {
    DifferenceSubject.KUBERNETES,
    DifferenceSubject.NODES,
    DifferenceSubject.KRO_VERSION,
    DifferenceSubject.KRO_IMAGE,
}
"""Subjects that every run has: without a value, it was not found out."""
_MOST_DIFFERENCES = 5


def difference_line(difference: Difference) -> str:
    """Return what differs, with its values on both sides."""
    where = f"test {difference.test}: " if difference.test else ""
    subject = difference.subject
    what = difference.what if subject is None else _SUBJECTS[subject].format(name=difference.name)
    old, new = (
        " and ".join(_value(subject, each) for each in side) or "-"
        for side in (difference.old, difference.new)
    )
    return f"{where}{what} is {old} on the old side and {new} on the new side"


def _value(subject: DifferenceSubject | None, value: DifferenceValue) -> str:
    if value is None:
        return "unknown" if subject in _UNKNOWN else "absent"
    if isinstance(value, str):
        return "set" if subject is DifferenceSubject.KRO_FLAG and not value else value
    return ", ".join(
        f"{node.cpu} CPUs, {(node.memory or 'memory unknown').replace('Gi', ' GiB')}, "
        f"kernel {node.kernel}, kubelet {node.kubelet}"
        for node in value
    )


def refusal_line(  # noqa: PLR0911 - a sentence for each finding
    found: AnyRefusal,
    differences: Sequence[Difference] = (),
    left_out: Sequence[AnyOmission] = (),
) -> str:
    """Return why there is no comparison, and what to do."""
    lines = [*dict.fromkeys(map(omission_line, left_out))]  # a run may be on both sides
    why = f": {'; '.join(lines[:_SHOWN])}" if lines else ""
    match found:
        case Quoted():
            return found.text
        case RunsDiffer():
            return _runs_differ(found, [each for each in differences if not each.allowed])
        case NoUsableRuns():
            return f"{found.side} has no run that can be compared{why}"
        case NoCommonTest():
            return f"no test has a result on both sides{why}"
        case SameRun():
            return f"both sides are the run {found.run}; give two different runs"
        case AxesDiffer():
            old, new = " and ".join(found.old), " and ".join(found.new)
            return (
                f"spec.axis is {old} on the old side and {new} on the new side; compare scale "
                "tests with the same axis"
            )
        case InvalidRun():
            return "the run is invalid"
        case NotComparable():
            return found.error.message
        case RunUnusable():
            return omission_line(found)
        case _:
            assert_never(found)


def _runs_differ(found: RunsDiffer, forbidden: Sequence[Difference]) -> str:
    named = "; ".join(map(difference_line, forbidden[:_MOST_DIFFERENCES]))
    further = len(forbidden) - _MOST_DIFFERENCES
    more = f"; and {further} more" if further > 0 else ""
    allow = " ".join(f"--allow-different {kind}" for kind in found.kinds)
    if found.in_spec:
        allow += f", or allowDifferent: [{', '.join(found.kinds)}] in spec.baseline"
    return (
        f"the runs differ in more than is allowed: {named}{more}. To compare them anyway, use "
        + allow
    )


def unusable_line(found: AnyUnusable) -> str:
    """Return why a run must not be compared."""
    match found:
        case Quoted():
            return found.text
        case NotCompleted():
            detail = f"it is {found.state}" if found.error is None else found.error.message
            return f"it did not complete: {detail}"
        case Invalid():
            return f"it is invalid: {', '.join(found.causes)}"
        case IsScaleTest():
            return "it is a scale test: compare it with another scale test"
        case IterationsElsewhere():
            return (
                f"its run.json was too large for its iterations: they are in {found.file}, which "
                "is read if you name the KroBenchmark or its history, and not from a file"
            )
        case NoSizes():
            return "no size was measured"
        case _:
            assert_never(found)


def omission_line(found: AnyOmission) -> str:  # noqa: PLR0911 - a sentence each
    """Return what was not compared, and why."""
    match found:
        case Quoted():
            return found.text
        case RunUnusable():
            return f"run {found.run}: {unusable_line(found.why)}"
        case OnBothSides():
            return f"run {found.run}: is on both sides, counts only on the new side"
        case NothingJudged():
            return f"run {found.run}: no size shows whether kro met the SLOs"
        case TestMissing(runs=[]):
            return f"test {found.test}: has no result for both variants"
        case TestMissing():
            return f"test {found.test}: has no result in {', '.join(found.runs)}"
        case NoFigures():
            return "figures of the sizes: a run.json without its iterations does not have them"
        case NotRepeated():
            return f"figures at {', '.join(found.tests)}: not repeated on both sides"
        case _:
            assert_never(found)


def inconclusive_line(found: AnyInconclusive) -> str:  # noqa: C901, PLR0911, PLR0912
    """Return why there is no verdict, and what would give one."""
    match found:
        case Quoted():
            return found.text
        case NotMeasured():
            sides = " and ".join(found.sides)
            return f"not available on the {sides} side{'s' if len(found.sides) > 1 else ''}"
        case NoRatio():
            return "no ratio: a value is zero or negative, and a difference takes 4 runs a side"
        case Undecided():
            return _undecided(found)
        case TooFewBlocks():
            change = f"set iterations to {found.needed} or more"
            if found.by_decide:
                change = "raise spec.decide.maxDuration, or use fewer instances"
            return f"a verdict takes {found.needed} blocks instead of {found.had}; {change}"
        case FewEarlierRuns():
            return (
                f"a verdict takes {found.needed} earlier runs instead of {found.had}, because the "
                "cluster differs from day to day"
            )
        case MoreReplicates():
            return _more_replicates(found)
        case OnlyIterations():
            return (
                f"needs at least {found.runs} runs of one side, better of both: iterations do not "
                "show the drift between two runs"
            )
        case TooClose():
            what = f"number of {found.of.lower()}"
            if found.most is not None:
                what = f"number up to the maximum of {found.most} iterations (spec.iterations)"
            return f"too close to the minimum effect for any sensible {what}"
        case MoreIterations():
            return (
                f"needs about {found.needed} iterations of the deciding sizes (spec.iterations) on "
                f"both sides instead of {found.had}"
            )
        case LimitsUnknown():
            return _limits_unknown(found)
        case _:
            assert_never(found)


def verdict_words(verdict: MetricVerdict | None) -> str:
    """Return a verdict as it is written within a line."""
    if verdict is None:
        return ""
    return "no slow-down" if verdict is MetricVerdict.NO_SLOWDOWN else verdict.lower()


def _undecided(found: Undecided) -> str:
    what = found.of.lower()
    if found.detectable is None:
        return f"these {what} show neither a change nor that there is none"
    return (
        f"these {what} scatter too much: they show a change of "
        f"{units.percent(found.detectable)} in 9 of 10 comparisons, and a smaller one less often"
    )


def _more_replicates(found: MoreReplicates) -> str:
    unit = found.of.lower().removesuffix("s")
    more = units.counted(found.more, f"more {unit}")
    if found.side == "smaller":
        return f"needs {more} of the side with {found.fewest} for the exact test"
    if found.side == "either":
        return f"needs at least {more} of one side, better of both" + (
            ": iterations of one restart share a kro" if found.of is Replicates.RESTARTS else ""
        )
    text = f"needs about {more} a side"
    if found.smallest_p is None or found.needed_p is None:
        return text
    return (
        f"{text}: with {found.fewest}, p cannot be below {found.smallest_p:.2g}, and "
        f"{found.tests} primary metrics may need {found.needed_p:.2g}"
    )


def _limits_unknown(found: LimitsUnknown) -> str:
    single = found.limits == 1
    parts = []
    for count, where, size, add in (
        (found.above, "above", found.low, "larger"),
        (found.below, "below", found.high, "smaller"),
    ):
        if count:
            beyond = "all sizes tried" if size is None else plain(size)
            whose = _limits(count, found)
            verb, it = ("is", "it") if count == 1 else ("are", "them")
            parts.append(f"{whose} {verb} {where} {beyond}: add {add} sizes to find {it}")
    if found.bracketed:
        between = ""
        if found.low is not None and found.high is not None:
            between = f", between {plain(found.low)} and {plain(found.high)}"
        verb = "is" if found.bracketed == 1 else "are"
        parts.append(
            f"{_limits(found.bracketed, found)} {verb} known without an interval{between}: use an "
            "SLO that is a bound of one figure, and repeat both sizes (spec.iterations)"
        )
    if single and not parts:
        return f"no size of the {found.side} side shows whether kro met the SLOs"
    return "; ".join(parts)


def _limits(count: int, found: LimitsUnknown) -> str:
    if found.limits == 1:
        return f"the limit of the {found.side} side"
    return f"{count} of {found.limits} limits of the {found.side} side"
