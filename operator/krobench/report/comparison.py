"""A comparison, one line for each metric, as text for a terminal and as Markdown."""

import math
from collections.abc import Iterable, Sequence

from krobench.analysis.comparison.rules import MIN_REPLICATES
from krobench.api import units
from krobench.findings.comparison import (
    Better,
    Comparison,
    MetricComparison,
    MetricVerdict,
    OnlyIterations,
    Replicates,
    Undecided,
)
from krobench.report.intervals import ratio
from krobench.report.tables import aligned, bullets, table
from krobench.report.words.comparison import (
    difference_line,
    inconclusive_line,
    omission_line,
    refusal_line,
    verdict_words,
)
from krobench.report.words.figures import short_title, show

_HEADER = ("metric", "old", "new", "ratio (95 %)", "p (corrected)", "verdict")
EXPLORATORY_HEADER = ("metric", "old", "new", "ratio (95 %)", "p")
NO_VERDICTS = "no verdicts, because some of so many differ by chance"
_ITERATIONS = "10 iterations of two variants are 6 and 5 restarts"
_ASIDES = {
    Replicates.RUNS: "",
    Replicates.RESTARTS: f" of kro ({_ITERATIONS})",
    Replicates.BLOCKS: " (kro restarted with each variant, in random order)",
    Replicates.ITERATIONS: ", because each side is a single run",
}
_ONE_RESTART = f", because kro was restarted only once for one of the variants ({_ITERATIONS})"
_LEAST_P = 0.001
_MOST_NAMED = 3
_FEW_RESTARTS = (
    f"needs at least {MIN_REPLICATES} restarts of one variant, better of both: iterations of one "
    "restart share a kro"
)


def text(comparison: Comparison, *, exploratory: bool = False) -> str:
    """Return the comparison for a terminal."""
    lines = _heading(comparison)
    for title, metrics in _groups(comparison, exploratory=exploratory):
        primary = metrics[0].primary
        header, row = (_HEADER, _row) if primary else (EXPLORATORY_HEADER, exploratory_row)
        lines += ["", title, *aligned([header, *map(row, metrics)])]
    if notes := _notes(comparison):
        lines += ["", *notes]
    hidden = len(comparison.metrics) - len(comparison.primary)
    if hidden and not exploratory:
        lines += ["", f"{hidden} exploratory metrics hidden; show them with --all"]
    return "\n".join([*lines, "", summary(comparison)]) + "\n"


def markdown(comparison: Comparison) -> str:
    """Return the comparison as a section of a report; exploratory metrics come last."""
    return _section(comparison, f"Compared with {comparison.old}", variants=False)


def markdown_of_variants(comparison: Comparison) -> str:
    """Return the comparison of two variants of one run as a section of its report."""
    heading = f"Variant {comparison.new} against {comparison.old}"
    return _section(comparison, heading, variants=True)


def _section(comparison: Comparison, heading: str, *, variants: bool) -> str:
    parts = [f"## {heading}", summary(comparison)]
    lines = _heading(comparison, variants=variants)
    parts.append(bullets(lines))
    for title, metrics in _groups(comparison, exploratory=False):
        parts += [f"**{title}**", table(_HEADER, [_row(metric) for metric in metrics])]
    parts.append(bullets(_notes(comparison, variants=variants)))
    others = [metric for metric in comparison.metrics if not metric.primary]
    if others:
        rows = [(metric.test, *exploratory_row(metric)) for metric in others]
        title = f"**Exploratory: {NO_VERDICTS}**"
        parts += [title, table(("test", *EXPLORATORY_HEADER), rows)]
    return "\n\n".join(part for part in parts if part)


