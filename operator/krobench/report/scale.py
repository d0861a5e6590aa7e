"""The section of a scale test: its limit, sizes, how figures grow, and predictions, as Markdown."""

from collections.abc import Sequence
from statistics import median

from krobench.analysis.iterations import per_second
from krobench.analysis.scaling.curves import unit_of
from krobench.analysis.scaling.slos import bounded_figures
from krobench.figures.catalogue import (
    API_SERVER_REQUESTS,
    KRO_CPU_CORES,
    KRO_REQUESTS,
    KRO_RESIDENT,
    RUN_SECONDS,
)
from krobench.figures.summaries import Figures
from krobench.findings.scaling import ScaleRecord, SizeRecord, SizeVerdict
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord
from krobench.report.tables import Column, bullets, column, columns, section, table
from krobench.report.tests import summary_columns
from krobench.report.words.curves import curve_line, prediction_line
from krobench.report.words.scaling import (
    MINIMUM_NOT_REACHED,
    breaches_line,
    early_end,
    limit_line,
    minimum_text,
    next_line,
    shortfall,
    unsteady_line,
)
from krobench.report.words.sizes import column_of, figure_name, growing, plain, shown

_MODELS = {
    "linear": "straight line",
    "power": "power law",
    "usl": "Universal Scalability Law",
    "knee": "flat, then rising",
}
_COLUMNS = frozenset(
    {
        "latency.instanceReady.p50",
        "latency.instanceReady.p99",
        "throughput.instancesPerSecond",
        "kro.cpu.meanCores",
        "kro.memory.residentBytes.max",
    }
)
"""Figures of every table of sizes; further ones of the SLOs come before them."""
_NO_PREDICTION = (
    "Not available: a prediction needs an SLO that is a bound of one figure, and at least three "
    "sizes below the ones that decide the limit."
)
_ABOUT_PREDICTIONS = (
    "A prediction's interval covers scatter only. It does not cover anything else that may happen "
    "on the way, such as kro reaching a bottleneck."
)
_ABOUT_SIZES = (
    "One row for each size, in ascending order. *SLOs met*: iterations that met all SLOs, of those "
    "that could be judged. The sizes that decide the limit are repeated."
)
_CUMULATIVE = (
    "Sizes are cumulative: each adds to the objects of the smaller ones. Figures cover what a size "
    "added, except memory, which covers all objects."
)


def scale_section(run: RunRecord) -> str:
    """Return the section of a scale test; empty for other runs."""
    scale = run.scale
    if scale is None:
        return ""
    why = early_end(scale)
    return section(
        "How far kro scales",
        limit_sentence(run),
        f"**Next to try:** {next_line(scale.next_to_try, scale.axis)}."
        if scale.next_to_try
        else "",
        f"The test ended early: {why}." if why else "",
        _sizes(run, scale),
        _growth(scale),
        _predictions(scale),
    )


def limit_sentence(run: RunRecord) -> str:
    """Return the limit in a sentence; empty for runs that aren't scale tests."""
    scale = run.scale
    if scale is None:
        return ""
    if scale.limit is None:
        return "**Limit:** not known yet."
    text = limit_line(scale.limit, scale.axis, scale.stopped) + "."
    short = shortfall(run)
    if short is not None and short.reason == MINIMUM_NOT_REACHED:
        text += f" This is not enough: {minimum_text(run)}."
    return f"**Limit:** {text}"


