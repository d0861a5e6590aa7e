"""The page of a history: how figures went over the kept runs of a name.

It is apart from that of a run, which takes a quarter of a second to import.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from markupsafe import Markup

from krobench.analysis.history import History
from krobench.record.run import RunRecord
from krobench.report import history
from krobench.report.html.charts.base import Drawing, drawn
from krobench.report.html.charts.comparison import limit_trend, trend_charts
from krobench.report.html.page import Fold, Section, draw, page


def render(
    name: str,
    runs: Sequence[RunRecord],
    found: History,
    text: Callable[[], str],
    drawing: Drawing | None,
) -> str:
    """Return the page of the kept runs of a name; ``text`` returns what the command prints."""
    shown = draw(_sections(runs, found, text), drawing)
    return page(
        f"History of {name}",
        shown,
        drawing,
        verdict="",
        about=history.counts_line(runs, found.changes().found),
        times="",
        problems=[],
        top=[],
        groups=[],
        warnings=[],
        kind="",
    )


def _sections(
    runs: Sequence[RunRecord], found: History, text: Callable[[], str]
) -> Iterator[Section]:
    # Metrics are searched for changes while the charts of those before are drawn.
    charts = chain(drawn(limit_trend(runs)), trend_charts(runs, found.changes_of))
    yield Section("trend", "Trends", charts)
    body = Markup("<pre>{}</pre>").format(text())
    yield Section("runs", "Runs", folds=[Fold("All runs and changes", body, is_open=True)])
