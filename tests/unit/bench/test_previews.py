"""Previews of dashboards: what their tables and legends show of Prometheus' answers."""

from bench.monitoring import Series
from bench.previews import legend, table_rows
from scripts.dashboards.model import Kind, Panel, Query, Unit


def test_a_row_has_the_answers_whose_labels_it_has() -> None:
    panel = Panel(
        "Runs",
        "All.",
        Unit.NUMBER,
        (Query("verdict"), Query("ended")),
        kind=Kind.TABLE,
        columns=(
            ("name", "run", Unit.NUMBER),
            ("verdict", "verdict", Unit.NUMBER),
            ("Value #B", "took", Unit.SECONDS),
        ),
    )
    answers = {
        "verdict": [
            Series({"name": "a", "verdict": "Passed"}, [(0.0, 1.0)]),
            Series({"name": "b", "verdict": "Failed"}, [(0.0, 1.0)]),
        ],
        "ended": [Series({"name": "a"}, [(0.0, 1.0), (1.0, 2.5)])],
    }
    assert list(table_rows(panel, answers)) == [["a", "Passed", "2.5 s"], ["b", "Failed", ""]]


def test_a_legend_has_the_labels_that_it_names() -> None:
    assert legend("{{test}} of {{name}}", {"test": "web", "name": "n"}) == "web of n"