def summary(comparison: Comparison) -> str:
    """Return the outcome in a sentence."""
    if comparison.refused is not None:
        why = refusal_line(comparison.refused, comparison.differences, comparison.left_out)
        return f"Not compared: {why}"
    counts = [
        f"{sum(m.verdict is verdict for m in comparison.primary)} {verdict_words(verdict)}"
        for verdict in MetricVerdict
        if any(m.verdict is verdict for m in comparison.primary)
    ]
    named = [
        f"{verdict.lower()}: {', '.join(changed)}"
        for verdict in (MetricVerdict.WORSE, MetricVerdict.BETTER)
        if (changed := _changed(comparison.primary, verdict))
    ]
    what = f" ({'; '.join(named)})" if named else ""
    against = f"against {comparison.old}{_after(comparison)}"
    return f"{_headline(comparison)}: {', '.join(counts)}{what}, {against}{_too_noisy(comparison)}"


def _headline(comparison: Comparison) -> str:
    if comparison.verdict is not MetricVerdict.NO_SLOWDOWN:
        return str(comparison.verdict)
    least = units.percent(comparison.no_slowdown_of)
    judged = [m for m in comparison.primary if m.verdict is not MetricVerdict.INCONCLUSIVE]
    ends = [(end - 1, metric) for metric in judged if (end := _slowest(metric)) is not None]
    if not ends:
        return f"No slow-down of {least}"
    worst, metric = max(ends, key=lambda each: each[0])
    possible = units.percent(round(max(worst, 0.0), 3))
    return f"No slow-down of {least} (largest possible: {possible}, {short_title(metric.metric)})"


def _slowest(metric: MetricComparison) -> float | None:
    """Return how many times as slow a metric may be at most."""
    if metric.better is Better.LOWER:
        return metric.ratio_high
    return 1 / metric.ratio_low if metric.ratio_low else None


def _after(comparison: Comparison) -> str:
    if comparison.replicates is not Replicates.BLOCKS:
        return ""
    done, most = len(comparison.old_runs), comparison.most_blocks
    of = "" if most is None else f" of at most {most}"
    return f", after {done}{of} blocks"


def _too_noisy(comparison: Comparison) -> str:
    """Say early that even all blocks would not show the change that must not be missed."""
    done, most, wanted = len(comparison.old_runs), comparison.most_blocks, comparison.no_slowdown_of
    shown = {
        metric.metric: metric.note.detectable
        for metric in comparison.primary
        if isinstance(metric.note, Undecided) and metric.note.detectable is not None
    }
    # By default, a run does not wait for latencies.
    waited_for = [each for name, each in shown.items() if not name.startswith("latency.")]
    if comparison.verdict is not MetricVerdict.INCONCLUSIVE or most is None or wanted is None:
        return ""
    if not shown or done >= most:
        return ""
    at_the_end = max(waited_for or shown.values()) * math.sqrt(done / most)
    if at_the_end <= wanted:
        return ""
    return (
        f". It scatters so much that even {most} blocks would show only changes of "
        f"{units.percent(round(at_the_end, 2))} or more: use a quieter machine, or more instances"
    )


def _changed(metrics: Sequence[MetricComparison], verdict: MetricVerdict) -> list[str]:
    """Return the first metrics with a verdict, and by how much they changed."""
    changed = [metric for metric in metrics if metric.verdict is verdict]
    named = []
    for metric in changed[:_MOST_NAMED]:
        change = "" if metric.ratio is None else f" x{metric.ratio:.3g}"
        if metric.difference is not None:
            change = f" {_signed(metric.metric, metric.difference)}"
        named.append(f"{metric.test} {short_title(metric.metric)}{change}")
    more = len(changed) - len(named)
    return [*named, f"{more} more"] if more else named


def line(metric: MetricComparison) -> str:
    """Return a metric in a line: from what to what, by which ratio, and the verdict."""
    what = "ratio" if metric.difference is None else "difference"
    return (
        f"{short_title(metric.metric)}: {show(metric.metric, metric.old_median)} to "
        f"{show(metric.metric, metric.new_median)}, {what} {_ratio(metric)}: "
        f"{verdict_words(metric.verdict)}"
    )


