"""Running a scale test: one size after another, until it is known how far kro goes."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from krobench.analysis.recommendations.advise import advise
from krobench.analysis.scaling.findings import (
    limit_so_far,
    validity_of_scale_test,
    verdict_of_scale_test,
    with_findings,
)
from krobench.analysis.scaling.slos import (
    check_samples,
    is_measured,
    judge_iteration,
    settings_of_sizes,
)
from krobench.analysis.validity.judge import ignored_causes
from krobench.api.kinds import RunKind
from krobench.api.notation import duration_seconds
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.figures.environment import KroFingerprint
from krobench.findings.scaling import (
    AnyStop,
    BudgetUsedUp,
    RunAborted,
    ScaleRecord,
    SizeInvalid,
    SizeNotMeasured,
    SizeRecord,
    SizeVerdict,
)
from krobench.job.context import RunContext
from krobench.job.engine import Session
from krobench.job.errors import AbortedError
from krobench.job.preflight import read_own_rgd, wait_for_leader
from krobench.job.recorder import planned
from krobench.job.testrun import TestRun
from krobench.job.verification import Stage, verify
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.kro import KroPod
from krobench.kube.timing import Timing
from krobench.program.search import bracket_of, next_size, verdict_of
from krobench.program.sizes import (
    Sizes,
    fewest_observations,
    next_upon,
    on_top_of,
    plan_step,
    standalone,
    usable_sizes,
    way_to,
)
from krobench.program.verification import first_to_try, plan_trial, step_to_try_at
from krobench.record.iteration import IterationRecord
from krobench.record.run import Progress
from krobench.record.test import TestRecord
from krobench.report.words.scaling import iteration_line, stop_line
from krobench.report.words.validity import ignored_warnings
from krobench.workload.blueprint import WorkloadError
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS, Creator, TestPlan

logger = logging.getLogger(__name__)


class ScaleRun(Session):
    """One run of a ``KroScaleTest``."""

    def __init__(
        self,
        client: KubeClient,
        scale_test: dict[str, Any],
        max_objects: int = DEFAULT_MAX_OBJECTS,
        timing: Timing | None = None,
    ) -> None:
        self._spec = KroScaleTestSpec.model_validate(scale_test["spec"])
        super().__init__(client, scale_test, RunKind.SCALE_TEST, self._spec, timing)
        self._max_objects = max_objects
        self._scale = self.record.scale = ScaleRecord(axis=self._spec.axis)
        self._validity = settings_of_sizes(self._spec.validity)
        self._sizes = Sizes((), None)
        self._tests: list[TestRun] = []
        """One for each step, in the same order."""
        self._ascent = Ascent(self._spec)
        self._deadline_seconds = 0.0
        self._over = False
        """There is no further step."""
        self._kro: KroFingerprint | None = None
        """As it was at the repetition before."""

    @property
    def _plans(self) -> Sequence[TestPlan]:
        plans = [test.plan for test in self._tests]
        return plans or [plan_step(self._spec, 0, self._sizes.usable[0])]

    async def _complete_spec(self) -> None:
        spec, namespace = self._spec, self.record.namespace
        workload = await read_own_rgd(self._client, spec.workload, namespace)
        self._spec = spec.model_copy(update={"workload": workload})
        if workload.rgd is not None:
            self.record.spec["workload"]["rgd"] = {"inline": workload.rgd.inline}
        try:
            self._sizes = usable_sizes(self._spec, self._max_objects)
        except WorkloadError as error:
            raise AbortedError("InvalidSpec", f"spec.{error}") from error
        self._scale.planned = list(self._sizes.usable)
        too_few = check_samples(spec.slo, *fewest_observations(self._spec, self._sizes.usable))
        if too_few is not None:
            raise AbortedError(too_few.reason, too_few.message)

    async def _run_tests(self, context: RunContext) -> None:
        context = replace(context, validity=self._validity)
        self._deadline_seconds = self._clock.now() + self._spec.budget.duration_seconds
        try:
            await self._warm_up(context)
            await self._take_steps(context)
        except AbortedError as error:
            if not any(step.iterations for step in self._scale.sizes):
                raise
            # What the steps before have shown stands.
            self._stop(RunAborted(error=error.info))
        await self._ascent.take_down()
        await self._profile()
        self._finish()
        await self._verify(context)

    async def _warm_up(self, context: RunContext) -> None:
        for _ in range(self._spec.warmup):
            step, test = self._at(self._sizes.usable[0], context)
            await self._repeat(step, test, warmup=True)
            if self._over:
                return

    async def _take_steps(self, context: RunContext) -> None:
        usable = self._sizes.usable
        while not self._over:
            size = next_size(self._spec, usable, self._scale.sizes)
            if size is None:
                self._stop(self._why_ended())
                return
            if self._spec.sizes.cumulative:
                size = await self._ascent.next_to(size, usable)
            step, test = self._at(size, context)
            if step.iterations and step.iterations[-1].met is None:
                test.set_apart(step.iterations[-1].iteration)
            await self._repeat(step, test)
            limit = limit_so_far(self._spec, self._scale)
            # Before a breach it is not known whether the limit lies beyond all sizes.
            self._scale.limit = limit if limit.first_breach is not None else None
            await self._publish()

    def _at(self, size: float, context: RunContext) -> tuple[SizeRecord, TestRun]:
        """Return the step of this size, which may be a new one."""
        for step, test in zip(self._scale.sizes, self._tests, strict=True):
            if step.size == size:
                return step, test
        plan = plan_step(self._spec, len(self._tests), size)
        record = planned(plan)
        step = SizeRecord(size=size, test=plan.name, refined=size not in self._sizes.usable)
        test = TestRun(context, plan, record)
        self.record.tests.append(record)
        self._scale.sizes.append(step)
        self._tests.append(test)
        return step, test

    async def _repeat(self, step: SizeRecord, test: TestRun, *, warmup: bool = False) -> None:
        """Run a step once, within what is left of the budget, and judge it."""
        kro = await self._leading_kro()
        left = self._deadline_seconds - self._clock.now()
        if left < self._timing.shortest_iteration:
            self._stop_for_want_of_time()
            return
        timeout = duration_seconds(self._spec.timeout)
        index = test.add_turn(min(left, timeout), warmup=warmup)
        upon = self._ascent.upon
        if self._spec.sizes.cumulative and not warmup:
            self._ascent.place(test, index)
        self._count(step)
        self._begin_turn(test)
        await test.take_turn(index, kro)
        if test.plan.leaves_objects:
            self._ascent.add(step.size, test)
        record = self._record_of(step)
        iteration = next((done for done in record.iterations if done.index == index), None)
        if record.error is not None or iteration is None or not is_measured(iteration):
            step.verdict = SizeVerdict.FAILED
            return
        cut_short = iteration.timed_out and left < timeout
        if not warmup:
            self._recorder(step, iteration, upon, cut_short=cut_short)
        if cut_short:
            self._stop_for_want_of_time()

    async def _leading_kro(self) -> KroPod:
        target = self._spec.target
        kro = await self._kro_at(target)
        known = self._kro or self.record.environment.kro
        self._kro = kro.fingerprint
        if known is None or _start_of(known) != _start_of(self._kro):
            # One that the repetition before has killed takes its time to lead again.
            await wait_for_leader(self._client, target, self._kro.pod, self._timing, self._report)
        return kro

    def _recorder(
        self, step: SizeRecord, iteration: IterationRecord, upon: float | None, *, cut_short: bool
    ) -> None:
        trial = judge_iteration(iteration, self._spec.slo, self._validity)
        trial.upon = upon
        if cut_short:
            trial.met, trial.undecided = None, self._budget_used_up()
        step.iterations.append(trial)
        step.verdict = verdict_of(step)
        bracket = bracket_of(self._scale.sizes)
        ends = [each.size for each in bracket.steps]
        for each in self._scale.sizes:
            undecided = each.verdict is SizeVerdict.INVALID and bracket.first_breach is None
            each.decisive = each.refined or each.size in ends or undecided
        logger.info("%s: %s (%s)", step.test, step.verdict, iteration_line(trial))

    def _record_of(self, step: SizeRecord) -> TestRecord:
        return self.record.tests[self._scale.sizes.index(step)]

    def _count(self, step: SizeRecord) -> None:
        ahead = sum(size > step.size for size in self._sizes.usable)
        if bracket_of(self._scale.sizes).first_breach is not None:
            ahead = 0
        self._count_one_more(ahead)

    def _count_one_more(self, ahead: int = 0) -> None:
        """Say that another iteration begins, and that so many are to come after it."""
        progress = self.record.progress
        progress.iterations_done = self._iterations_done
        progress.iterations_planned = progress.iterations_done + 1 + ahead

    @property
    def _iterations_done(self) -> int:
        return sum(len(test.iterations) for test in self.record.tests)

    def _stop(self, reason: AnyStop | None) -> None:
        if reason is not None:
            logger.info("the scale test ends: %s", stop_line(reason))
        self._scale.stopped = reason
        self._over = True

    def _stop_for_want_of_time(self) -> None:
        """End the test early; where kro has met the SLOs at the last size already, only repetitions
        of that one are missing, and the limit lies beyond all sizes."""
        last = self._scale.sizes[-1] if self._scale.sizes else None
        breached = bracket_of(self._scale.sizes).first_breach is not None
        whole = last is not None and last.size == self._sizes.usable[-1]
        if last is None or not whole or breached or last.verdict is not SizeVerdict.MET:
            self._stop(self._budget_used_up())
            return
        done = sum(trial.met is not None for trial in last.iterations)
        self._warn(
            f"{last.test} ran {done} of {self._spec.iterations} times because "
            f"{stop_line(self._budget_used_up())}"
        )
        self._stop(self._sizes.left_out)

    def _budget_used_up(self) -> BudgetUsedUp:
        return BudgetUsedUp(duration=self._spec.budget.duration)

    def _why_ended(self) -> AnyStop | None:
        """Return why there is no further size; None if all were run."""
        for step in self._scale.sizes:
            error = self._record_of(step).error
            if step.verdict is SizeVerdict.FAILED:
                return SizeNotMeasured(test=step.test, error=error)
            if step.verdict is SizeVerdict.INVALID:
                return SizeInvalid(
                    test=step.test,
                    iterations=len(step.iterations),
                    last=step.iterations[-1].undecided,
                )
        if bracket_of(self._scale.sizes).first_breach is None:
            return self._sizes.left_out
        return None

    async def _profile(self) -> None:
        """Profile kro at the smallest size that it did not bear, or at the largest that it did."""
        bracket = bracket_of(self._scale.sizes)
        step = bracket.first_breach or bracket.last_met
        if step is None or not self._spec.collect.profiles:
            return
        test = self._tests[self._scale.sizes.index(step)]
        test.plan = standalone(test.plan)
        self._count_one_more()
        self._begin_turn(test)
        try:
            await test.profile(await self._leading_kro())
        except (AbortedError, KubeError) as error:
            # What was measured stands.
            self._warn(f"{step.test}: kro was not profiled: {error}")

    def _finish(self) -> None:
        """Put into the record what follows from all steps."""
        record = self.record
        self._scale = record.scale = with_findings(self._spec, self._scale, record.tests)
        record.recommendations = advise(record)

    async def _verify(self, context: RunContext) -> None:
        """Try the first recommendation that can be tried, if asked for."""
        advice = first_to_try(self.record.recommendations)
        step = step_to_try_at(self._scale, self.record.tests)
        if not self._spec.verify or advice is None or advice.variant is None or step is None:
            return
        plan = plan_step(self._spec, 0, step.size)
        trial = plan_trial(
            replace(plan, warmup=self._spec.warmup),
            self._record_of(step),
            advice.variant,
            self._spec.iterations,
            index=len(self._tests),
        )
        stage = Stage(
            context=context,
            changing_kro=self._changing_kro,
            kro_at=self._kro_at,
            begin_turn=self._begin_turn,
            seconds_left=self._deadline_seconds - self._clock.now(),
        )
        advice.verification = await verify(stage, self.record, advice, trial)

    def _begin_turn(self, test: TestRun) -> None:
        self._lease.check()
        self._current = test

    def _conclude(self) -> None:
        record, ignore = self.record, self._spec.validity.ignore
        done = self._iterations_done
        record.progress = Progress(iterations_done=done, iterations_planned=done)
        record.validity = validity_of_scale_test(record, ignore)
        for warning in ignored_warnings(ignored_causes(record, ignore)):
            self._warn(warning)
        record.verdict = verdict_of_scale_test(
            self._scale.limit, self._spec.minimum, record.validity
        )


def _start_of(kro: KroFingerprint) -> tuple[str, int | None]:
    return kro.pod, kro.restarts


class Ascent:
    """Goes up from size to size, and down to nothing where another way up is to be taken."""

    def __init__(self, spec: KroScaleTestSpec) -> None:
        self._spec = spec
        self._built: list[tuple[float, TestRun]] = []
        self._creator = Creator(0, 0)

    @property
    def upon(self) -> float | None:
        """The size that is there; None where nothing is."""
        return self._built[-1][0] if self._built else None

    async def next_to(self, size: float, sizes: Sequence[float]) -> float:
        """Return what is run next on the way to a size, of a test with these ``sizes``.

        What is there and does not lie on that way is taken down.
        """
        upon = next_upon([each for each, _ in self._built], size, sizes)
        if upon is None:
            await self.take_down()
            upon = way_to(size, sizes)[0]
        return upon

    def place(self, test: TestRun, index: int) -> None:
        """Plan the test's next iteration, which has this index, upon what is there."""
        if not self._built:
            self._creator = Creator(test.plan.index, index)
        test.plan = on_top_of(self._spec, test.plan, self.upon, self._creator)

    def add(self, size: float, test: TestRun) -> None:
        """Book what an iteration has left in place."""
        self._built.append((size, test))

    async def take_down(self) -> None:
        """Delete the objects of all sizes that are there."""
        if self._built:
            _, last = self._built[-1]
            self._built = []
            await last.take_down()
