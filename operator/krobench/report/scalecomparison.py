"""A comparison of two scale tests, their limits in one line, as text and as Markdown."""

from collections.abc import Sequence

from krobench.analysis.comparison.fingerprints import sentence
from krobench.analysis.scaling.words import at_least, at_most, plain
from krobench.model import units
from krobench.model.comparison import MetricComparison
from krobench.model.scalecomparison import ScaleComparison
from krobench.model.scaling import Axis, Limit, LimitState
from krobench.report.comparison import EXPLORATORY_HEADER, NO_VERDICTS, exploratory_row
from krobench.report.tables import aligned, table

_HEADER = ("limit", "old", "new", "ratio [95 %]", "verdict")
_REPLICATES = (
    "replicates: repetitions within one run each, which cannot tell a change from a drift between "
    "the two runs"
)


def text(comparison: ScaleComparison, *, exploratory: bool = False) -> str:
    """Return the comparison for a terminal."""
    lines = _heading(comparison)
    if comparison.refused is None:
        lines += ["", *aligned([_HEADER, _row(comparison)])]
    if comparison.note is not None:
        lines += ["", f"inconclusive: {comparison.note}"]
    for test, metrics in _by_size(comparison).items() if exploratory else ():
        rows = map(exploratory_row, metrics)
        title = f"{test}, exploratory: {NO_VERDICTS}"
        lines += ["", title, *aligned([EXPLORATORY_HEADER, *rows])]
    if comparison.metrics and not exploratory:
        lines += ["", f"{len(comparison.metrics)} exploratory metrics of sizes: --all shows them"]
    return "\n".join([*lines, "", summary(comparison)]) + "\n"


def markdown(comparison: ScaleComparison) -> str:
    """Return the comparison as a section of a report; exploratory metrics come last."""
    parts = [f"## Limit compared with {comparison.old}", summary(comparison)]
    parts.append("\n".join(f"- {line}" for line in _heading(comparison)))
    if comparison.refused is None:
        parts.append(table(_HEADER, [_row(comparison)]))
    if comparison.note is not None:
        parts.append(f"- inconclusive: {comparison.note}")
    if comparison.metrics:
        rows = [(metric.test, *exploratory_row(metric)) for metric in comparison.metrics]
        parts += [f"**Exploratory: {NO_VERDICTS}**", table(("size", *EXPLORATORY_HEADER), rows)]
    return "\n\n".join(parts)


def summary(comparison: ScaleComparison) -> str:
    """Return the outcome in a sentence."""
    if comparison.refused is not None:
        return f"Not compared: {comparison.refused.message}"
    return f"{comparison.verdict}: the limit {_ratio_in_words(comparison)} that of {comparison.old}"


def limit_in_words(limit: Limit | None, axis: Axis) -> str:
    """Return a limit without its unit, as ``47 (44 to 51)``, ``above 320`` or such."""
    match limit:
        case Limit(state=LimitState.FOUND, size=float(size), low=float(low), high=float(high)):
            ends = at_most(low, axis), at_least(high, axis)
            if limit.method == "crossing":
                return f"{at_most(size, axis)} ({ends[0]} to {ends[1]})"
            return f"between {ends[0]} and {ends[1]}"
        case Limit(state=LimitState.BELOW_FIRST, first_breach=float(size)):
            return f"below {plain(size)}"
        case Limit(last_met=float(size)):
            return f"above {plain(size)}"
    return units.NOT_AVAILABLE


def _heading(comparison: ScaleComparison) -> list[str]:
    lines = [
        f"old: {comparison.old}, run {comparison.old_run}",
        f"new: {comparison.new}, run {comparison.new_run}",
    ]
    if comparison.refused is None:
        effect = units.percent(comparison.minimum_effect)
        lines.append(f"{_REPLICATES}; minimum effect: {effect}")
    old, new = (limit.breached if limit else None for limit in _limits(comparison))
    if old is not None and new is not None and old != new:
        lines.append(f"breaks first: {old} on the old side, {new} on the new")
    lines += [f"differs, as allowed: {sentence(d)}" for d in comparison.differences if d.allowed]
    return [*lines, *(f"left out: {text}" for text in comparison.left_out)]


def _limits(comparison: ScaleComparison) -> tuple[Limit | None, Limit | None]:
    return comparison.old_limit, comparison.new_limit


def _row(comparison: ScaleComparison) -> Sequence[str]:
    axis = comparison.axis
    assert axis is not None
    old, new = (limit_in_words(limit, axis) for limit in _limits(comparison))
    verdict = comparison.verdict.lower() if comparison.verdict is not None else ""
    return (axis.unit, old, new, _ratio(comparison), verdict)


def _ratio(comparison: ScaleComparison) -> str:
    ratio, low, high = comparison.ratio, comparison.ratio_low, comparison.ratio_high
    if ratio is not None and low is not None and high is not None:
        return f"{ratio:.3f} [{low:.3f}, {high:.3f}]"
    if low is not None:
        return f"at least {low:.3f}"
    return f"at most {high:.3f}" if high is not None else units.NOT_AVAILABLE


def _ratio_in_words(comparison: ScaleComparison) -> str:
    if comparison.ratio is not None:
        return f"is {comparison.ratio:.3g} times"
    if comparison.ratio_low is not None:
        return f"is at least {comparison.ratio_low:.3g} times"
    if comparison.ratio_high is not None:
        return f"is at most {comparison.ratio_high:.3g} times"
    return "has no known ratio to"


def _by_size(comparison: ScaleComparison) -> dict[str, list[MetricComparison]]:
    found: dict[str, list[MetricComparison]] = {}
    for metric in comparison.metrics:
        found.setdefault(metric.test, []).append(metric)
    return found