def exploratory_row(metric: MetricComparison) -> Sequence[str]:
    """Return the cells of a metric that has no verdict, below ``EXPLORATORY_HEADER``."""
    return _row(metric)[:-1]


def _heading(comparison: Comparison, *, variants: bool = False) -> list[str]:
    unit = "restart" if variants or comparison.replicates is Replicates.RESTARTS else "run"
    if comparison.replicates is Replicates.BLOCKS:
        unit = "block"
    lines = [
        f"old: {comparison.old}, {_count(len(comparison.old_runs), unit)}",
        f"new: {comparison.new}, {_count(len(comparison.new_runs), unit)}",
    ]
    if comparison.replicates is not None:
        single = variants and comparison.replicates is Replicates.ITERATIONS
        aside = _ONE_RESTART if single else _ASIDES[comparison.replicates]
        lines.append(
            f"replicates: {comparison.replicates.lower()}{aside}; "
            f"minimum effect: {units.percent(comparison.minimum_effect)}"
        )
    lines += [
        f"differs, as allowed: {difference_line(d)}" for d in comparison.differences if d.allowed
    ]
    left_out = dict.fromkeys(map(omission_line, comparison.left_out))  # a run may be on both sides
    return [*lines, *(f"not compared: {line}" for line in left_out)]


def _count(number: int, unit: str) -> str:
    return f"1 {unit}" if number == 1 else f"{number} {unit}s"


def _groups(
    comparison: Comparison, *, exploratory: bool
) -> Iterable[tuple[str, list[MetricComparison]]]:
    for test in dict.fromkeys(metric.test for metric in comparison.metrics):
        of_test = [metric for metric in comparison.metrics if metric.test == test]
        yield test, [metric for metric in of_test if metric.primary]
        others = [metric for metric in of_test if not metric.primary]
        if exploratory and others:
            yield f"{test}, exploratory: {NO_VERDICTS}", others


def _row(metric: MetricComparison) -> Sequence[str]:
    p = metric.p if metric.adjusted_p is None else metric.adjusted_p
    better = " (more is better)" if metric.better is Better.HIGHER else ""
    return (
        short_title(metric.metric) + better,
        *(
            "-" if value is None else show(metric.metric, value)
            for value in (metric.old_median, metric.new_median)
        ),
        _ratio(metric),
        "-"
        if p is None
        else f"{p_in_words(p)} (n={metric.old_replicates}+{metric.new_replicates})",
        verdict_words(metric.verdict),
    )


def p_in_words(p: float) -> str:
    """Return a p with three decimals; it is never zero."""
    return f"{p:.3f}" if p >= _LEAST_P else f"<{_LEAST_P}"


def _ratio(metric: MetricComparison) -> str:
    low, high = metric.difference_low, metric.difference_high
    if metric.difference is not None and low is not None and high is not None:
        ends = " to ".join(_signed(metric.metric, end) for end in (low, high))
        return f"{_signed(metric.metric, metric.difference)} ({ends})"
    if metric.ratio is None:
        return "-"
    if metric.ratio_low is None or metric.ratio_high is None:
        return f"{ratio(metric.ratio)} (too few for an interval)"
    return ratio(metric.ratio, metric.ratio_low, metric.ratio_high)


def _signed(metric: str, difference: float) -> str:
    sign = "-" if difference < 0 else "+"
    return sign + show(metric, abs(difference))


def _notes(comparison: Comparison, *, variants: bool = False) -> list[str]:
    single = variants and comparison.replicates is Replicates.ITERATIONS
    notes: dict[str, list[str]] = {}
    for metric in comparison.primary:
        if metric.note is not None:
            too_few = single and isinstance(metric.note, OnlyIterations)
            line = _FEW_RESTARTS if too_few else inconclusive_line(metric.note)
            notes.setdefault(line, []).append(f"{metric.test} {short_title(metric.metric)}")
    return [f"inconclusive: {', '.join(names)}: {line}" for line, names in notes.items()]
