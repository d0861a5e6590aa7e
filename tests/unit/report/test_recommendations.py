from unit.analysis.recommendations.made import a_test, kro, run, summary

from krobench.analysis.recommendations.advise import advise
from krobench.findings.bottleneck import Attribution, BottleneckKind
from krobench.findings.comparison import MetricVerdict
from krobench.findings.recommendation import Verification
from krobench.record.run import RunRecord, RunState
from krobench.report.markdown import render
from krobench.report.recommendations import recommendations_section


def busy() -> RunRecord:
    record = run(a_test(summary(rate=9.9)), kro=kro())
    record.recommendations = advise(record)
    return record


def test_is_ready_to_be_pasted() -> None:
    text = recommendations_section(busy())

    assert "### 1. Give kro 8 workers for instances instead of 1" in text
    assert "`--dynamic-controller-concurrent-reconciles=8` (now 1)" in text
    assert "```yaml\nconfig:\n  dynamicControllerConcurrentReconciles: 8\n```" in text
    assert "- utilisation of the workers: 99 % (above 75 %)" in text
    assert "confidence high" in text


def test_a_trial_is_shown_with_its_result() -> None:
    record = busy()
    record.recommendations[0].verification = Verification(
        verdict=MetricVerdict.BETTER, metric="throughput.instancesPerSecond", text="Twice."
    )
    assert "**Verified: better.** Twice." in recommendations_section(record)

    record.recommendations[0].verification = Verification(
        verdict=None, metric="throughput.instancesPerSecond", error="no right."
    )
    assert "**Not verified**: no right." in recommendations_section(record)


def test_recommendations_come_before_the_tests() -> None:
    text = render(busy())

    assert text.index("## Overview") < text.index("## What to change") < text.index("## single")


def test_says_nothing_to_change_only_if_it_looked() -> None:
    looked = run(a_test(summary(), attribution=Attribution()), kro=kro())

    assert "Nothing: " in recommendations_section(looked)
    looked.state = RunState.RUNNING
    assert recommendations_section(looked) == ""
    assert recommendations_section(run(a_test(summary()), kro=kro())) == ""


def test_says_unknown_if_nothing_was_measured_of_kro() -> None:
    why = dict.fromkeys((BottleneckKind.KRO_WORKERS, BottleneckKind.KRO_CPU), "not available")
    record = run(a_test(summary(), attribution=Attribution(unavailable=why)), kro=kro())
    assert "Unknown: " in recommendations_section(record)
