"""``krobench report``: a run for a person to read."""

from krobench.cli.results import fetch_lines, fetch_run
from krobench.model.kinds import RunKind
from krobench.report.html import page
from krobench.report.markdown import render


def render_report(namespace: str, name: str, kind: RunKind | None, *, html: bool) -> str:
    """Return the report of a run, as Markdown or as an HTML page.

    Raises:
        ResultsError: if there is none.
    """
    run = fetch_run(namespace, name, kind)
    return page.render(run, *fetch_lines(run)) if html else render(run)
