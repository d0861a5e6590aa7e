"""The iteration loop: asks a program for the next action, carries it out, gives the result back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence

from krobench.api.common import ErrorInfo
from krobench.api.specs.kro import Target
from krobench.figures.environment import KroFingerprint
from krobench.figures.profile import TestProfile
from krobench.figures.rawdata import Sample
from krobench.kube.errors import KubeError
from krobench.kube.kropods import KroPod
from krobench.load.iteration import Iteration
from krobench.loadjob.cel.run import CelRunner
from krobench.loadjob.context import RunContext
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.iteration import (
    IterationRunner,
    has_result,
    namespaces_gone,
    take_down,
)
from krobench.loadjob.kro.variants import KroVariants
from krobench.loadjob.preflight import wait_for_leader
from krobench.loadjob.profiling import Profiling
from krobench.loadjob.recorder import Recorder
from krobench.program.actions import (
    CreateRgds,
    Done,
    Entry,
    Program,
    Result,
    RgdsCreated,
    RunIteration,
    TakeDown,
)
from krobench.record.test import IterationRecord, Teardown
from krobench.workload.blueprint import WorkloadError
from krobench.workload.testplan import TestPlan

logger = logging.getLogger(__name__)


class IterationLoop:
    """Carries out one program."""

    def __init__(
        self,
        context: RunContext,
        program: Program,
        recorders: MutableMapping[int, Recorder],
        *,
        kro_at: Callable[[Target], Awaitable[KroPod | None]],
        check_lease: Callable[[], None],
        variants: KroVariants | None = None,
        verdict_of: Callable[[RunIteration], str] | None = None,
    ) -> None:
        """``recorders`` gets one for each test, by the index of its plan.

        ``verdict_of`` says for the log what an iteration has shown.
        """
        self._context = context
        self._recorders = recorders
        self._kro_at = kro_at
        self._check_lease = check_lease
        self._variants = variants
        self._verdict_of = verdict_of
        self._runner = IterationRunner(context, variants)
        self._cel = CelRunner(context)
        self._began: float | None = None
        self._kro: KroFingerprint | None = None
        """As it was at the previous iteration."""
        self._namespaces_go: tuple[TestPlan, asyncio.Task[Teardown]] | None = None
        """The end of a take-down that goes on while kro starts, and the plan that it is of."""
        self.program = program
        self.entries: tuple[Entry, ...] = ()
        """All actions so far, in order."""
        self.action: RunIteration | None = None
        """The iteration that is running."""

    @property
    def iteration(self) -> Iteration | None:
        """The iteration that is running."""
        return self._runner.current

    @property
    def samples(self) -> Sequence[Sample]:
        """What was sampled of the iteration that is running."""
        return self._runner.sampler.samples if self._runner.sampler is not None else ()

    @property
    def elapsed_seconds(self) -> float:
        now = self._context.clock.now()
        return now - (self._began if self._began is not None else now)

    async def run(self) -> Done:
        """Carry out the program until it is done.

        Raises:
            AbortedError: if the run has lost its lease, or kro is not there or was changed.
        """
        if self._began is None:
            self._began = self._context.clock.now()
        try:
            return await self._to_the_end()
        finally:
            if self._namespaces_go is not None:
                self._namespaces_go[1].cancel()

    async def _to_the_end(self) -> Done:
        while True:
            action = self.program.next(self.entries, self.elapsed_seconds)
            if (
                isinstance(action, RunIteration)
                and not action.profiled
                and await self._waited_for_kro(action)
            ):
                action = self.program.next(self.entries, self.elapsed_seconds)
            if isinstance(action, Done):
                await self._until_namespaces_are_gone()
                for begun in self._recorders.values():
                    begun.finish()
                return action
            if isinstance(action, TakeDown):
                await self._take_down(action)
                self.entries += (action,)
                continue
            self._check_lease()
            if isinstance(action, CreateRgds):
                await self._kro_for(action.first[0])
                ready = await self._runner.create_rgds(action)
                self.entries += (RgdsCreated(action, ready),)
                continue
            self.action = action
            try:
                result = await (self._profile if action.profiled else self._run)(action)
            finally:
                self.action = None
            self.entries += (result,)
            recorder = self._recorders.get(action.plan.index)
            if recorder is not None and recorder.ended:
                record = recorder.record
                verdict = self._verdict_of(action) if self._verdict_of else record.state
                logger.info("test %s: %s", record.name, verdict)
                await self._context.publish()

    async def _run(self, action: RunIteration) -> Result:
        context, plan = self._context, action.plan
        kro = await self._kro_for(action)
        if plan.index not in self._recorders:
            self._recorders[plan.index] = Recorder(context, plan)
        recorder = self._recorders[plan.index]
        started = context.clock.now()
        if recorder.begin(action, kro.fingerprint if kro is not None else None):
            # Stored before the first object is created: if this Job dies, the operator cleans up.
            await context.publish()
        iteration: IterationRecord | None = None
        error: ErrorInfo | None = None
        try:
            if plan.workload.cel is not None:
                assert kro is not None  # refused by the spec's rules
                error = await self._cel.run(action, kro, recorder)
            else:
                iteration = await self._runner.run(action, kro, recorder)
                error = None if has_result(plan, iteration) else iteration.error
        except AbortedError as aborted:
            error = aborted.info
        except WorkloadError as problem:
            error = ErrorInfo(reason="InvalidWorkload", message=f"spec.{problem}")
        if plan.upgrade is not None and self._variants is not None:
            await self._undo_upgrade(self._variants)
        recorder.end_iteration(error, context.clock.now() - started)
        if self._variants is not None:
            await self._variants.check()
        return Result(action, iteration, error)

    async def _undo_upgrade(self, variants: KroVariants) -> None:
        """Put kro's own image back, for the next iteration."""
        for warning in await variants.leave():
            self._context.warn(warning)
        await variants.settle()
        self._context.expect_another_kro()

    async def _profile(self, action: RunIteration) -> Result:
        """Profile kro in an iteration of its own; if that fails, the results are kept."""
        name = action.plan.name
        try:
            await self._waited_for_kro(action)
            kro = await self._kro_for(action)
            assert kro is not None  # refused by the spec's rules
            recorder = self._recorders[action.plan.index]
            recorder.begin(action, kro.fingerprint)
            recorder.add_profile(await self._profiled(action, kro, recorder))
        except (AbortedError, KubeError) as error:
            self._context.warn(f"{name}: kro was not profiled: {error}")
        return Result(action)

    async def _profiled(self, action: RunIteration, kro: KroPod, recorder: Recorder) -> TestProfile:
        context, test = self._context, action.plan
        if test.workload.cel is not None:
            return await self._cel.profile(action, kro)
        async with Profiling(context.client, kro, test) as profiling:
            if await profiling.prepare(recorder.record.iterations):
                iteration = await self._runner.run(action, kro, recorder, profiling)
                # A size that kro does not sustain is expected to time out.
                if iteration.error is not None and not has_result(test, iteration):
                    reason = iteration.error.message
                    context.warn(f"{test.name}: the profiled iteration failed: {reason}")
            return await context.store_profile(test, profiling)

    async def _take_down(self, action: TakeDown) -> None:
        context, plan = self._context, action.plan
        success = self._recorders[plan.index].record.error is None
        teardown = await take_down(context, action, success)
        if teardown is None:
            return
        self._add(plan, teardown)
        if action.with_namespace and teardown.done:
            # The next variant starts meanwhile: it needs nothing of these, nor they of it.
            self._namespaces_go = plan, asyncio.create_task(namespaces_gone(context))

    async def _until_namespaces_are_gone(self) -> None:
        if self._namespaces_go is None:
            return
        (plan, task), started = self._namespaces_go, self._context.clock.now()
        self._add(plan, await task)
        self._namespaces_go = None
        self._context.spent.cleanup += self._context.clock.now() - started

    def _add(self, plan: TestPlan, teardown: Teardown) -> None:
        recorder = self._recorders[plan.index]
        if recorder.record.iterations:
            recorder.take_down(teardown)
            index = recorder.record.iterations[-1].index
            self._context.warn_of_remains(plan.name, index, teardown)

    async def _kro_for(self, action: RunIteration) -> KroPod | None:
        """Apply an iteration's variant, and return the kro to measure; None if it has no pod."""
        visit = None if action.profiled else action.plan.visit_of(action.index)
        if self._variants is not None and await self._variants.enter(action.plan.variant, visit):
            self._context.expect_another_kro()
        await self._until_namespaces_are_gone()
        return await self._kro_at(action.plan.target)

    async def _waited_for_kro(self, action: RunIteration) -> bool:
        """Wait until kro leads again after a size has killed it; returns whether it had to."""
        if action.size is None:
            return False
        context, target = self._context, action.plan.target
        pod = await self._kro_at(target)
        if pod is None:
            return False
        kro = pod.fingerprint
        known, self._kro = self._kro, kro
        if known is not None and (known.pod, known.restarts) == (kro.pod, kro.restarts):
            return False
        await wait_for_leader(context.client, target, kro.pod, context.timing, context.report)
        return True
