from unit.report.scales import SLO, scale_run

from krobench.api.status import Verdict
from krobench.findings.finding import Quoted
from krobench.findings.scaling import Limit, LimitState, ScaleRecord, SizesLeftOut
from krobench.findings.steady import MemoryChanging
from krobench.record.test import Soak
from krobench.report.markdown import render
from krobench.report.scale import limit_sentence, scale_section
from krobench.report.words.scaling import limit_line, limit_text


def test_the_limit_stands_at_the_top_in_a_sentence() -> None:
    text = scale_section(scale_run())
    assert text.splitlines()[2].startswith("**Limit:** kro meets all SLOs up to 100")
    assert f"beyond, `{SLO}` breaks first" in text.splitlines()[2]


def test_the_limit_is_the_same_in_the_status_and_in_the_sentence() -> None:
    scale = scale_run().scale
    assert scale is not None
    assert scale.limit is not None
    limit = scale.limit.model_copy(update={"size": 47.4, "low": 44.3, "high": 50.6})
    assert limit_text(limit, scale.axis) == "47 instances (44 to 51)"
    found = limit_text(scale.limit, scale.axis).replace("(", "(95 % interval ")
    assert f"up to {found}" in limit_line(scale.limit, scale.axis)


def test_a_limit_below_the_minimum_says_so() -> None:
    run = scale_run()
    run.spec["minimum"] = 2000.0
    assert "spec.minimum" not in limit_sentence(run)
    run.verdict = Verdict.FAILED
    assert limit_sentence(run).endswith("breaks first. This is not enough: spec.minimum is 2000.")


def test_each_size_has_a_line_in_ascending_order() -> None:
    text = scale_section(scale_run())
    lines = text.splitlines()
    start = lines.index("### Sizes")
    rows = [line.split(" | ") for line in lines[start + 4 : start + 12]]
    assert [row[0] for row in rows][:3] == ["| 100", "| 200", "| 400"]
    assert rows[4][:8] == [
        "| 950",
        "3 of 3",
        "200",
        "1.88",
        "19.8",
        "0.594",
        "119",
        "220",
    ]
    assert rows[-1][-1].startswith(f"**missed**: {SLO}: it was 3.")


def test_figures_of_cumulative_sizes_are_explained() -> None:
    run = scale_run()
    assert "Sizes are cumulative" not in scale_section(run)
    assert run.scale is not None
    run.scale.sizes[1].iterations[0].upon = 100
    assert "Sizes are cumulative" in scale_section(run)


def test_sizes_that_missed_the_slos_are_called_so_and_not_succeeded() -> None:
    text = render(scale_run())
    assert "\n8 sizes (100 to 1600 instances), 5 met the SLOs, 3 missed them. Started" in text
    assert "| instances-950 | SLOs met |" in text
    assert "| instances-1600 | SLOs missed |" in text


def test_why_a_test_ended_early_is_said_once() -> None:
    run = scale_run()
    assert run.scale is not None
    assert run.scale.limit is not None
    why = "size 50 was left out: it is too large"
    run.scale.stopped = SizesLeftOut(sizes=[50], why=Quoted(text="it is too large"))
    run.scale.limit = Limit(state=LimitState.UNDECIDED, last_met=4)
    assert scale_section(run).count(why) == 1
    run.scale.limit = Limit(state=LimitState.BELOW_FIRST, first_breach=4)
    assert f"The test ended early: {why}." in scale_section(run)


def test_how_long_sizes_were_soaked_is_shown_if_any_was() -> None:
    run = scale_run()
    assert "| soak |" not in scale_section(run)
    [first, _, _, _, repeated, *_] = run.tests
    first.iterations[0].soak = Soak(seconds=20.0)
    growing = MemoryChanging(bytes_per_second=3.1 * 2**20 / 60)
    unsteady = "memory still grew by 3.1 MiB/min"
    repeated.iterations[0].soak = Soak(seconds=60.0, steady=False, unsteady=[growing])
    repeated.iterations[1].soak = Soak(seconds=30.0, steady=True)
    repeated.iterations[2].soak = Soak(seconds=40.0, steady=True)
    lines = scale_section(run).splitlines()
    rows = lines[lines.index("### Sizes") + 2 :]
    assert rows[0].endswith("| soak |")
    assert rows[2].endswith("| 20 s |")
    assert rows[3].endswith("| - |")
    assert rows[6].endswith(f"| 40 s, kro steady in 2 of 3 ({unsteady}) |")


def test_growth_is_described_with_units() -> None:
    text = scale_section(scale_run())
    assert (
        "Each further instance adds 64 KiB (95 % interval 64 KiB to 64 KiB) to kro memory, max."
        in text
    )
    assert "straight line (off by 0.0%)" in text


def test_the_prediction_is_held_against_the_measurement() -> None:
    text = scale_section(scale_run())
    assert "### Limit predicted from smaller sizes alone" in text
    assert "than the measured 100" in text


def test_a_run_under_way_shows_what_there_is() -> None:
    run = scale_run()
    assert run.scale is not None
    run.scale = ScaleRecord(axis=run.scale.axis, sizes=run.scale.sizes[:1])
    text = scale_section(run)
    assert limit_sentence(run) == "**Limit:** not known yet."
    [row] = [line for line in text.splitlines() if line.startswith("| 100 |")]
    assert row.endswith("| 220 | met |")


def test_other_runs_have_no_such_section() -> None:
    run = scale_run()
    run.scale = None
    assert scale_section(run) == ""
    assert "How far kro scales" not in render(run)


def test_a_figure_of_an_slo_has_a_column_of_its_own() -> None:
    run = scale_run()
    assert run.scale is not None
    run.spec["slo"] = ["latency.instanceReady.max < 5.0"]
    for size in run.scale.sizes:
        for iteration in size.iterations:
            iteration.values["latency.instanceReady.max"] = 2.5
    lines = scale_section(run).splitlines()
    start = lines.index("### Sizes")
    assert "| instances | SLOs met | time until ready, max, s | ready p50, ms |" in lines[start + 2]
    assert lines[start + 4].startswith("| 100 | 1 of 1 | 2.5 | 200 |")


def test_a_prediction_that_there_is_none_of_is_not_available() -> None:
    run = scale_run()
    assert run.scale is not None
    run.scale.predictions = []
    assert "Not available: a prediction needs an SLO" in scale_section(run)
