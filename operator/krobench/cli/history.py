"""What ``krobench history`` prints. A page takes longer to load, so only a page loads it."""

from krobench.analysis.comparison.rules import primary_of
from krobench.analysis.history import History, series_lengths
from krobench.api.kinds import RunKind
from krobench.cli.kept import fetch_history
from krobench.cli.names import RunName
from krobench.report import history
from krobench.report.html.charts.base import Drawing


def history_of(name: RunName, drawing: Drawing | None = None, *, html: bool) -> str:
    """Return the kept runs of a name as text or as a page, with the changes between them.

    Raises:
        CliError: if there are none, or they cannot be read.
    """
    heads = fetch_history(name)
    scale_tests = [head.run for head in heads if head.run.kind == RunKind.SCALE_TEST]
    benchmarks = [head for head in heads if head.run.kind != RunKind.SCALE_TEST]
    runs = [head.run for head in benchmarks]
    estimates = [head.estimates for head in benchmarks]
    found = History(estimates, primary_of(runs[-1].spec)) if runs else History([])

    def text() -> str:
        limits = history.render_limits(scale_tests) if scale_tests else ""
        if not runs:
            return limits
        return limits + history.render(runs, found.changes(), series_lengths(estimates))

    if not html:
        return text()
    from krobench.report.html import history as page

    return page.render(str(name), [head.run for head in heads], found, text, drawing)
