"""A comparison of scale tests, their limits in one line, as text and as Markdown."""

from collections.abc import Iterator, Sequence

from krobench.analysis.comparison.spans import Span, median_span, span_of
from krobench.api import units
from krobench.api.specs.scaletest import Axis
from krobench.findings.comparison import Replicates
from krobench.findings.scale_comparison import GrowthComparison, ScaleComparison
from krobench.findings.scaling import Limit
from krobench.report.comparison import EXPLORATORY_HEADER, NO_VERDICTS, exploratory_row, p_in_words
from krobench.report.intervals import ratio, spanned_ratio
from krobench.report.tables import aligned, bullets, table
from krobench.report.words.comparison import (
    difference_line,
    inconclusive_line,
    omission_line,
    refusal_line,
)
from krobench.report.words.sizes import at_least, at_most, figure_name, one_more, plain, shown


def limit_in_words(limit: Limit, axis: Axis) -> str:
    """Return a limit as ``47 (44 to 51)``, ``above 320`` or such."""
    span = span_of(limit)
    if span is None:
        return units.NOT_AVAILABLE
    if span.known and limit.low is not None and limit.high is not None:
        interval = f"{at_most(limit.low, axis)} to {at_least(limit.high, axis)}"
        return f"{_span(span, axis)} ({interval})"
    return _span(span, axis)


def limits_in_words(limits: Sequence[Limit], axis: Axis) -> str:
    """Return the median of runs' limits and their range, as ``47 (44 to above 80)``."""
    spans = [span for limit in limits if (span := span_of(limit)) is not None]
    if not spans:
        return units.NOT_AVAILABLE
    middle = _span(median_span(spans), axis)
    if len(set(spans)) == 1:
        return middle
    lowest = min(spans, key=lambda span: (span.low, span.high))
    highest = max(spans, key=lambda span: (span.high, span.low))
    return f"{middle} ({_span(lowest, axis)} to {_span(highest, axis)})"


def _span(span: Span, axis: Axis) -> str:
    if span.known:
        return at_most(span.low, axis)
    if span.below:
        return f"below {plain(span.high)}"
    if span.above:
        return f"above {plain(span.low)}"
    return f"between {at_most(span.low, axis)} and {at_least(span.high, axis)}"


_HEADER = ("limit", "old", "new", "ratio (95 %)", "verdict")
_HEADER_OF_RUNS = ("limit", "old (range)", "new (range)", "ratio (95 %)", "p", "verdict")
_REPETITIONS = (
    "replicates: iterations of one run each, which do not show the drift between the two runs; "
    "give several runs a side to include it: krobench compare OLD-1,OLD-2,... NEW-1,NEW-2,..."
)
_RUNS = "replicates: runs"


def text(comparison: ScaleComparison, *, exploratory: bool = False) -> str:
    """Return the comparison for a terminal."""
    lines = _heading(comparison)
    if comparison.refused is None:
        lines += ["", *aligned(_limit_table(comparison))]
    if comparison.notes:
        lines += ["", _inconclusive(comparison)]
    for test in dict.fromkeys(each.test for each in comparison.metrics) if exploratory else ():
        rows = [exploratory_row(each) for each in comparison.metrics if each.test == test]
        title = f"{test}, exploratory: {NO_VERDICTS}"
        lines += ["", title, *aligned([EXPLORATORY_HEADER, *rows])]
    if comparison.growth and exploratory and comparison.axis is not None:
        grown = list(_growth(comparison.growth, comparison.axis))
        lines += ["", f"growth, exploratory: {NO_VERDICTS}", *aligned(grown)]
    hidden = len(comparison.metrics) + len(comparison.growth)
    if hidden and not exploratory:
        lines += ["", f"{hidden} exploratory metrics of sizes hidden; show them with --all"]
    return "\n".join([*lines, "", summary(comparison)]) + "\n"


def markdown(comparison: ScaleComparison) -> str:
    """Return the comparison as a section of a report; exploratory metrics come last."""
    parts = [f"## Limit compared with {comparison.old}", summary(comparison)]
    parts.append(bullets(_heading(comparison)))
    if comparison.refused is None:
        header, row = _limit_table(comparison)
        parts.append(table(header, [row]))
    if comparison.notes:
        parts.append(f"- {_inconclusive(comparison)}")
    if comparison.metrics:
        rows = [(metric.test, *exploratory_row(metric)) for metric in comparison.metrics]
        parts += [f"**Exploratory: {NO_VERDICTS}**", table(("size", *EXPLORATORY_HEADER), rows)]
    if comparison.growth and comparison.axis is not None:
        heading, *grown = _growth(comparison.growth, comparison.axis)
        parts += [f"**Growth: {NO_VERDICTS}**", table(heading, grown)]
    return "\n\n".join(parts)


