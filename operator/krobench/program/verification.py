"""Trying a recommendation: kro as it is against kro as advised, at one size of a scale test."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from krobench.api.specs.kro import Variant
from krobench.findings.recommendation import Recommendation
from krobench.findings.scaling import ScaleRecord, SizeNotMeasured, SizeRecord, SizeVerdict
from krobench.program.actions import Action, Done, Entry, results_in
from krobench.program.blocks import Blocks
from krobench.record.test import TestRecord
from krobench.workload.testplan import TestPlan

AS_IT_IS = "as-it-is"
RESTART_SECONDS = 10.0
"""Usual time of a restart of kro, until it leads again."""


@dataclass(frozen=True)
class Trial:
    """A recommendation as two variants of one test, in blocks."""

    variants: tuple[Variant, Variant]
    """kro as it is, and as advised."""
    plans: tuple[TestPlan, TestPlan]
    """The test with each of them."""
    expected_seconds: float

    def next(self, entries: Sequence[Entry], elapsed_seconds: float = 0.0) -> Action:
        """Return the next iteration; an iteration that fails ends the trial."""
        for result in results_in(entries):
            if result.error is not None:
                test = result.action.plan.name
                return Done(SizeNotMeasured(test=test, error=result.error))
        return Blocks(self.plans, seed=self.plans[0].name).next(entries, elapsed_seconds)


def first_to_try(advice: Sequence[Recommendation]) -> Recommendation | None:
    """Return the first recommendation that can be tried in a run."""
    return next((each for each in advice if each.variant is not None), None)


def size_to_try_at(scale: ScaleRecord, tests: Sequence[TestRecord]) -> SizeRecord | None:
    """Return the size to try a recommendation at: the first that breached the SLOs, or the largest.

    A size with instances that were not ready in time cannot be compared, so a smaller one is used.
    """
    finished = {test.name for test in tests if test.success}
    usable = [
        size
        for size in scale.sizes
        if size.verdict in {SizeVerdict.MET, SizeVerdict.BREACHED} and size.test in finished
    ]
    breach = scale.limit.first_breach if scale.limit is not None else None
    if breach is not None:
        usable = [size for size in usable if size.size <= breach]
    return max(usable, key=lambda size: size.size, default=None)


def plan_trial(
    plan: TestPlan, tested: TestRecord, advised: Variant, iterations: int, index: int
) -> Trial:
    """Return the trial of a recommendation at a size, whose plan is ``plan``.

    There are 2 ``iterations`` + 1 blocks: with the default of three, the exact test has enough for
    a verdict. ``index`` is the first that no other plan has.
    """
    variants = (Variant(name=AS_IT_IS), advised)
    blocks = 2 * iterations + 1
    plans = [
        replace(
            plan,
            index=index + position,
            name=f"{plan.name}.{variant.name}",
            variant=variant.name,
            iterations=blocks,
            visits=(1,) * blocks,
            precision=None,
            detects_warmup=False,
            thresholds=(),
            profiles=(),
        )
        for position, variant in enumerate(variants)
    ]
    iterations = sum(plan.total_iterations for plan in plans)
    restarts = sum(len(plan.visits) for plan in plans) + 1
    each = (tested.duration_seconds or 0.0) / max(1, len(tested.iterations))
    expected = iterations * each + restarts * RESTART_SECONDS
    return Trial(variants, (plans[0], plans[1]), expected)
