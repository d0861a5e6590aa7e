"""What expressions cost kro, as Markdown."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from krobench.analysis.statistics.intervals import FEWEST_FOR_INTERVAL
from krobench.api import units
from krobench.figures.cel import (
    CelExpressionResult,
    CelResults,
    CelState,
    Estimate,
)
from krobench.report.intervals import Show, spanned
from krobench.report.tables import table, without_empty_columns
from krobench.report.words.reasons import reason_line

_OWN = "own"
_NOISE = "lost in noise"
_COSTS = {
    "evaluation_seconds": "one evaluation",
    "over_constant_seconds": "beyond a constant",
    "relative_to_field_access": "relative to field access",
    "compile_seconds": "compiling once",
    "compiled_bytes": "heap, compiled",
    "evaluations": "evaluations",
}
_AROUND = {
    "constant_seconds": "evaluating a constant (overhead of kro and cel-go)",
    "empty_graph_build_seconds": "building the graph of an RGD with one constant",
    "builds_per_change": "graph builds per change of an RGD",
    "revision_compile_ratio": "GraphRevision controller build time over RGD controller build time",
    "disturbed_windows": "windows not used because kro was busy with other work",
}
_RESTART = {
    "restarts": "restarts measured",
    "rgds": "RGDs",
    "revisions_per_rgd": "revisions of an RGD that are compiled again",
    "compile_seconds_per_rgd": "compiling all revisions of one RGD",
    "compile_seconds_per_expression": "per copy of an expression in a revision",
    "graph_builds": "graphs that the RGD controller builds in addition",
    "leading_seconds": "from deleting kro's pod until a new leader",
    "compiled_seconds": "from then until all revisions were compiled",
    "reconciled_seconds": "from then until all instances were reconciled",
}
_AFTER_RESTART = {
    "first_after_restart_seconds": "first evaluation after a restart",
    "first_after_restart_ratio": "to later ones",
}
"""Titles of what is shown, by the names of the results."""
_PATTERNS = {
    "ten-in-one-evaluation": (
        "one expression of ten parts, against ten expressions of one part: evaluating"
    ),
    "said-five-times-evaluation": "a part written five times, against `cel.bind`: evaluating",
    "list-of-100-to-10-evaluation": "a comprehension over 100 elements, against 10: evaluating",
    "list-of-1000-to-10-evaluation": "a comprehension over 1000 elements, against 10: evaluating",
    "same-text-build": "one text in 50 places, against 50 texts: building the graph",
    "second-rgd-build": "the same texts in a second RGD, against the first: building its graph",
    "fresh-evaluation": "just after the RGD was compiled, against later: evaluating",
    "restart-evaluation": "the first time after a restart of kro, against later: evaluating",
    "restart-compile": "a revision after a restart of kro, against one after a change: compiling",
}


def cel_section(results: CelResults) -> str:
    """Show what each expression costs, and what comparisons say."""
    measured = [item for item in results.expressions if item.state is CelState.MEASURED]
    failed = [item for item in results.expressions if item.state is CelState.FAILED]
    parts = []
    if measured:
        header = ("expression", "family", "level", *_COSTS.values(), "celpy")
        rows = [
            (e.name, e.family or _OWN, e.level, *_shown(e, _COSTS), e.cross_check) for e in measured
        ]
        parts.append(table(*without_empty_columns(header, rows)))
    around = zip(_AROUND.values(), _shown(results, _AROUND), strict=True)
    parts.append(table(("around the expressions", "value"), [*around]))
    if results.patterns:
        names = [_PATTERNS.get(pattern.name, pattern.name) for pattern in results.patterns]
        ratios = [_between(pattern.ratio, units.number) for pattern in results.patterns]
        parts.append(table(("comparison", "ratio"), [*zip(names, ratios, strict=True)]))
    if results.restart is not None:
        restart = zip(_RESTART.values(), _shown(results.restart, _RESTART), strict=True)
        parts.append(table(("a restart of kro", "value"), [*restart]))
        first = [(each.name, *_shown(each, _AFTER_RESTART)) for each in measured]
        parts.append(table(("expression", *_AFTER_RESTART.values()), first))
    if failed:
        errors = [(item.name, item.error) for item in failed if item.error is not None]
        lines = [f"- **{name}**: {error.reason}: {error.message}" for name, error in errors]
        parts.append("Failed expressions:\n\n" + "\n".join(lines))
    reasons = _reasons(results, measured)
    if reasons:
        parts.append("Not available:\n\n" + "\n".join(f"- {reason}" for reason in reasons))
    return "\n\n".join(parts)


def cel_line(results: CelResults) -> str:
    """Return the results in a line."""
    times = [
        item.evaluation_seconds.value
        for item in results.expressions
        if item.evaluation_seconds is not None
    ]
    failed = sum(item.state is CelState.FAILED for item in results.expressions)
    spread = (
        f"{units.seconds(min(times))} to {units.seconds(max(times))} an evaluation"
        if times
        else "no evaluation was measured"
    )
    return f"{len(results.expressions)} expressions, {failed} failed: {spread}"


def _shown(found: BaseModel, names: Iterable[str]) -> list[str]:
    """Show these results, each in the unit of its name, and with its interval if it has one."""
    shown = []
    for name in names:
        show: Show = units.number
        if "_seconds" in name:
            show = units.seconds
        elif name.endswith("_bytes"):
            show = units.size
        value = getattr(found, name)
        between = value is None or isinstance(value, Estimate)
        shown.append(_between(value, show) if between else show(value))
    return shown


def _reasons(results: CelResults, measured: Sequence[CelExpressionResult]) -> list[str]:
    whole = results.unavailable | (results.restart.unavailable if results.restart else {})
    reasons = dict.fromkeys(f"{name}: {reason_line(reason)}" for name, reason in whole.items())
    shared = set(results.unavailable)
    for item in measured:
        for name, reason in item.unavailable.items():
            if name not in shared:
                reasons[f"{name} of {item.name}: {reason_line(reason)}"] = None
    return list(reasons)


def _between(estimate: Estimate | None, show: Show) -> str:
    """Show a number with its interval, if it is of enough values.

    None of these numbers can be negative: they are differences if noise takes them below zero.
    """
    if estimate is None:
        return units.NOT_AVAILABLE
    if estimate.low is None or estimate.high is None or estimate.n < FEWEST_FOR_INTERVAL:
        return show(estimate.value) if estimate.value >= 0 else _NOISE
    if estimate.value < 0:
        return f"{_NOISE} (at most {show(estimate.high, 2)})" if estimate.high > 0 else _NOISE
    value, ends = spanned(estimate.value, max(0.0, estimate.low), estimate.high, show)
    return f"{value} ({ends})"
