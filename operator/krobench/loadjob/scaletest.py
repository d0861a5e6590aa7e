"""A ``KroScaleTest``: searching the limit, trying a recommendation, and what follows from both."""

import logging
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from krobench.analysis.comparison.compare import compare_variants
from krobench.analysis.recommendations.advise import (
    advise,
    metric_to_judge_by,
    not_verified,
    rules_of_trial,
    verification_of,
)
from krobench.analysis.scaling.slos import check_samples, settings_of_sizes
from krobench.analysis.scaling.summarise import (
    validity_of_scale_test,
    with_findings,
)
from krobench.analysis.thresholds import check_slo
from krobench.analysis.validity.judge import ignored_causes, validity_of_run
from krobench.analysis.verdict import verdict_of_scale_test
from krobench.api.kinds import RunKind
from krobench.api.specs.results import Cleanup
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.findings.comparison import Comparison
from krobench.findings.recommendation import (
    AnyUntried,
    BudgetTooShort,
    Recommendation,
    TrialFailed,
    TrialStopped,
    Verification,
)
from krobench.findings.scaling import RunAborted, ScaleRecord
from krobench.kube.errors import KubeError
from krobench.loadjob.context import RunContext
from krobench.loadjob.engine import Engine
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.history import RunBaseline, read_baseline
from krobench.loadjob.loop import IterationLoop
from krobench.loadjob.permissions import Need, check_permissions, needs_of_variants
from krobench.loadjob.preflight import read_own_rgd, read_rgd
from krobench.loadjob.progress import Remaining
from krobench.loadjob.recorder import Recorder
from krobench.program.actions import RunIteration, results_in
from krobench.program.forecast import longest_seconds
from krobench.program.search import Search
from krobench.program.sizes import Sizes, fewest_observations, plan_size, usable_sizes
from krobench.program.verification import Trial, first_to_try, plan_trial, size_to_try_at
from krobench.record.run import Progress, RunRecord
from krobench.report.words.recommendations import untried_line
from krobench.report.words.scaling import iteration_line, stop_line
from krobench.report.words.validity import ignored_warnings
from krobench.workload.blueprint import WorkloadError
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS, TestPlan

logger = logging.getLogger(__name__)


