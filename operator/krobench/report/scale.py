"""How far kro goes: the limit, its steps, how figures grow, and predictions, as Markdown."""

from collections.abc import Sequence
from statistics import median

from krobench.analysis.scaling.curves import per_second
from krobench.analysis.scaling.slos import bounded_figures
from krobench.analysis.scaling.words import (
    column_of,
    figure_name,
    growing,
    plain,
    shown,
    unit_of,
)
from krobench.api import units
from krobench.findings.scaling import CurveFit, ScaleRecord, ScaleStep, StepVerdict
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord, TestSummary
from krobench.report.limit import (
    MINIMUM_NOT_REACHED,
    early_end,
    limit_text,
    minimum_text,
    shortfall,
)
from krobench.report.tables import table

_MODELS = {
    "linear": "straight line",
    "power": "power law",
    "usl": "Universal Scalability Law",
    "knee": "flat, then rising",
}
_COLUMNS = {
    "latency.instanceReady.p50": "ready p50",
    "latency.instanceReady.p99": "ready p99",
    "throughput.instancesPerSecond": "instances/s",
    "cpu.kroMeanCores": "kro CPU, cores",
    "memory.residentMaxBytes": "kro memory, max",
}
"""Of each size's summary; further figures that the SLOs are about stand before them."""
_NO_PREDICTION = (
    "Not available: it takes an SLO that is a bound of one figure, and at least three sizes below "
    "those that the limit rests on."
)
_KEPT = (
    "Sizes were built upon smaller ones, whose objects stayed: figures are of what a size added "
    "while these were there, and those of memory of all together."
)


def scale_section(run: RunRecord) -> str:
    """Return the section of a scale test; empty for other runs."""
    scale = run.scale
    if scale is None:
        return ""
    parts = [
        "## How far kro goes",
        limit_sentence(run),
        f"**Next to try:** {scale.next_to_try}" if scale.next_to_try else "",
        _ended_early(scale),
        _steps(run, scale),
        _growth(scale),
        _predictions(scale),
    ]
    return "\n\n".join(part for part in parts if part)


def _ended_early(scale: ScaleRecord) -> str:
    why = early_end(scale)
    return f"The test ended early: {why}." if why else ""


def limit_sentence(run: RunRecord) -> str:
    """Return the limit in a sentence; empty for runs that are no scale tests."""
    scale = run.scale
    if scale is None:
        return ""
    if scale.limit is None:
        return "**Limit:** not known yet."
    said = scale.limit.message or limit_text(scale.limit, scale.axis)
    short = shortfall(run)
    if short is not None and short.reason == MINIMUM_NOT_REACHED:
        said += f" That is too little: {minimum_text(run)}."
    return f"**Limit:** {said}"


def _steps(run: RunRecord, scale: ScaleRecord) -> str:
    if not scale.steps:
        return ""
    by_name = {test.name: test for test in run.tests}
    asked = [figure for figure in bounded_figures(run.spec["slo"]) if figure not in _COLUMNS]
    whose, load = _api_load(run.tests)
    steps = sorted(scale.steps, key=lambda step: step.size)
    rows = [_row(step, asked, by_name.get(step.test), load.get(step.test)) for step in steps]
    held = [_held(by_name[step.test]) if step.test in by_name else "-" for step in steps]
    header = (
        column_of(scale.axis),
        "SLOs met",
        *map(figure_name, asked),
        *_COLUMNS.values(),
        f"API requests/s by {whose}",
        "verdict",
    )
    if any(text != "-" for text in held):
        header = (*header, "held")
        rows = [(*row, text) for row, text in zip(rows, held, strict=True)]
    note = (
        "A line for each size that was tried, whatever the order. *SLOs met*: repetitions that met "
        "all, of those that could be judged; the sizes that the limit rests on are repeated."
    )
    if any(trial.upon is not None for step in steps for trial in step.trials):
        note += f" {_KEPT}"
    return f"### Steps\n\n{table(header, rows)}\n\n{note}"


