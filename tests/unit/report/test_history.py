"""The kept runs of a name, as text."""

from unit.analysis.comparison.runs import METRICS, run
from unit.controller.world import record

from krobench.analysis.history import Change, Changes, Correlated
from krobench.api.specs.results import DifferenceKind
from krobench.findings.estimates import Difference, DifferenceSubject
from krobench.record.run import RunState
from krobench.report.history import render

RUNS = [record(RunState.COMPLETED)]
FLAG = Difference(
    kind=DifferenceKind.KRO_FLAGS,
    subject=DifferenceSubject.KRO_FLAG,
    name="workers",
    old=["1"],
    new=["4"],
    allowed=False,
)


def change(metric: str, before: float, after: float) -> Change:
    old, new = run("old", []), run("new", [], start_time="2026-01-02T00:00:00Z")
    return Change("a", metric, old, new, before, after, [FLAG])


def test_what_changed_with_one_run_stands_together_and_its_reason_once() -> None:
    found = [change(METRICS[0], 1.0, 0.5), change(METRICS[1], 10, 20)]
    text = render(RUNS, Changes(found, []), {"a": 12})
    assert text.splitlines()[-4:] == [
        "changed with run new-uid- of 2026-01-02T00:00:00Z, after old-uid-:",
        "  a: instance ready p50 went from 1 s to 500 ms (x0.5)",
        "  a: throughput went from 10/s to 20/s (x2)",
        "  between them, kro's --workers is 1 on the old side and 4 on the new side",
    ]


def test_too_few_runs_are_not_called_unchanged() -> None:
    said = "a: comparable runs: 9; finding changes takes 10"
    assert render(RUNS, Changes([], []), {"a": 9}).splitlines()[-1] == said
    assert (
        render(RUNS, Changes([], []), {"a": 10}).splitlines()[-1]
        == "no change in the primary metrics"
    )


def test_a_change_that_is_withheld_is_said_with_its_reason() -> None:
    withheld = Changes([], [Correlated("a", METRICS[0], 0.456)])
    last = render(RUNS, withheld, {"a": 20}).splitlines()[-1]
    assert "0.46" in last
    assert "none is reported" in last