class ScaleTestTask:
    """Searches the largest size at which kro meets the SLOs."""

    kind = RunKind.SCALE_TEST
    shards = 1

    def __init__(self, scale_test: dict[str, Any], max_objects: int = DEFAULT_MAX_OBJECTS) -> None:
        self.spec = KroScaleTestSpec.model_validate(scale_test["spec"])
        self._raw_spec = scale_test["spec"]
        self._max_objects = max_objects
        self._validity = settings_of_sizes(self.spec.validity)
        self._sizes = Sizes((), None)
        self._recorders: dict[int, Recorder] = {}
        """One for each size, in the order in which they were first run."""
        self._search: Search | None = None
        self._loop: IterationLoop | None = None
        self._forecast: tuple[RunIteration, float] | None = None
        """How long the search takes at most from the beginning of an iteration on."""
        self._concluded: ScaleRecord | None = None
        """With the findings, once the search has ended."""
        self._recommendations: list[Recommendation] = []
        self._comparisons: list[Comparison] = []
        self._baseline: RunBaseline | None = None

    @property
    def plans(self) -> Sequence[TestPlan]:
        plans = {r.action.plan.index: r.action.plan for r in results_in(self._entries)}
        return list(plans.values()) or [plan_size(self.spec, 0, self._sizes.usable[0])]

    @property
    def needs(self) -> Sequence[Need]:
        return ()  # without the right to change kro, only the trial of spec.verify is left out

    async def complete_spec(self, engine: Engine) -> dict[str, Any]:
        namespace = engine.run_ref.namespace
        workload = await read_own_rgd(engine.client, self.spec.workload, namespace)
        self.spec = self.spec.model_copy(update={"workload": workload})
        try:
            self._sizes = usable_sizes(self.spec, self._max_objects)
        except WorkloadError as error:
            raise AbortedError("InvalidSpec", f"spec.{error}") from error
        for wrong in check_slo(self.spec):
            raise AbortedError(wrong.reason, wrong.message)
        counts = fewest_observations(self.spec, self._sizes.usable)
        too_few = check_samples(self.spec.slo, *counts)
        if too_few is not None:
            raise AbortedError(too_few.reason, too_few.message)
        shortest = engine.timing.shortest_iteration
        self._search = Search(self.spec, self._sizes, self._validity, shortest)
        raw: dict[str, Any] = deepcopy(self._raw_spec)
        if workload.rgd is not None:
            raw["workload"]["rgd"] = read_rgd(workload.rgd)
        return raw

    async def check(self, engine: Engine) -> None:
        self._baseline = await read_baseline(
            engine.client, self.spec.baseline, engine.run_ref, engine.history
        )
        if self._baseline is not None and self._baseline.warning is not None:
            engine.warn(self._baseline.warning)

    async def measure(self, engine: Engine) -> None:
        assert self._search is not None
        context = replace(engine.context(), validity=self._validity)
        loop = self._loop = IterationLoop(
            context,
            self._search,
            self._recorders,
            kro_at=engine.kro_at,
            check_lease=engine.check_lease,
            verdict_of=self._verdict_of,
        )
        try:
            done = await engine.iterate(loop)
        except AbortedError as error:
            if not any(size.iterations for size in self._scale().sizes):
                raise
            # The results of earlier sizes are kept.
            loop.program = self._search.stopped(RunAborted(error=error.info))
            done = await engine.iterate(loop)
        short = done.shortfall
        if short is not None:
            engine.warn(
                f"{short.test} ran {short.iterations} of {self.spec.iterations} times because "
                f"{stop_line(short.why)}"
            )
        if done.stop is not None:
            logger.info("the scale test ends: %s", stop_line(done.stop))
        scale = self._scale().model_copy(update={"stopped": done.stop})
        self._concluded = with_findings(self.spec, scale, engine.record.tests)
        self._recommendations = advise(engine.record)
        left = self.spec.budget.duration_seconds - loop.elapsed_seconds
        await self._verify(engine, context, left)

    def give_up(self) -> None:
        for recorder in self._recorders.values():
            recorder.give_up()

    def results(self) -> dict[str, Any]:
        tests = [recorder.record for recorder in self._recorders.values()]
        done = planned = sum(len(test.iterations) for test in tests)
        if self._concluded is None and self._loop is not None and self._search is not None:
            results = results_in(self._entries)
            done = sum(result.iteration is not None for result in results)
            action = self._loop.action or (results[-1].action if results else None)
            planned = done + 1
            if action is not None:
                planned += self._search.ahead(self._entries, action)
        return {
            "tests": tests,
            "scale": self._concluded or self._scale(),
            "recommendations": self._recommendations,
            "variant_comparisons": self._comparisons,
            "progress": Progress(iterations_done=done, iterations_planned=planned),
        }

    def remaining(self, record: RunRecord, in_iteration_seconds: float) -> Remaining:
        assert self._loop is not None
        began = self._loop.elapsed_seconds - in_iteration_seconds
        action, sizes = self._loop.action, record.scale.sizes if record.scale is not None else []
        left = self.spec.budget.duration_seconds - began
        if action is not None and not self.spec.verify:  # a trial may use all that is left
            if self._forecast is None or self._forecast[0] is not action:
                usable, entries = self._sizes.usable, self._entries
                left = longest_seconds(self.spec, usable, sizes, entries, action, began)
                self._forecast = action, left
            left = self._forecast[1]
        return Remaining(left - in_iteration_seconds, at_most=True)

    def conclude(self, record: RunRecord) -> RunRecord:
        ignore = self.spec.validity.ignore
        validity = validity_of_scale_test(record, ignore)
        assert record.scale is not None
        changes: dict[str, Any] = {
            "validity": validity,
            "warnings": [*record.warnings, *ignored_warnings(ignored_causes(record, ignore))],
        }
        record = record.model_copy(update=changes)
        compared = self._baseline.compare_limits(record) if self._baseline is not None else None
        limit = record.scale.limit if record.scale is not None else None
        verdict = verdict_of_scale_test(limit, self.spec.minimum, validity, compared)
        return record.model_copy(update={"scale_comparison": compared, "verdict": verdict})

    @property
    def _entries(self) -> Sequence[Any]:
        return self._loop.entries if self._loop is not None else ()

    def _scale(self) -> ScaleRecord:
        if self._search is None:
            return ScaleRecord(axis=self.spec.axis)
        return self._search.scale(self._entries, self._loop.action if self._loop else None)

    def _verdict_of(self, action: RunIteration) -> str:
        record = next(each for each in self._scale().sizes if each.size == action.size)
        if action.warmup or not record.iterations:
            return "warm-up" if record.verdict is None else record.verdict
        return f"{record.verdict} ({iteration_line(record.iterations[-1])})"

    async def _verify(self, engine: Engine, context: RunContext, seconds_left: float) -> None:
        """Try the first recommendation that can be tried, if the spec asks for it."""
        assert self._concluded is not None
        tests = engine.record.tests
        advice = first_to_try(self._recommendations)
        size = size_to_try_at(self._concluded, tests)
        if not self.spec.verify or advice is None or advice.variant is None or size is None:
            return
        trial = plan_trial(
            replace(plan_size(self.spec, 0, size.size), warmup=self.spec.warmup),
            next(test for test in tests if test.name == size.test),
            advice.variant,
            self.spec.iterations,
            index=len(tests),
        )
        verification, comparison = await verify(engine, context, advice, trial, seconds_left)
        tried = advice.model_copy(update={"verification": verification})
        self._recommendations = [
            tried if each is advice else each for each in self._recommendations
        ]
        self._comparisons = [comparison] if comparison is not None else []


