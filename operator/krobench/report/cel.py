"""What expressions cost kro, as Markdown."""

from collections.abc import Callable, Sequence

from krobench.api import units
from krobench.figures.cel import (
    CelExpressionResult,
    CelRestartResults,
    CelResults,
    CelState,
    Estimate,
)
from krobench.report.tables import table

_OWN = "own"
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
    parts = [_costs(measured)] if measured else []
    parts.append(_handling(results))
    if results.patterns:
        rows = [
            (_PATTERNS.get(pattern.name, pattern.name), _between(pattern.ratio, units.number))
            for pattern in results.patterns
        ]
        parts.append(table(("comparison", "ratio"), rows))
    if results.restart is not None:
        parts += [_restart(results.restart), _first_evaluations(measured)]
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


def _costs(items: Sequence[CelExpressionResult]) -> str:
    header = (
        "expression",
        "family",
        "level",
        "one evaluation",
        "beyond a constant",
        "relative to field access",
        "compiling once",
        "heap, compiled",
        "evaluations",
        "celpy",
    )
    rows = [
        (
            item.name,
            item.family or _OWN,
            item.level,
            _between(item.evaluation_seconds, units.seconds),
            _between(item.over_constant_seconds, units.seconds),
            _between(item.relative_to_field_access, units.number),
            _between(item.compile_seconds, units.seconds),
            _between(item.compiled_bytes, units.size),
            units.number(item.evaluations),
            item.cross_check,
        )
        for item in items
    ]
    return table(header, rows)


def _handling(results: CelResults) -> str:
    rows = [
        (
            "evaluating a constant (overhead of kro and cel-go)",
            _between(results.constant_seconds, units.seconds),
        ),
        (
            "building the graph of an RGD with one constant",
            _between(results.empty_graph_build_seconds, units.seconds),
        ),
        ("graph builds per change of an RGD", units.number(results.builds_per_change)),
        (
            "GraphRevision controller build time over RGD controller build time",
            _between(results.revision_compile_ratio, units.number),
        ),
        (
            "windows not used because kro was busy with other work",
            units.number(results.disturbed_windows),
        ),
    ]
    return table(("around the expressions", "value"), rows)


def _restart(restart: CelRestartResults) -> str:
    rows = [
        ("restarts measured", units.number(restart.restarts)),
        ("RGDs", units.number(restart.rgds)),
        (
            "revisions of an RGD that are compiled again",
            _between(restart.revisions_per_rgd, units.number),
        ),
        (
            "compiling all revisions of one RGD",
            _between(restart.compile_seconds_per_rgd, units.seconds),
        ),
        (
            "per copy of an expression in a revision",
            _between(restart.compile_seconds_per_expression, units.seconds),
        ),
        (
            "graphs that the RGD controller builds in addition",
            _between(restart.graph_builds, units.number),
        ),
        (
            "from deleting kro's pod until a new leader",
            _between(restart.leading_seconds, units.seconds),
        ),
        (
            "from then until all revisions were compiled",
            _between(restart.compiled_seconds, units.seconds),
        ),
        (
            "from then until all instances were reconciled",
            _between(restart.reconciled_seconds, units.seconds),
        ),
    ]
    return table(("a restart of kro", "value"), rows)


def _first_evaluations(items: Sequence[CelExpressionResult]) -> str:
    header = ("expression", "first evaluation after a restart", "to later ones")
    rows = [
        (
            item.name,
            _between(item.first_after_restart_seconds, units.seconds),
            _between(item.first_after_restart_ratio, units.number),
        )
        for item in items
    ]
    return table(header, rows)


def _reasons(results: CelResults, measured: Sequence[CelExpressionResult]) -> list[str]:
    whole = results.unavailable | (results.restart.unavailable if results.restart else {})
    reasons = dict.fromkeys(f"{name}: {reason}" for name, reason in whole.items())
    shared = set(results.unavailable)
    for item in measured:
        for name, reason in item.unavailable.items():
            if name not in shared:
                reasons[f"{name} of {item.name}: {reason}"] = None
    return list(reasons)


def _between(estimate: Estimate | None, show: Callable[[float | None], str]) -> str:
    """Show a number with its interval."""
    if estimate is None:
        return units.NOT_AVAILABLE
    if estimate.low is None or estimate.high is None:
        return show(estimate.value)
    return f"{show(estimate.value)} ({show(estimate.low)} to {show(estimate.high)})"
