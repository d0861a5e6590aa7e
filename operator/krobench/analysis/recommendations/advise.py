"""All recommendations of a run, most important first, and the result of one that was tried."""

from collections.abc import Iterator, Sequence

from krobench.analysis.comparison.compare import overall
from krobench.analysis.comparison.rules import DEFAULT_MINIMUM_EFFECT, Rules
from krobench.analysis.krosettings import KroSettings, may_be_advised
from krobench.analysis.recommendations import outside, resources, workers
from krobench.analysis.recommendations.case import Case, Rule, Weighted
from krobench.analysis.recommendations.code import code_advice
from krobench.api.specs.load import Load
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.comparison import Better, Comparison
from krobench.findings.recommendation import (
    AnyUntried,
    Confidence,
    MetricMissing,
    Recommendation,
    Verification,
)
from krobench.record.run import RunRecord

MAX_RECOMMENDATIONS = 12

_RULES: Sequence[Rule] = (
    workers.more_instance_workers,
    workers.more_rgd_workers,
    workers.no_watch_list,
    workers.shorter_requeues,
    workers.find_errors,
    resources.memory_limit,
    resources.go_memory_limit,
    resources.memory_request,
    resources.cpu_limit,
    outside.shorter_chains,
    outside.narrower_rgds,
    outside.cheaper_cel,
    outside.fewer_revisions,
    outside.repair_poisoned,
    outside.relieve_api_server,
    outside.more_processors,
    outside.narrow_admission,
    outside.faster_etcd,
)
# The only rule that makes sense for an invalid run.
_RULES_OF_LOAD: Sequence[Rule] = (outside.stronger_generator,)
_CONFIDENCE = {Confidence.HIGH: 0, Confidence.MEDIUM: 1, Confidence.LOW: 2}


def advise(run: RunRecord) -> list[Recommendation]:
    """Return what to change, most important first; none if nothing stands out.

    A rule that finds something in several tests counts once, in the test in which it weighs most.
    With variants of kro, only tests of the first variant count, which the others are compared with.
    """
    best: dict[object, Weighted] = {}
    for key, finding in _found_by(run):
        known = best.get(key)
        if known is None or finding.weight > known.weight:
            best[key] = finding
    ranked = sorted(
        best.values(), key=lambda f: (-f.weight, _CONFIDENCE[f.recommendation.confidence])
    )
    return [finding.recommendation for finding in ranked][:MAX_RECOMMENDATIONS]


def _found_by(run: RunRecord) -> Iterator[tuple[object, Weighted]]:
    """Yield what each rule finds in each test, with a key that is the same in all tests."""
    first = next((test.variant for test in run.tests if test.variant is not None), None)
    for test in run.tests:
        if test.summary is None or test.variant != first:
            continue
        settings = KroSettings(test.kro or run.environment.kro)
        case = Case(test, test.summary, settings, run.environment.nodes)
        rules = [*_RULES, *_RULES_OF_LOAD] if case.test.validity.valid else _RULES_OF_LOAD
        for rule in rules:
            found = rule(case)
            if found is not None and all(
                may_be_advised(setting.name) and setting.current != setting.advised
                for setting in found.recommendation.settings
            ):
                yield rule, found
        if case.test.validity.valid:
            yield from code_advice(case)


def metric_to_judge_by(advice: Recommendation, load: Load) -> tuple[str, Better]:
    """Return the metric that a recommendation should improve, and which way it is better."""
    if advice.bottleneck is BottleneckKind.WATCH_REINITIALISATION:
        return "latency.rgdReady.max", Better.LOWER
    if load.arrival.open_loop:  # its throughput is that of its schedule
        return "latency.instanceReady.p50", Better.LOWER
    return "throughput.instancesPerSecond", Better.HIGHER


def rules_of_trial(metric: str, better: Better) -> Rules:
    """Return the rules of a comparison by one metric, which needs no correction for many."""
    return Rules(minimum_effect=DEFAULT_MINIMUM_EFFECT, primary={metric: better})


def not_verified(metric: str, error: AnyUntried) -> Verification:
    """Return that a recommendation could not be tried."""
    return Verification(verdict=None, metric=metric, error=error)


def verification_of(comparison: Comparison, metric: str) -> Verification:
    """Return what the comparison of kro with and without the advice found of this metric."""
    if comparison.refused is not None:
        return Verification(verdict=None, metric=metric, refused=comparison.refused)
    found = next((each for each in comparison.metrics if each.metric == metric), None)
    if found is None or found.ratio is None:
        return not_verified(metric, MetricMissing(metric=metric))
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
