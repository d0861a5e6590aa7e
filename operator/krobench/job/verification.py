"""Trying a recommendation: kro as it is against kro as advised, in turns within the same run."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from krobench.analysis.comparison.compare import compare_variants
from krobench.analysis.recommendations.trial import (
    metric_to_judge_by,
    not_verified,
    rules_of_trial,
    verification_of,
)
from krobench.analysis.validity.judge import validity_of_run
from krobench.api import units
from krobench.api.specs.kro import Target, Variant
from krobench.api.specs.results import Cleanup
from krobench.findings.recommendation import Recommendation, Verification
from krobench.job.context import RunContext
from krobench.job.errors import AbortedError
from krobench.job.kro.variants import KroVariants
from krobench.job.permissions import check_may_change_kro
from krobench.job.recorder import planned
from krobench.job.testrun import TestRun
from krobench.kube.errors import KubeError
from krobench.kube.kro import KroPod
from krobench.program.order import in_rounds_of_variants
from krobench.program.verification import SizeIteration
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord


@dataclass(frozen=True)
class Stage:
    """What a run lends to a trial."""

    context: RunContext
    changing_kro: Callable[[Sequence[Variant]], AbstractAsyncContextManager[KroVariants]]
    """Lets variants be put in force, and puts kro back whatever happens."""
    kro_at: Callable[[Target], Awaitable[KroPod]]
    begin_turn: Callable[[TestRun], None]
    """Told of a turn before it begins; raises where the run must not go on."""
    seconds_left: float
    """What is left of the run's budget."""


async def verify(
    stage: Stage, run: RunRecord, advice: Recommendation, trial: SizeIteration
) -> Verification:
    """Try a recommendation, and return what became of it; the comparison is added to the record.

    Whatever hinders the trial is said in what it returns: the run's own results stand.

    Raises:
        AbortedError: if kro could not be put back, or the run has lost its lease.
    """
    metric, better = metric_to_judge_by(advice, trial.plans[0].load)
    hindrance = await _hindrance(stage, trial)
    if hindrance is not None:
        stage.context.warn(f"the first recommendation was not tried: {hindrance}")
        return not_verified(metric, hindrance)
    records = [planned(plan) for plan in trial.plans]
    # What a turn leaves would be there in the next: a trial cleans up whatever the spec keeps.
    context = replace(stage.context, cleanup=Cleanup.ALWAYS)
    tests = [
        TestRun(context, plan, record) for plan, record in zip(trial.plans, records, strict=True)
    ]
    failure = await _run(stage, trial, tests, records)
    if failure is not None:
        stage.context.warn(f"the first recommendation could not be tried: {failure}")
        return not_verified(metric, failure)
    tried = run.model_copy(update={"tests": records})
    tried.validity = validity_of_run(tried, stage.context.validity.ignore)
    (comparison,) = compare_variants(tried, rules_of_trial(metric, better))
    run.variant_comparisons.append(comparison)
    return verification_of(comparison, metric)


async def _hindrance(stage: Stage, trial: SizeIteration) -> str | None:
    """Return why it cannot be tried; None where it can."""
    if trial.expected_seconds > stage.seconds_left:
        return (
            f"it would take about {units.seconds(trial.expected_seconds)}, but only "
            f"{units.seconds(max(0.0, stage.seconds_left))} of budget.duration are left"
        )
    try:
        await check_may_change_kro(
            stage.context.client,
            trial.plans[0].target.namespace,
            stage.context.timing,
            "spec.verify",
        )
    except (AbortedError, KubeError) as error:
        return str(error)
    return None


async def _run(
    stage: Stage, trial: SizeIteration, tests: Sequence[TestRun], records: Sequence[TestRecord]
) -> str | None:
    """Take all turns; return what came in between, if anything."""
    found = False
    try:
        async with stage.changing_kro(trial.variants) as variants:
            found = True
            return await _take_turns(stage, variants, tests, records)
    except AbortedError as error:
        if found:  # by the way out: kro was not put back
            raise
        return str(error)


async def _take_turns(
    stage: Stage,
    variants: KroVariants,
    tests: Sequence[TestRun],
    records: Sequence[TestRecord],
) -> str | None:
    first = tests[0].plan.index
    for slot in in_rounds_of_variants([test.plan for test in tests]):
        test, record = tests[slot.test - first], records[slot.test - first]
        stage.begin_turn(test)
        try:
            if await variants.enter(slot.variant):
                stage.context.expect_another_kro()
            await test.take_turn(slot.iteration, await stage.kro_at(test.plan.target))
            await variants.check()
        except (AbortedError, KubeError) as error:
            return str(error)
        if record.error is not None:
            return f"{test.plan.name}: {record.error.message}"
    return None