async def verify(
    engine: Engine,
    context: RunContext,
    advice: Recommendation,
    trial: Trial,
    seconds_left: float,
) -> tuple[Verification, Comparison | None]:
    """Try a recommendation: kro as it is against kro as advised, alternating within the run.

    If the trial fails, the verification says why, and the run's own results are kept.

    Raises:
        AbortedError: if kro could not be restored, or the run has lost its lease.
    """
    metric, better = metric_to_judge_by(advice, trial.plans[0].load)
    obstacle = await _obstacle(engine, trial, seconds_left)
    if obstacle is not None:
        engine.warn(f"the first recommendation was not tried: {untried_line(obstacle)}")
        return not_verified(metric, obstacle), None
    recorders: dict[int, Recorder] = {}
    failure = await _run_trial(engine, context, trial, recorders)
    if failure is not None:
        engine.warn(f"trying the first recommendation failed: {untried_line(failure)}")
        return not_verified(metric, failure), None
    tests = [recorders[plan.index].record for plan in trial.plans]
    tried = engine.record.model_copy(update={"tests": tests})
    validity = validity_of_run(tried, context.validity.ignore)
    tried = tried.model_copy(update={"validity": validity})
    (comparison,) = compare_variants(tried, rules_of_trial(metric, better))
    return verification_of(comparison, metric), comparison


async def _obstacle(engine: Engine, trial: Trial, seconds_left: float) -> AnyUntried | None:
    """Return why a recommendation cannot be tried, if that is so."""
    if trial.expected_seconds > seconds_left:
        return BudgetTooShort(
            expected_seconds=trial.expected_seconds, left_seconds=max(0.0, seconds_left)
        )
    namespace = trial.plans[0].target.namespace
    try:
        needs = needs_of_variants(namespace, "spec.verify")
        await check_permissions(engine.client, needs, engine.timing)
    except (AbortedError, KubeError) as error:
        return TrialFailed(detail=str(error))
    return None


async def _run_trial(
    engine: Engine, context: RunContext, trial: Trial, recorders: dict[int, Recorder]
) -> AnyUntried | None:
    """Run all iterations of a trial; returns why that failed, if it did."""
    # What an iteration leaves would be there in the next: a trial always cleans up.
    context = replace(context, cleanup=Cleanup.ALWAYS)
    found = False
    try:
        async with engine.changing_kro(trial.variants) as variants:
            found = True
            loop = IterationLoop(
                context,
                trial,
                recorders,
                kro_at=engine.kro_at,
                check_lease=engine.check_lease,
                variants=variants,
            )
            try:
                stop = (await engine.iterate(loop)).stop
                return TrialStopped(stop=stop) if stop is not None else None
            except (AbortedError, KubeError) as error:
                engine.check_lease()
                return TrialFailed(detail=str(error))
    except AbortedError as error:
        if found:  # kro was not restored, or the lease is lost
            raise
        return TrialFailed(detail=str(error))
