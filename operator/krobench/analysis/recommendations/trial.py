"""The result of a recommendation that was tried."""

from krobench.analysis.comparison.compare import overall
from krobench.analysis.comparison.rules import DEFAULT_MINIMUM_EFFECT, Rules
from krobench.api.specs.load import Load
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.comparison import Better, Comparison
from krobench.findings.recommendation import Recommendation, Verification


def metric_to_judge_by(advice: Recommendation, load: Load) -> tuple[str, Better]:
    """Return the metric that a recommendation is to improve, and which way it is better."""
    if advice.bottleneck is BottleneckKind.WATCH_REINITIALISATION:
        return "latency.rgdReady.max", Better.LOWER
    if load.arrival.open_loop:  # its throughput is that of its schedule
        return "latency.instanceReady.p50", Better.LOWER
    return "throughput.instancesPerSecond", Better.HIGHER


def rules_of_trial(metric: str, better: Better) -> Rules:
    """Return the rules of a comparison by one metric, which needs no correction for many."""
    return Rules(minimum_effect=DEFAULT_MINIMUM_EFFECT, primary={metric: better})


def not_verified(metric: str, error: str) -> Verification:
    """Return that a recommendation could not be tried."""
    return Verification(verdict=None, metric=metric, error=error)


def verification_of(comparison: Comparison, metric: str) -> Verification:
    """Return what the comparison of kro with and without the advice found of this metric."""
    if comparison.refused is not None:
        return Verification(verdict=None, metric=metric, refused=comparison.refused)
    found = next((each for each in comparison.metrics if each.metric == metric), None)
    if found is None or found.ratio is None:
        return not_verified(metric, f"{metric} is not available on both sides")
    return Verification(
        verdict=overall([found.verdict] if found.verdict is not None else []),
        metric=metric,
        old_median=found.old_median,
        new_median=found.new_median,
        ratio=found.ratio,
        low=found.ratio_low,
        high=found.ratio_high,
        replicates=comparison.replicates,
        old_replicates=found.old_replicates,
        new_replicates=found.new_replicates,
        note=found.note,
    )
