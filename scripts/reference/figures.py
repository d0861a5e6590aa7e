"""The pages of figures, of their old names, and of findings."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import TypeGuard

from krobench import findings
from krobench.analysis.figurenames import known_names
from krobench.api.descriptions import descriptions
from krobench.figures import reasons
from krobench.figures.catalogue import ALL, PARTS
from krobench.figures.figure import Figure, How, Per, Phase
from krobench.figures.latencies import STATISTICS
from krobench.figures.reasons.base import Reason
from krobench.figures.renamed import RENAMED
from krobench.figures.summaries import Latencies
from krobench.findings.finding import Finding
from krobench.report.words.figures import full_title
from scripts.reference.markdown import page, table, text


def figures_page() -> str:
    """Every figure and latency, from the catalogue."""
    figures = [
        (", ".join(f"`{name}`" for name in each.names), str(each.unit), figure_text(each))
        for each in ALL.values()
    ]
    described = descriptions(Latencies)
    latencies = [
        (f"`{field.alias}`", text(described.get(name)))
        for name, field in Latencies.model_fields.items()
    ]
    others = [
        ("`errors.total`", "count", "Operations that failed or had no effect in time."),
        ("`duration.seconds`", "seconds", "Set-up and run phase."),
        ("`prometheus.NAME.mean`, `prometheus.NAME.max`", "", "Queries of `collect.prometheus`."),
    ]
    return page(
        "operator/krobench/figures/catalogue.py",
        "Figures",
        "The numbers that krobench measures, by the names that thresholds, SLOs, comparisons "
        "and `run.json` use. How they are measured, and what to be careful about, is in "
        "[resource usage](usage.md). Figures are of the run phase, with these exceptions: "
        "`setUp` is of the set-up, `perInstance` a total over the instances that became ready, "
        "and `perRgd` growth in the set-up over its RGDs. `mean`, `p95`, `max` and `delta` "
        "(last minus first) are of the samples in the phase.",
        "## Latencies",
        "Each is `latency.NAME.STATISTIC`, with the statistics "
        + ", ".join(f"`{name}`" for name in STATISTICS)
        + ": percentiles, maximum and mean in seconds, how many objects got there (`n`), and how "
        "many were waited for and did not (`censored`).",
        table(("latency", "time"), latencies),
        "## Figures",
        table(("figure", "unit", "what it is"), figures),
        "## Others",
        table(("figure", "unit", "what it is"), others),
        "## Parts",
        "What sums consist of: lists of `name` and `value` in `parts` of `run.json`, the "
        "largest first. They have no names in thresholds.",
        table(("list", "what it is"), [(f"`{each.name}`", each.title) for each in PARTS]),
    )


def figure_text(figure: Figure) -> str:
    """What a figure is, and how it is read."""
    about = full_title(figure)
    if figure.per is not None:
        about += " per instance" if figure.per is Per.INSTANCE else " per RGD"
    elif figure.phase is Phase.SET_UP:
        about += ", in the set-up"
    about = f"{about}." if about.startswith(("kro", "etcd")) else f"{about[0].upper()}{about[1:]}."
    if figure.text:
        about += f" {figure.text}"
    metrics = [figure.metric, figure.second if figure.how is How.STAMPED_RATIO else None]
    names = " and ".join(f"`{metric.name}`" for metric in metrics if metric is not None)
    return f"{about} Source: {names}, {figure.how.value}." if names else about


def renamed_figures_page() -> str:
    """The names of figures in records and thresholds of earlier versions."""
    known = known_names()
    rows = [[f"`{old}`", f"`{new}`"] for old, new in sorted(RENAMED.items()) if new in known]
    return page(
        "operator/krobench/figures/renamed.py",
        "Renamed figures",
        "Thresholds, SLOs and `spec.baseline.primary` refuse an old name with a message that names "
        "the new one. Records and baselines with old names are read as if they had the new ones.",
        table(["old name", "new name"], rows),
    )


def findings_page() -> str:
    """Every finding that a record can have, by the module that declares it."""
    about = (
        "What the analysis concludes is stored in `run.json` as findings: a code, with the numbers "
        "and names that it rests on. Reports, status and Events are worded from them."
    )
    missing = "Why a number is missing is a code, too, in `unavailable` and `missing`."
    blocks = [
        about,
        *_codes(findings.__name__, findings.__path__),
        "# Reasons for missing numbers",
        missing,
        *_codes(reasons.__name__, reasons.__path__),
    ]
    return page("operator/krobench/findings and figures/reasons", "Findings", *blocks)


def _codes(package: str, path: Iterable[str]) -> Iterator[str]:
    """Yield a table of all codes for each module of a package."""
    for module in pkgutil.iter_modules(path):
        name = f"{package}.{module.name}"
        rows = []
        for found in vars(importlib.import_module(name)).values():
            if isinstance(found, type) and found.__module__ == name and _has_code(found):
                fields = found.model_fields
                aliases = [field.alias or key for key, field in fields.items() if key != "code"]
                meaning = text((found.__doc__ or "").partition("\n\n")[0])
                named = ", ".join(f"`{alias}`" for alias in aliases)
                rows.append([f"`{fields['code'].default}`", meaning, named])
        if rows:
            yield f"## {module.name.replace('_', ' ').capitalize()}"
            yield table(["code", "meaning", "fields"], rows)


def _has_code(found: type) -> TypeGuard[type[Finding | Reason]]:
    if not issubclass(found, Finding | Reason):
        return False
    code = found.model_fields["code"].default
    return isinstance(code, str) and code != "Quoted"
