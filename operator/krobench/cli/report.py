"""``krobench report``: a run for a person to read."""

from krobench.cli.names import parse_name
from krobench.cli.results import fetch_lines, fetch_run
from krobench.report.html import page
from krobench.report.markdown import render


def render_report(name: str, namespace: str, *, html: bool) -> str:
    """Return the report of a run, as Markdown or as an HTML page.

    Raises:
        ResultsError: if there is none.
    """
    run = fetch_run(parse_name(name, namespace))
    return page.render(run, *fetch_lines(run)) if html else render(run)
