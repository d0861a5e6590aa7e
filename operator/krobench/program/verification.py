"""Which recommendation of a scale test is tried, at which size, and in which turns. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from krobench.api.specs.kro import Variant
from krobench.findings.recommendation import Recommendation
from krobench.findings.scaling import ScaleRecord, SizeRecord, SizeVerdict
from krobench.record.test import TestRecord
from krobench.workload.testplan import TestPlan, visits

AS_IT_IS = "as-it-is"
RESTART_SECONDS = 10.0
"""What a restart of kro usually takes, until it leads again."""


@dataclass(frozen=True)
class SizeIteration:
    """A recommendation as two variants of one test, which take turns."""

    variants: tuple[Variant, Variant]
    """kro as it is, and as advised."""
    plans: tuple[TestPlan, TestPlan]
    """The test under each of them."""
    expected_seconds: float


def first_to_try(advice: Sequence[Recommendation]) -> Recommendation | None:
    """Return the first recommendation that can be tried in a run; None where there is none."""
    return next((each for each in advice if each.variant is not None), None)


def step_to_try_at(scale: ScaleRecord, tests: Sequence[TestRecord]) -> SizeRecord | None:
    """Return the step to try a recommendation at: where the SLOs were first missed, else the
    largest. A size at which instances did not get ready in time cannot be compared: then it is the
    largest below it."""
    finished = {test.name for test in tests if test.success}
    usable = [
        step
        for step in scale.sizes
        if step.verdict in {SizeVerdict.MET, SizeVerdict.BREACHED} and step.test in finished
    ]
    breach = scale.limit.first_breach if scale.limit is not None else None
    if breach is not None:
        usable = [step for step in usable if step.size <= breach]
    return max(usable, key=lambda step: step.size, default=None)


def plan_trial(
    step: TestPlan, tested: TestRecord, advised: Variant, repeats: int, index: int
) -> SizeIteration:
    """Return the turns in which a recommendation is tried at a step.

    kro is started ``repeats`` + 1 times with each variant, in rounds that go forwards and
    backwards: with the usual three repeats, as often as the exact test needs for a verdict.
    ``index`` is the first that no other plan has.
    """
    variants = (Variant(name=AS_IT_IS), advised)
    rounds = 2 * repeats + 1
    plans = [
        replace(
            step,
            index=index + position,
            name=f"{step.name}.{variant.name}",
            variant=variant.name,
            iterations=rounds,
            visits=visits(rounds, position, len(variants)),
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
    return SizeIteration(variants, (plans[0], plans[1]), expected)
