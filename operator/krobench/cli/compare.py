"""``krobench compare`` and ``krobench baseline export``."""

import asyncio
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from pathlib import Path

import orjson

from krobench.analysis.comparison.compare import compare
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.comparison.scaletests import ScaleSide, compare_scale_tests
from krobench.cli.errors import ResultsError
from krobench.cli.sources import NamedRuns, read_side
from krobench.findings.comparison import Baseline, Comparison, MetricVerdict
from krobench.findings.scale_comparison import ScaleComparison
from krobench.kube.errors import KubeError
from krobench.record.baseline import to_config_map, to_json, to_yaml
from krobench.record.reading import RecordError
from krobench.report import comparison as report
from krobench.report import scalecomparison as scale_report


class ExitCode(IntEnum):
    """How ``krobench compare`` ends; 2 is left to wrong usage, as everywhere."""

    NOT_WORSE = 0
    WORSE = 1
    UNDECIDED = 3
    ERROR = 4


class Format(StrEnum):
    """How a comparison is printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


class CompareError(Exception):
    """The runs could not be read; the message says why."""


Compared = Comparison | ScaleComparison


def compare_sides(arguments: Sequence[str], namespace: str, rules: Rules) -> list[Compared]:
    """Return the comparison of the first side with each of the others.

    Raises:
        CompareError: if one cannot be read, or metrics of benchmarks are asked of scale tests.
    """
    old, *others = sides = _read(arguments, namespace)
    if not all(side.scale_tests == side.runs for side in sides):
        return [compare(old.side, new.side, rules) for new in others]
    if rules.primary:
        raise CompareError("--primary names metrics of benchmarks: of scale tests, limits count")
    first, *later = [ScaleSide(side.label, side.scale_tests) for side in sides]
    return [compare_scale_tests(first, new, rules) for new in later]


def render(comparisons: Sequence[Compared], output: Format, *, exploratory: bool) -> str:
    """Return comparisons in the format asked for."""
    if output is Format.JSON:
        plain = [item.model_dump(by_alias=True, mode="json") for item in comparisons]
        return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n"
    if output is Format.MARKDOWN:
        return "\n\n".join(map(_markdown, comparisons)) + "\n"
    return "\n".join(_text(item, exploratory=exploratory) for item in comparisons)


def _markdown(item: Compared) -> str:
    if isinstance(item, ScaleComparison):
        return scale_report.markdown(item)
    return report.markdown(item)


def _text(item: Compared, *, exploratory: bool) -> str:
    if isinstance(item, ScaleComparison):
        return scale_report.text(item, exploratory=exploratory)
    return report.text(item, exploratory=exploratory)


def exit_code(comparisons: Sequence[Compared], *, fail_on_inconclusive: bool) -> ExitCode:
    """Return the exit code: the worst of what was found comes first."""
    if any(item.verdict is MetricVerdict.WORSE for item in comparisons):
        return ExitCode.WORSE
    undecided = any(item.undecided for item in comparisons)
    if any(item.refused for item in comparisons) or (fail_on_inconclusive and undecided):
        return ExitCode.UNDECIDED
    return ExitCode.NOT_WORSE


def export_baseline(
    arguments: Sequence[str], namespace: str, path: Path | None, config_map: str | None
) -> str:
    """Return runs as a baseline, as YAML where ``path`` says so, else as JSON.

    Raises:
        CompareError: if a run cannot be read, or must not be compared with.
    """
    runs = {run.id: run for side in _read(arguments, namespace) for run in side.side.runs}
    for run in runs.values():
        if run.unusable is not None:
            raise CompareError(
                f"run {run.namespace}/{run.name} is no baseline: {run.unusable.message}"
            )
    baseline = Baseline(runs=list(runs.values()))
    try:
        if config_map is not None:
            return to_config_map(baseline, config_map, namespace)
    except RecordError as error:
        raise CompareError(str(error)) from error
    as_yaml = path is not None and path.suffix in (".yaml", ".yml")
    return to_yaml(baseline) if as_yaml else to_json(baseline)


def _read(arguments: Sequence[str], namespace: str) -> list[NamedRuns]:
    async def read_all() -> list[NamedRuns]:
        return [await read_side(argument, namespace) for argument in arguments]

    try:
        return asyncio.run(read_all())
    except (ResultsError, RecordError, KubeError) as error:
        raise CompareError(str(error)) from error