def _row(
    step: ScaleStep, asked: Sequence[str], test: TestRecord | None, api_load: float | None
) -> Sequence[str]:
    judged = [trial for trial in step.trials if trial.met is not None]
    met = sum(trial.met is True for trial in judged)
    summary = test.summary if test is not None else None
    return (
        plain(step.size),
        f"{met} of {len(judged)}" if judged else "-",
        *(_of_trials(step, figure) for figure in asked),
        *_figures(summary),
        units.number(api_load),
        _verdict(step),
    )


def _held(test: TestRecord) -> str:
    """Show for how long a size was held, by the median of its repetitions, and how many of these
    ended before kro was steady, where it was to be."""
    holds = [done.soak for done in test.iterations if done.soak is not None and not done.warmup]
    if not holds:
        return "-"
    text = units.seconds(median(held.seconds for held in holds))
    asked = [held for held in holds if held.steady is not None or held.message]
    steady = sum(held.steady is True for held in asked)
    if not asked:
        return text
    unsteady = next((held.message for held in reversed(asked) if not held.steady), "")
    return f"{text}, kro steady in {steady} of {len(asked)}" + (
        f" ({unsteady})" if unsteady else ""
    )


def _of_trials(step: ScaleStep, figure: str) -> str:
    """Show the median of the repetitions; one that has no value took it beyond any bound."""
    values = [trial.values.get(figure) for trial in step.trials]
    known = [value for value in values if value is not None]
    return shown(median(known), unit_of(figure)) if known else units.NOT_AVAILABLE


def _figures(summary: TestSummary | None) -> Sequence[str]:
    if summary is None:
        return ["-"] * len(_COLUMNS)
    ready = summary.latency.instance_ready
    return (
        units.seconds(ready.p50_seconds if ready else None),
        units.seconds(ready.p99_seconds if ready else None),
        units.number(summary.throughput.instances_per_second),
        units.number(summary.cpu.kro_mean_cores),
        units.size(summary.memory.resident_max_bytes),
    )


def _verdict(step: ScaleStep) -> str:
    if step.verdict is None:
        return "under way"
    if step.verdict is not StepVerdict.BREACHED:
        return step.verdict.lower()
    missed = dict.fromkeys(text for trial in step.trials for text in trial.breached)
    return f"**missed**: {next(iter(missed), 'the SLOs')}"


def _api_load(tests: Sequence[TestRecord]) -> tuple[str, dict[str, float | None]]:
    """Return whose requests per second are shown, and how many by test: all, or where none of
    these are known kro's."""
    by_all: dict[str, float | None] = {}
    by_kro: dict[str, float | None] = {}
    for test in tests:
        if test.summary is not None:
            requests, seconds = test.summary.api_requests, test.summary.usage.activity.seconds
            by_all[test.name] = per_second(requests.total, seconds)
            by_kro[test.name] = per_second(requests.kro, seconds)
    known = any(value is not None for value in by_all.values())
    return ("all", by_all) if known else ("kro", by_kro)


def _growth(scale: ScaleRecord) -> str:
    if not scale.curves:
        return ""
    rows = [(figure_name(c.figure), c.message, _described(c.fits)) for c in scale.curves]
    return (
        f"### How figures change with {growing(scale.axis)}\n\n"
        + table(("figure", "what it does (95 % interval)", "best described by"), rows)
        + "\n\n*Off by*: the median deviation of repetitions from the fit, each size left out of "
        "it in turn."
    )


def _described(fits: Sequence[CurveFit]) -> str:
    if not fits:
        return "-"
    return ", ".join(
        _MODELS[fit.model]
        + (f" (off by {fit.error_ratio:.1%})" if fit.error_ratio is not None else "")
        for fit in fits[:2]
    ).replace(", ", ", then ", 1)


def _predictions(scale: ScaleRecord) -> str:
    if scale.limit is None:
        return ""
    title = "### What smaller steps alone would have foretold"
    if not scale.predictions:
        return f"{title}\n\n{_NO_PREDICTION}"
    lines = "\n".join(f"- {prediction.message}" for prediction in scale.predictions)
    return (
        f"{title}\n\n{lines}\n\n"
        "An interval of a prediction says what scatter may do, not what else may happen on the "
        "way, such as kro reaching a bottleneck."
    )