def _sizes(run: RunRecord, scale: ScaleRecord) -> str:
    if not scale.sizes:
        return ""
    sizes = sorted(scale.sizes, key=lambda each: each.size)
    by_name = {test.name: test for test in run.tests}
    tests = [by_name.get(size.test) for size in sizes]
    summaries = [test.summary if test is not None else None for test in tests]
    figures = [each.figures if each is not None else Figures() for each in summaries]
    asked = [figure for figure in bounded_figures(run.spec["slo"]) if figure not in _COLUMNS]
    soaked = [_soaked(test) for test in tests]
    note = _ABOUT_SIZES
    if any(one.upon is not None for size in sizes for one in size.iterations):
        note += f" {_CUMULATIVE}"
    return section(
        "Sizes",
        columns(
            Column(column_of(scale.axis), [plain(size.size) for size in sizes]),
            Column("SLOs met", list(map(_met, sizes))),
            *(_asked(figure, sizes) for figure in asked),
            *summary_columns(summaries),
            column("kro CPU, cores", [each[KRO_CPU_CORES] for each in figures], "cores"),
            column("kro memory, max", [each[KRO_RESIDENT.max] for each in figures], "bytes"),
            _api_requests(figures),
            Column("verdict", list(map(_verdict, sizes))),
            *([Column("soak", soaked)] if set(soaked) != {"-"} else []),
        ),
        note,
        level=3,
    )


def _met(size: SizeRecord) -> str:
    judged = [one.met for one in size.iterations if one.met is not None]
    return f"{sum(judged)} of {len(judged)}" if judged else "-"


def _asked(figure: str, sizes: Sequence[SizeRecord]) -> Column:
    """Return a figure of the SLOs: the median of the iterations of each size that have it."""
    values = []
    for size in sizes:
        known = [v for one in size.iterations if (v := one.values.get(figure)) is not None]
        values.append(median(known) if known else None)
    return column(figure_name(figure), values, unit_of(figure))


def _api_requests(figures: Sequence[Figures]) -> Column:
    """Return API requests per second by all clients, or by kro if those of all are not known."""
    by_all = [per_second(each[API_SERVER_REQUESTS], each[RUN_SECONDS]) for each in figures]
    if any(value is not None for value in by_all):
        return column("API requests/s by all", by_all, "per_second")
    by_kro = [per_second(each[KRO_REQUESTS], each[RUN_SECONDS]) for each in figures]
    return column("API requests/s by kro", by_kro, "per_second")


def _verdict(size: SizeRecord) -> str:
    if size.verdict is None:
        return "running"
    if size.verdict is not SizeVerdict.BREACHED:
        return size.verdict.lower()
    missed = next((one.breached[:1] for one in size.iterations if one.breached), [])
    return f"**missed**: {breaches_line(missed) or 'the SLOs'}"


def _soaked(test: TestRecord | None) -> str:
    """Show how long a size was soaked, by the median of its iterations, and in how many of them
    kro was steady at the end if the soak waits for that."""
    iterations = test.iterations if test is not None else []
    soaks = [done.soak for done in iterations if done.soak is not None and not done.warmup]
    if not soaks:
        return "-"
    text = shown(median(each.seconds for each in soaks), "seconds")
    asked = [each for each in soaks if each.steady is not None or each.unsteady]
    if not asked:
        return text
    steady = sum(each.steady is True for each in asked)
    why = next(
        (
            unsteady_line(each.unsteady, each.memory_bytes_per_second)
            for each in reversed(asked)
            if not each.steady
        ),
        "",
    )
    return f"{text}, kro steady in {steady} of {len(asked)}" + (f" ({why})" if why else "")


def _growth(scale: ScaleRecord) -> str:
    if not scale.curves:
        return ""
    rows = []
    for curve in scale.curves:
        fits = [
            _MODELS[fit.model]
            + (f" (off by {fit.error_ratio:.1%})" if fit.error_ratio is not None else "")
            for fit in curve.fits[:2]
        ]
        rows.append((figure_name(curve.figure), curve_line(curve), ", then ".join(fits) or "-"))
    return section(
        f"How figures change with {growing(scale.axis)}",
        table(("figure", "change", "best fit"), rows),
        "*Off by*: the median deviation of iterations from the fit, with each size left out in "
        "turn.",
        level=3,
    )


def _predictions(scale: ScaleRecord) -> str:
    if scale.limit is None:
        return ""
    lines = [
        prediction_line(found, scale.axis, shown(found.bound, unit_of(found.figure)))
        for found in scale.predictions
    ]
    parts = (bullets(lines), _ABOUT_PREDICTIONS) if lines else (_NO_PREDICTION,)
    return section("Limit predicted from smaller sizes alone", *parts, level=3)
