from typing import Any

from krobench.analysis.recommendations.advise import (
    metric_to_judge_by,
    rules_of_trial,
    verification_of,
)
from krobench.api.specs.load import Arrival, Load
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.comparison import (
    Better,
    Comparison,
    MetricComparison,
    MetricVerdict,
    MoreReplicates,
    Replicates,
)
from krobench.findings.incomparable import InvalidRun
from krobench.findings.recommendation import Area, Confidence, QuotedAdvice, Recommendation

RATE = "throughput.instancesPerSecond"

MORE_RESTARTS = MoreReplicates(more=4, of=Replicates.RESTARTS, side="each", fewest=4)


def compared(**changes: Any) -> Comparison:
    fields: dict[str, Any] = {
        "test": "a",
        "metric": RATE,
        "primary": True,
        "better": Better.HIGHER,
        "old_replicates": 4,
        "new_replicates": 4,
        "old_median": 9.0,
        "new_median": 18.0,
        "ratio": 2.0,
        "ratio_low": 1.9,
        "ratio_high": 2.1,
        "verdict": MetricVerdict.BETTER,
    }
    return Comparison(
        old="as-it-is",
        new="5-workers",
        old_runs=[],
        new_runs=[],
        replicates=Replicates.RESTARTS,
        minimum_effect=0.05,
        metrics=[MetricComparison(**(fields | changes))],
    )


def advice(kind: BottleneckKind) -> Recommendation:
    return Recommendation(
        advice=QuotedAdvice(title="t", effect="e", source="s"),
        area=Area.KRO_FLAG,
        bottleneck=kind,
        confidence=Confidence.HIGH,
    )


def test_a_verification_has_both_medians_and_the_ratio() -> None:
    found = verification_of(compared(), RATE)

    assert (found.verdict, found.ratio) == (MetricVerdict.BETTER, 2.0)
    assert (found.old_median, found.new_median) == (9.0, 18.0)
    assert (found.old_replicates, found.new_replicates) == (4, 4)
    assert (found.replicates, found.low, found.high) == (Replicates.RESTARTS, 1.9, 2.1)


def test_an_inconclusive_trial_keeps_its_note() -> None:
    verdict = MetricVerdict.INCONCLUSIVE
    found = verification_of(compared(verdict=verdict, note=MORE_RESTARTS), RATE)

    assert found.verdict is verdict
    assert found.note == MORE_RESTARTS


def test_a_refused_comparison_is_an_error() -> None:
    refused = InvalidRun()
    comparison = compared().model_copy(update={"refused": refused})

    found = verification_of(comparison, RATE)

    assert (found.verdict, found.refused) == (None, refused)
    assert verification_of(compared(ratio=None), RATE).verdict is None


def test_judges_by_what_the_advice_is_about() -> None:
    workers, watch = (
        advice(BottleneckKind.KRO_WORKERS),
        advice(BottleneckKind.WATCH_REINITIALISATION),
    )
    steady = Load(arrival=Arrival.CONSTANT, rate=5)

    assert metric_to_judge_by(workers, Load()) == (RATE, Better.HIGHER)
    assert metric_to_judge_by(workers, steady) == ("latency.instanceReady.p50", Better.LOWER)
    assert metric_to_judge_by(watch, Load()) == ("latency.rgdReady.max", Better.LOWER)
    assert rules_of_trial(RATE, Better.HIGHER).primary_metrics == (RATE,)