def _growth(found: Sequence[GrowthComparison], axis: Axis) -> Iterator[Sequence[str]]:
    """Yield the header, and a line for each figure."""
    yield f"for each further {one_more(axis)}", "old", "new", "ratio (95 %)"
    for each in found:
        known = each.ratio_low is not None and each.ratio_high is not None
        text = ratio(each.ratio, each.ratio_low, each.ratio_high)
        values = (shown(value, each.unit) for value in (each.old, each.new))
        yield figure_name(each.figure), *values, text if known else f"{text} (no interval)"


def summary(comparison: ScaleComparison) -> str:
    """Return the outcome in a sentence."""
    if comparison.refused is not None:
        why = refusal_line(comparison.refused, comparison.differences, comparison.left_out)
        return f"Not compared: {why}"
    known = _bounds(comparison.ratio_low, comparison.ratio_high)
    if comparison.ratio is not None:
        known, _ = spanned_ratio(comparison.ratio, comparison.ratio_low, comparison.ratio_high)
    times = f"is {known} times" if known else "has no known ratio to"
    return f"{comparison.verdict}: the limit {times} that of {comparison.old}"


def _inconclusive(comparison: ScaleComparison) -> str:
    return f"inconclusive: {'; or '.join(map(inconclusive_line, comparison.notes))}"


def _heading(comparison: ScaleComparison) -> list[str]:
    lines = [
        f"old: {comparison.old}, {_runs(comparison.old_runs)}",
        f"new: {comparison.new}, {_runs(comparison.new_runs)}",
    ]
    if comparison.refused is None:
        replicates = _RUNS if comparison.replicates is Replicates.RUNS else _REPETITIONS
        effect = units.percent(comparison.minimum_effect)
        lines.append(f"{replicates}; minimum effect: {effect}")
    old, new = _breached(comparison.old_limits), _breached(comparison.new_limits)
    if old and new and len({*old, *new}) > 1:
        sides = f"{' or '.join(old)} on the old side, {' or '.join(new)} on the new"
        lines.append(f"breaks first: {sides}")
    lines += [
        f"differs, as allowed: {difference_line(d)}" for d in comparison.differences if d.allowed
    ]
    left_out = dict.fromkeys(map(omission_line, comparison.left_out))  # a run may be on both sides
    return [*lines, *(f"not compared: {line}" for line in left_out)]


def _runs(names: Sequence[str]) -> str:
    return f"run {names[0]}" if len(names) == 1 else f"{len(names)} runs"


def _breached(limits: Sequence[Limit]) -> list[str]:
    return sorted({limit.breached for limit in limits if limit.breached is not None})


def _limit_table(comparison: ScaleComparison) -> tuple[Sequence[str], Sequence[str]]:
    """Return the header, and the line of the limit."""
    axis, old, new = comparison.axis, comparison.old_limits, comparison.new_limits
    assert axis is not None
    verdict = comparison.verdict.lower() if comparison.verdict is not None else ""
    found = _ratio(comparison)
    if comparison.replicates is not Replicates.RUNS:
        cells = [limit_in_words(limit, axis) for limit in (*old, *new)]
        return _HEADER, (axis.unit, *cells, found, verdict)
    cells = [limits_in_words(limits, axis) for limits in (old, new)]
    p = units.NOT_AVAILABLE if comparison.p is None else p_in_words(comparison.p)
    number = f" (n={len(old)}+{len(new)})"
    return _HEADER_OF_RUNS, (axis.unit, *cells, found, p + number, verdict)


def _ratio(comparison: ScaleComparison) -> str:
    middle, low, high = comparison.ratio, comparison.ratio_low, comparison.ratio_high
    if middle is None:
        return _bounds(low, high) or units.NOT_AVAILABLE
    if low is not None and high is not None:
        return ratio(middle, low, high)
    if low is not None:
        return f"{ratio(middle)} ({ratio(low)} or more)"
    return f"{ratio(middle)} ({units.NOT_AVAILABLE if high is None else f'{ratio(high)} or less'})"


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"between {ratio(low)} and {ratio(high)}"
    if low is not None:
        return f"at least {ratio(low)}"
    return f"at most {ratio(high)}" if high is not None else ""
