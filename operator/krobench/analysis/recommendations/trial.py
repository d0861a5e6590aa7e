"""What became of a recommendation that was tried."""

from krobench.analysis.comparison.compare import overall
from krobench.analysis.comparison.rules import DEFAULT_MINIMUM_EFFECT, Rules
from krobench.api import units
from krobench.api.specs.load import Load
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.comparison import (
    Better,
    Comparison,
    MetricComparison,
    MetricVerdict,
    Replicates,
)
from krobench.findings.recommendation import Recommendation, Verification

_NAMES = {
    "throughput.instancesPerSecond": "Instances in a second",
    "latency.instanceReady.p50": "Median time until ready",
    "latency.rgdReady.max": "Time until the last RGD is ready",
}
_SHOW = {"throughput.instancesPerSecond": units.rate}


def metric_to_judge_by(advice: Recommendation, load: Load) -> tuple[str, Better]:
    """Return the metric that a recommendation is to improve, and which way it is better."""
    if advice.bottleneck is BottleneckKind.WATCH_REINITIALISATION:
        return "latency.rgdReady.max", Better.LOWER
    if load.arrival.open_loop:  # its throughput is that of its schedule
        return "latency.instanceReady.p50", Better.LOWER
    return "throughput.instancesPerSecond", Better.HIGHER


def rules_of_trial(metric: str, better: Better) -> Rules:
    """Return the rules of a comparison by one metric, which then needs no correction for many."""
    return Rules(minimum_effect=DEFAULT_MINIMUM_EFFECT, primary={metric: better})


def not_verified(metric: str, why: str) -> Verification:
    """Return that a recommendation could not be tried."""
    return Verification(verdict=None, metric=metric, message=why)


def verification_of(comparison: Comparison, metric: str) -> Verification:
    """Return what the comparison of kro as advised with kro as it is says of this metric."""
    if comparison.refused is not None:
        return not_verified(metric, comparison.refused.message)
    found = next((each for each in comparison.metrics if each.metric == metric), None)
    if found is None or found.ratio is None:
        return not_verified(metric, f"{metric} was not available with both")
    return Verification(
        verdict=overall([found.verdict] if found.verdict is not None else []),
        metric=metric,
        ratio=found.ratio,
        low=found.ratio_low,
        high=found.ratio_high,
        message=_sentence(found, comparison.replicates),
    )


def _sentence(found: MetricComparison, replicates: Replicates | None) -> str:
    show = _SHOW.get(found.metric, units.seconds)
    interval = (
        f" (95 % interval {found.ratio_low:.3g} to {found.ratio_high:.3g})"
        if found.ratio_low is not None and found.ratio_high is not None
        else ""
    )
    unit = "restarts of kro" if replicates is Replicates.RESTARTS else "iterations"
    words = {
        MetricVerdict.BETTER: "The gain is real",
        MetricVerdict.WORSE: "It made things worse",
        MetricVerdict.SAME: "It made no difference",
    }
    outcome = words.get(found.verdict) if found.verdict is not None else None
    if outcome is None:
        outcome = "No gain was shown, and none ruled out" + (
            f": {found.note}" if found.note else ""
        )
    return (
        f"{_NAMES.get(found.metric, found.metric)}: {show(found.old_median)} as it is, "
        f"{show(found.new_median)} as advised, {found.ratio:.3g} times{interval}; "
        f"{found.old_replicates} and {found.new_replicates} {unit}. {outcome}."
    )
