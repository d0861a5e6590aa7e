import pytest
from unit.analysis.comparison.runs import METRICS, side

from krobench.analysis.comparison.compare import compare
from krobench.analysis.comparison.rules import Rules
from krobench.findings.comparison import (
    Better,
    Comparison,
    MetricVerdict,
    Replicates,
    Undecided,
)
from krobench.report.comparison import (
    markdown,
    markdown_of_variants,
    p_in_words,
    summary,
    text,
)
from krobench.report.words.figures import show

RULES = Rules(primary={METRICS[0]: Better.LOWER, "kro.cpu.seconds": Better.LOWER})


def worse() -> Comparison:
    return compare(side("base", 6, 1), side("change", 6, 2, 1.5), RULES)


def test_a_line_a_metric_with_medians_ratio_interval_p_and_verdict() -> None:
    lines = text(worse()).splitlines()
    [line] = [line for line in lines if line.strip().startswith("instance ready p50")]
    cells = line.split()
    assert cells[-1] == "worse"
    assert "(n=6+6)" in cells
    assert " s " in line
    assert "(1." in line
    assert any("replicates: runs; minimum effect: 5 %" in line for line in lines)
    assert any("inconclusive: web kro CPU time: not available" in line for line in lines)
    assert not any("kro.memory.residentBytes.max" in line or "kro memory" in line for line in lines)
    assert "kro memory, max" in text(worse(), exploratory=True)


def test_an_interval_of_too_few_runs_is_not_available() -> None:
    shown = text(compare(side("base", 3, 1), side("change", 2, 2, 1.5), RULES))
    [line] = [line for line in shown.splitlines() if line.strip().startswith("instance ready p50")]
    assert "(too few for an interval)" in line


def test_a_p_is_never_shown_as_zero() -> None:
    assert [p_in_words(p) for p in (1.0, 0.0286, 0.001, 2e-5)] == [
        "1.000",
        "0.029",
        "0.001",
        "<0.001",
    ]


def test_the_summary_names_what_is_worse() -> None:
    said = summary(worse())
    assert said.startswith("Worse: 1 worse, 1 inconclusive (worse: web instance ready p50 x1.")
    assert said.endswith("against base")


def test_the_summary_of_a_mixed_result_names_what_is_better_too() -> None:
    mixed = worse()
    better = mixed.metrics[0].model_copy(
        update={
            "metric": "errors.total",
            "verdict": MetricVerdict.BETTER,
            "ratio": None,
            "difference": -30.0,
            "difference_low": -31.0,
            "difference_high": -29.0,
        }
    )
    changes = {"metrics": [*mixed.metrics, better], "verdict": MetricVerdict.MIXED}
    mixed = mixed.model_copy(update=changes)
    said = summary(mixed)
    assert said.startswith("Mixed: 1 better, 1 worse")
    assert "worse: web instance ready p50 x1." in said
    assert "-30" in said
    assert "-30 (-31 to -29)" in text(mixed)


@pytest.mark.parametrize(
    ("done", "detectable", "said"),
    [(8, 0.3, "even 24 blocks would show only changes of 17 %"), (8, 0.1, ""), (24, 0.3, "")],
)
def test_a_machine_too_noisy_to_decide_is_said_before_the_last_block(
    done: int, detectable: float, said: str
) -> None:
    compared = worse()
    throughput = compared.metrics[0].model_copy(
        update={
            "metric": "throughput.instancesPerSecond",
            "verdict": MetricVerdict.INCONCLUSIVE,
            "note": Undecided(of=Replicates.BLOCKS, detectable=detectable),
        }
    )
    changes = {
        "metrics": [throughput],
        "verdict": MetricVerdict.INCONCLUSIVE,
        "replicates": Replicates.BLOCKS,
        "most_blocks": 24,
        "no_slowdown_of": 0.1,
        "old_runs": [f"old/{number}" for number in range(done)],
    }
    line = summary(compared.model_copy(update=changes))
    assert ("scatters so much" in line) == bool(said)
    assert said in line


def test_markdown_lists_the_exploratory_metrics_apart() -> None:
    shown = markdown(worse())
    assert shown.startswith("## Compared with base")
    assert "| instance ready p50 |" in shown
    head, _, apart = shown.partition("**Exploratory")
    assert "kro memory, max" not in head
    assert "kro memory, max" in apart


def test_a_refusal_is_all_that_is_said() -> None:
    new = side("change", 2, 2)
    for run in new.runs:
        run.tests[0].workload["workload.scenario"] = "wide"
    refused = compare(side("base", 2, 1), new, RULES)
    assert summary(refused).startswith("Not compared: the runs differ")
    assert "Not compared" in markdown(refused)
    assert "Not compared" in text(refused)


def test_only_the_p_of_primary_metrics_is_called_corrected() -> None:
    head, _, apart = markdown(worse()).partition("**Exploratory")
    assert "| p (corrected) | verdict |" in head
    assert "| p |" in apart
    headers = [line for line in text(worse(), exploratory=True).splitlines() if "ratio (" in line]
    assert ["p (corrected)" in line for line in headers] == [True, False]


def test_hidden_metrics_are_counted_where_there_are_any() -> None:
    assert "exploratory metrics hidden; show them with --all" in text(worse())
    comparison = worse()
    comparison.metrics = comparison.primary
    assert "exploratory" not in text(comparison)


def test_of_variants_restarts_are_the_replicates_that_are_missing() -> None:
    single = compare(side("plain", 1, 1), side("slow", 1, 2), RULES)
    assert single.replicates is Replicates.ITERATIONS
    shown = markdown_of_variants(single)
    assert shown.startswith("## Variant slow against plain")
    assert "old: plain, 1 restart\n" in shown
    assert "kro was restarted only once for one of the variants" in shown
    assert "needs at least 4 restarts of one variant" in shown
    assert "kro CPU time: not available" in shown
    assert "single run" not in shown
    assert "two runs" not in shown
    several = single.model_copy(update={"replicates": Replicates.RESTARTS})
    assert "restarts of kro (10 iterations of two variants are 6 and 5 restarts)" in (
        markdown_of_variants(several)
    )


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("latency.instanceReady.p50", 1.5, "1.5 s"),
        ("latency.instanceReady.censored", 2.0, "2"),
        ("throughput.instancesPerSecond", 9.5, "9.5/s"),
        ("kro.memory.residentBytes.max", 54_075_400.0, "51.6 MiB"),
        ("perInstance.kro.cpu.seconds", 0.015, "15 ms"),
        ("kro.cpu.throttledPeriodsRatio", 0.25, "25 %"),
        ("perInstance.kro.requests.total", 17.6, "17.6"),
        ("kro.requests.total", None, "not available"),
    ],
)
def test_a_metric_is_shown_in_its_unit(metric: str, value: float | None, shown: str) -> None:
    assert show(metric, value) == shown
