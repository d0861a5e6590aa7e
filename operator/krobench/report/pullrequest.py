"""A comparison of two kros as a comment on a pull request."""

from krobench.findings.comparison import Comparison, MetricComparison, MetricVerdict
from krobench.record.run import RunRecord
from krobench.report import comparison as comparison_report
from krobench.report import gist

_MARKS = {
    MetricVerdict.WORSE: "🔴",
    MetricVerdict.MIXED: "🔴",
    MetricVerdict.BETTER: "🟢",
    MetricVerdict.NO_SLOWDOWN: "🟢",
    MetricVerdict.SAME: "🟢",
}
_UNDECIDED = "⚪"
_CHANGED = (MetricVerdict.WORSE, MetricVerdict.BETTER)


def render(run: RunRecord) -> str:
    """Return the comment: the outcome first, then what changed, then all of it folded."""
    lines = [f"## {_mark(run)} Performance: {outcome(run)}"]
    lines += [f"> {note}" for note in gist.why(run)]
    for comparison in run.variant_comparisons:
        lines += [f"- {comparison_report.line(metric)}" for metric in _changed(comparison)]
    images = [
        f"{name} is `{image}`"
        for variant in run.spec.get("variants", [])
        if (name := variant.get("name")) and (image := variant.get("image"))
    ]
    took = gist.duration_text(run)
    measured = f"Measured on {gist.measured_on(run)}" + (f" in {took}." if took else ".")
    lines += ["", " ".join([*(f"{each}." for each in images), measured]), ""]
    for comparison in run.variant_comparisons:
        lines += [
            "<details><summary>All figures</summary>",
            "",
            comparison_report.markdown_of_variants(comparison),
            "</details>",
        ]
    return "\n".join(lines) + "\n"


def outcome(run: RunRecord) -> str:
    """Return what a comparison of two kros has shown, in a sentence."""
    if not run.variant_comparisons:
        return f"not compared, the run is {gist.verdict_of(run)}"
    return "; ".join(comparison_report.summary(each) for each in run.variant_comparisons)


def _mark(run: RunRecord) -> str:
    valid = run.validity is None or run.validity.valid
    verdicts = [each.verdict for each in run.variant_comparisons if valid]
    marks = {_MARKS.get(verdict, _UNDECIDED) if verdict else _UNDECIDED for verdict in verdicts}
    return marks.pop() if len(marks) == 1 else _UNDECIDED


def _changed(comparison: Comparison) -> list[MetricComparison]:
    return [metric for metric in comparison.primary if metric.verdict in _CHANGED]
