from functools import cache

import pytest
from unit.report.scales import scale_run

from krobench.analysis.comparison.rules import Rules
from krobench.analysis.comparison.scaletests import ScaleSide, compare_scale_tests
from krobench.api.specs.results import DifferenceKind
from krobench.api.specs.scaletest import Axis
from krobench.findings.scale_comparison import ScaleComparison
from krobench.findings.scaling import Limit, LimitState
from krobench.record.run import RunRecord
from krobench.report.scalecomparison import limit_in_words, markdown, summary, text

OLD = scale_run()
LARGER = scale_run(1500, {100: 1, 950: 3, 1400: 3, 1600: 3})


def compared(new: RunRecord = LARGER, rules: Rules | None = None) -> ScaleComparison:
    other = new.model_copy(update={"id": "another"})
    sides = ScaleSide("old.json", [OLD]), ScaleSide("new.json", [other])
    return compare_scale_tests(*sides, rules or Rules())


def test_the_limit_is_one_line_with_both_sides_ratio_and_verdict() -> None:
    lines = [line.strip() for line in text(compared()).splitlines()]
    header = next(index for index, line in enumerate(lines) if line.startswith("limit"))
    assert lines[header].split() == ["limit", "old", "new", "ratio", "(95", "%)", "verdict"]
    cells = [cell.strip() for cell in lines[header + 1].split("  ") if cell.strip()]
    assert cells[0] == "instances"
    assert cells[1].startswith("100")
    assert cells[2].startswith("150")
    assert cells[3].startswith("1.5")
    assert cells[4] == "inconclusive"
    assert lines[-1].startswith("Inconclusive: the limit is 1.5")


def test_it_says_what_replicates_are_and_what_they_do_not_show() -> None:
    said = "do not show the drift between the two runs; give several runs a side to include it"
    assert said in text(compared())
    assert "old: old.json, run bench/how-far (0)" in text(compared())


def test_figures_of_sizes_are_shown_when_asked_for() -> None:
    short, whole = text(compared()), text(compared(), exploratory=True)
    assert "exploratory metrics of sizes hidden; show them with --all" in short
    assert "instances-950" not in short.partition("not compared")[0]
    assert "instances-950, exploratory: no verdicts" in whole
    assert "instance ready p99" in whole
    assert "(n=3+3)" in whole


def test_markdown_has_the_same_with_the_figures_last() -> None:
    output = markdown(compared())
    assert output.startswith("## Limit compared with old.json\n\nInconclusive: the limit is 1.5")
    assert "| instances | 100" in output
    assert output.index("| instances | ") < output.index("**Exploratory: no verdicts")
    assert "| instances-950 | instance ready p99 |" in output


def test_a_refusal_is_a_sentence_and_no_table() -> None:
    other = LARGER.model_copy(update={"spec": LARGER.spec | {"timeout": "1m"}})
    for output in (text(compared(other)), markdown(compared(other))):
        assert "Not compared: the runs differ in more than is allowed" in output
        assert "ratio (95 %)" not in output
    allowed = text(compared(other, Rules(frozenset({DifferenceKind.WORKLOAD}))))
    assert "differs, as allowed: timeout is 10m on the old side and 1m on the new" in allowed


def test_a_limit_beyond_the_sizes_is_said_in_words() -> None:
    found = compared(scale_run(20_000, {100: 1, 800: 1, 1600: 1}))
    assert "above 1600" in text(found)
    assert "at least 1.5" in text(found)
    assert summary(found).startswith("Inconclusive: the limit is at least 1.5")
    near = compared(scale_run(3_000, {100: 1, 500: 1, 1000: 1}))
    assert "inconclusive: the limit of the new side is above 1000: add larger sizes" in text(near)
    assert "- inconclusive: the limit of the new side" in markdown(near)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(state=LimitState.NOT_REACHED, size=320, last_met=320), "above 320"),
        (Limit(state=LimitState.UNDECIDED, last_met=80), "above 80"),
        (Limit(state=LimitState.UNDECIDED), "not available"),
        (Limit(state=LimitState.BELOW_FIRST, first_breach=50), "below 50"),
        (
            Limit(state=LimitState.FOUND, size=40, low=40, high=80, method="bracket"),
            "between 40 and 80",
        ),
        (
            Limit(state=LimitState.FOUND, size=47.9, low=44.3, high=50.2, method="crossing"),
            "47 (44 to 51)",
        ),
    ],
)
def test_each_kind_of_limit_has_its_words(limit: Limit, words: str) -> None:
    assert limit_in_words(limit, Axis.INSTANCES) == words


def test_another_slo_that_breaks_first_on_a_side_is_named() -> None:
    found = compared()
    assert "breaks first" not in text(found)
    found.new_limits[0].breached = "kro.memory.residentBytes.max < 300.0"
    said = "breaks first: latency.instanceReady.p99 < 2.0 on the old side, kro.memory.resident"
    assert said in text(found)


@cache
def _run_of_many(limit: float) -> RunRecord:
    return scale_run(limit, {100: 1, 950: 3, 1050: 3, 1400: 3, 1600: 3})


def several(ids: str, *limits: float) -> list[RunRecord]:
    runs = [_run_of_many(limit) for limit in limits]
    return [run.model_copy(update={"id": id_}) for id_, run in zip(ids, runs, strict=True)]


def of_runs(*limits: float) -> ScaleComparison:
    old = ScaleSide("history:old", several("abcd", 980, 1000, 1010, 1030))
    new = ScaleSide("history:new", several("efgh"[: len(limits)], *limits))
    return compare_scale_tests(old, new, Rules())


def test_of_several_runs_the_line_has_medians_with_their_range_and_p_with_n() -> None:
    found = of_runs(1470, 1480, 1500, 1550)
    lines = [line.strip() for line in text(found).splitlines()]
    assert lines[0] == "old: history:old, 4 runs"
    assert "replicates: runs; minimum effect: 5 %" in lines
    header = next(index for index, line in enumerate(lines) if line.startswith("limit"))
    cells = [cell.strip() for cell in lines[header + 1].split("  ") if cell.strip()]
    assert cells[:3] == ["instances", "1005 (980 to 1030)", "1490 (1470 to 1550)"]
    assert cells[3].startswith("1.48 (")
    assert cells[4:] == ["0.029 (n=4+4)", "better"]
    assert "| instances | 1005 (980 to 1030) |" in markdown(found)


def test_a_range_ends_above_all_sizes_if_a_run_met_the_slos_at_all() -> None:
    assert "1490 (1470 to above 1600)" in text(of_runs(1470, 1480, 1500, 2500))
    found = of_runs(2300, 2400, 2500, 2600)
    assert "above 1600 " in text(found)
    assert summary(found).startswith("Better: the limit is at least 1.5")
    few = text(of_runs(1000, 2500))
    assert "not available (n=4+2)" in few
    assert "inconclusive: 1 of 2 limits of the new side is above all sizes tried" in few
    partly = text(
        of_runs(
            1000,
            1500,
            1550,
            2500,
        )
    )
    assert "(1000 to above 1600)" in partly


def test_growth_is_shown_without_a_verdict_when_asked_for() -> None:
    found = compared(scale_run(1500, {100: 1, 400: 1, 800: 1, 950: 3, 1400: 3, 1600: 3}))
    assert {each.figure for each in found.growth} >= {"latency.instanceReady.p99"}
    assert "for each further instance" in text(found, exploratory=True)
    assert "for each further instance" in markdown(found)
    assert "for each further instance" not in text(found)
