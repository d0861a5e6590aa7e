"""The page of a history: how figures went over the kept runs of a name.

It is apart from that of a run, which takes a quarter of a second to import.
"""

from collections.abc import Sequence

from markupsafe import Markup

from krobench.analysis.history import Change
from krobench.record.run import RunRecord
from krobench.report import history
from krobench.report.html.charts.base import Drawing, drawn
from krobench.report.html.charts.comparison import limit_trend, trend_charts
from krobench.report.html.page import Fold, Section, page


def render(
    name: str,
    runs: Sequence[RunRecord],
    changes: Sequence[Change],
    text: str,
    drawing: Drawing | None,
) -> str:
    """Return the page of the kept runs of a name; ``text`` is what the command prints."""
    charts = [*drawn(limit_trend(runs)), *trend_charts(runs, changes)]
    body = Markup("<pre>{}</pre>").format(text)
    sections = [
        Section("trend", "Trends", charts),
        Section("runs", "Runs", folds=[Fold("All runs and changes", body, is_open=True)]),
    ]
    return page(
        f"History of {name}",
        sections,
        drawing,
        verdict="",
        about=history.counts_line(runs, changes),
        times="",
        problems=[],
        top=[],
        groups=[],
        warnings=[],
        kind="",
    )
