"""What ``krobench history`` prints. A page takes longer to load, so only a page loads it."""

from dataclasses import dataclass

from krobench.analysis.comparison.rules import primary_of
from krobench.analysis.history import Change, Changes, changes, series_lengths
from krobench.api.kinds import RunKind
from krobench.cli.kept import fetch_history
from krobench.cli.names import RunName
from krobench.record.run import RunRecord
from krobench.report import history
from krobench.report.html.charts.base import Drawing


def history_of(name: RunName, drawing: Drawing | None = None, *, html: bool) -> str:
    """Return the kept runs of a name as text or as a page, with the changes between them.

    Raises:
        CliError: if there are none, or they cannot be read.
    """
    found = _found(name)
    if not html:
        return found.text
    from krobench.report.html import history as page

    return page.render(str(name), found.runs, found.changes, found.text, drawing)


@dataclass(frozen=True)
class _Found:
    runs: list[RunRecord]
    changes: list[Change]
    text: str


def _found(name: RunName) -> _Found:
    heads = fetch_history(name)
    scale_tests = [head.run for head in heads if head.run.kind == RunKind.SCALE_TEST]
    benchmarks = [head for head in heads if head.run.kind != RunKind.SCALE_TEST]
    text = history.render_limits(scale_tests) if scale_tests else ""
    found = Changes([], [])
    if benchmarks:
        estimates = [head.estimates for head in benchmarks]
        runs = [head.run for head in benchmarks]
        found = changes(estimates, primary_of(runs[-1].spec))
        text += history.render(runs, found, series_lengths(estimates))
    return _Found([head.run for head in heads], found.found, text)
