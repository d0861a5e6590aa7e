"""``krobench compare`` and ``krobench baseline export``."""

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Literal

import orjson

from krobench.analysis.comparison.compare import compare
from krobench.analysis.comparison.estimates import slim, why_not_comparable
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.comparison.scaletests import ScaleSide, compare_scale_tests
from krobench.cli.errors import CliError
from krobench.cli.sides import read_sides
from krobench.findings.comparison import Comparison
from krobench.findings.estimates import RunEstimates
from krobench.findings.scale_comparison import ScaleComparison
from krobench.record.baseline import Baseline, to_config_map, to_json, to_yaml
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord
from krobench.report import comparison as report
from krobench.report import scalecomparison as scale_report
from krobench.report.words.comparison import unusable_line

Compared = Comparison | ScaleComparison


class ExitCode(IntEnum):
    """Exit codes of ``krobench compare``; 2 is wrong usage."""

    NOT_WORSE = 0
    WORSE = 1
    UNDECIDED = 3
    ERROR = 4


def compare_sides(arguments: Sequence[str], namespace: str, rules: Rules) -> list[Compared]:
    """Return the comparison of the first side with each of the others.

    Raises:
        CliError: if a side cannot be read, or the rules do not apply to scale tests.
    """
    old, *others = sides = read_sides(arguments, namespace)
    if not all(side.scale_tests == side.runs for side in sides):
        return [compare(old.side, new.side, rules) for new in others]
    if rules.primary:
        raise CliError("--primary applies to KroBenchmarks: KroScaleTests are compared by limit")
    first, *later = [ScaleSide(side.label, side.scale_tests) for side in sides]
    return [compare_scale_tests(first, new, rules) for new in later]


def render(
    comparisons: Sequence[Compared],
    output: Literal["text", "markdown", "json"],
    *,
    exploratory: bool,
) -> str:
    if output == "json":
        plain = [item.model_dump(by_alias=True, mode="json") for item in comparisons]
        return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n"
    if output == "markdown":
        pages = [
            scale_report.markdown(item)
            if isinstance(item, ScaleComparison)
            else report.markdown(item)
            for item in comparisons
        ]
        return "\n\n".join(pages) + "\n"
    return "\n".join(
        scale_report.text(item, exploratory=exploratory)
        if isinstance(item, ScaleComparison)
        else report.text(item, exploratory=exploratory)
        for item in comparisons
    )


def exit_code(comparisons: Sequence[Compared], *, fail_on_inconclusive: bool) -> ExitCode:
    """Return the exit code for the worst result."""
    if any(item.worse for item in comparisons):
        return ExitCode.WORSE
    undecided = any(item.undecided for item in comparisons)
    if any(item.refused for item in comparisons) or (fail_on_inconclusive and undecided):
        return ExitCode.UNDECIDED
    return ExitCode.NOT_WORSE


def export_baseline(
    arguments: Sequence[str], namespace: str, path: Path | None, config_map: str | None
) -> str:
    """Return runs as a baseline: as YAML if ``path`` ends with .yaml, else as JSON.

    Raises:
        CliError: if a run cannot be read, or cannot be compared with.
    """
    runs = {run.id: run for side in read_sides(arguments, namespace) for run in side.runs}
    benchmarks = [run for run in runs.values() if isinstance(run, RunEstimates)]
    scale_tests = [run for run in runs.values() if isinstance(run, RunRecord)]
    if benchmarks and scale_tests:
        raise CliError(
            f"{', '.join(f'{run.namespace}/{run.name}' for run in runs.values())}: these are "
            "KroBenchmarks and KroScaleTests, which cannot be compared with each other; export a "
            "baseline of each kind"
        )
    for run in runs.values():
        unusable = run.unusable if isinstance(run, RunEstimates) else why_not_comparable(run)
        if unusable is not None:
            why = unusable_line(unusable)
            raise CliError(f"run {run.namespace}/{run.name} cannot be a baseline: {why}")
    baseline = Baseline(runs=benchmarks, scale_tests=list(map(slim, scale_tests)))
    try:
        if config_map is not None:
            return to_config_map(baseline, config_map, namespace)
    except RecordError as error:
        raise CliError(str(error)) from error
    as_yaml = path is not None and path.suffix in (".yaml", ".yml")
    return to_yaml(baseline) if as_yaml else to_json(baseline)
