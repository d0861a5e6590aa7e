"""Collects the results of one test, and makes its record of them."""

from collections.abc import Sequence, Set

from krobench.analysis.bottlenecks.attribution import attribute
from krobench.analysis.iterations import summarise_test
from krobench.analysis.precision import headline
from krobench.analysis.validity.judge import validity_of_test
from krobench.analysis.validity.samples import too_few_samples
from krobench.analysis.validity.steady import steady_state_of_test, unsteady_test
from krobench.api.common import ErrorInfo, rfc3339, utc_now
from krobench.figures.cel import CelResults
from krobench.figures.environment import KroFingerprint
from krobench.figures.profile import TestProfile
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.findings.validity import AnyCause
from krobench.loadjob.context import RunContext
from krobench.program.actions import RunIteration
from krobench.program.suite import stop_of
from krobench.record.test import IterationRecord, Teardown, TestRecord, TestState, ThresholdResult
from krobench.workload.source import OWN_RGD
from krobench.workload.testplan import TestPlan


class Recorder:
    """Collects the results of one test; ``record`` is always a value of its own."""

    def __init__(self, context: RunContext, plan: TestPlan) -> None:
        self._context = context
        self._plan = plan
        self._kro: KroFingerprint | None = None
        self._lines: list[ObjectRecord] = []
        """Of the measured iterations."""
        self._seconds = 0.0
        self._summarised = 0
        """Measured iterations in the latest summary."""
        self.record = planned(plan)

    @property
    def ended(self) -> bool:
        return self.record.end_time is not None

    def begin(self, action: RunIteration, kro: KroFingerprint | None) -> bool:
        """Start an iteration, even of a test that had ended. Returns whether it is the first."""
        self._plan, self._kro = action.plan, kro
        first = self.record.start_time is None
        if action.profiled:
            return False
        if action.replaces is not None:
            self._set_apart({action.replaces})
        apart = sum(done.warmup for done in self.record.iterations) - sum(
            action.plan.is_warmup(done.index) for done in self.record.iterations
        )
        self._update(
            planned_warmup=action.plan.warmup + apart,
            planned_iterations=action.plan.most_iterations - apart,
            state=TestState.RUNNING,
            start_time=self.record.start_time or rfc3339(utc_now()),
            end_time=None,
            kro=kro if action.plan.variant is not None else None,
        )
        return first

    def add(
        self, measured: IterationRecord, lines: Sequence[ObjectRecord], samples: Sequence[Sample]
    ) -> None:
        """Add an iteration that was measured but not cleaned up yet."""
        self._context.samples.extend(samples)
        self._add_lines(lines)
        iterations = [*self.record.iterations, measured]
        self._update(iterations=iterations)
        # A summary goes through all lines of the test, so it is not made for each iteration.
        count = sum(not done.warmup for done in iterations)
        last = measured.index + 1 >= self._plan.total_iterations
        if count > self._summarised and (last or count >= 2 * self._summarised):
            self._summarise()

    def complete(
        self,
        completed: IterationRecord,
        deletions: Sequence[ObjectRecord],
        samples: Sequence[Sample],
    ) -> None:
        """Replace the latest iteration by one with its cleanup, and add what that recorded."""
        self._context.samples.extend(samples)
        self._add_lines(deletions)
        self._update(iterations=[*self.record.iterations[:-1], completed])

    def take_down(self, teardown: Teardown) -> None:
        """Add the cleanup of what the latest iteration, and those below it, had left in place."""
        own = self.record.iterations[-1].teardown
        if own is not None:
            teardown = own.followed_by(teardown)
        last = self.record.iterations[-1].model_copy(update={"teardown": teardown})
        self._update(iterations=[*self.record.iterations[:-1], last])

    def add_cel(self, results: CelResults) -> None:
        self._update(cel=results)

    def add_causes(self, causes: Sequence[AnyCause]) -> None:
        self._update(causes=list(causes))

    def add_profile(self, profile: TestProfile) -> None:
        self._update(profile=profile)

    def end_iteration(self, error: ErrorInfo | None, seconds: float) -> None:
        """End an iteration, which took this long with its cleanup, and the test if it is done."""
        self._seconds += seconds
        record, plan = self.record, self._plan
        stop = stop_of(plan, record.iterations) if error is None else None
        self._update(error=error, headline=headline(record.iterations), stop=stop)
        done = len(record.iterations) >= plan.total_iterations
        if plan.workload.cel is not None or error is not None or stop is not None or done:
            self._end()

    def finish(self) -> None:
        """End a test that has fewer iterations than planned, because no more are needed."""
        if not self.ended:
            warmups = sum(done.warmup for done in self.record.iterations)
            measured = len(self.record.iterations) - warmups
            self._update(planned_warmup=warmups, planned_iterations=measured)
            self._end()

    def give_up(self) -> None:
        """Update the record of a test whose run was given up."""
        if not self.ended:
            self._summarise()

    def _end(self) -> None:
        """Add what follows from all iterations."""
        plan, success = self._plan, self.record.error is None
        self._update(
            end_time=rfc3339(utc_now()),
            duration_seconds=round(self._seconds, 3),
            success=success,
            state=TestState.SUCCEEDED if success else TestState.FAILED,
        )
        ignore = self._context.validity.ignore
        if plan.workload.cel is None:
            steady = steady_state_of_test(self.record.iterations)
            if plan.detects_warmup and plan.variant is None and steady.cut:
                measured = [done.index for done in self.record.iterations if not done.warmup]
                self._set_apart(set(measured[: steady.cut]))
            if self.record.stop is not None:
                count = sum(not done.warmup for done in self.record.iterations)
                self._update(planned_iterations=count)
            self._summarise()
            self._update(steady_state=steady, headline=headline(self.record.iterations))
            self._update(thresholds=decide(plan.thresholds, self.record))
            self._update(causes=[*unsteady_test(self.record), *too_few_samples(self.record)])
        self._update(validity=validity_of_test(self.record, ignore))
        if plan.workload.cel is None:
            self._update(attribution=attribute(self.record, self._kro, self._context.nodes))

    def _set_apart(self, indexes: Set[int]) -> None:
        """RunIteration measured iterations into warm-up."""
        record = self.record
        iterations = [
            done.model_copy(update={"warmup": True}) if done.index in indexes else done
            for done in record.iterations
        ]
        name = record.name

        def mend(line: ObjectRecord) -> None:
            if line.test == name and line.iteration in indexes:
                line.warmup = True

        self._context.objects.rewrite(mend)
        self._lines = [line for line in self._lines if line.iteration not in indexes]
        self._update(
            iterations=iterations,
            planned_warmup=record.planned_warmup + len(indexes),
            planned_iterations=record.planned_iterations - len(indexes),
        )
        self._summarise()

    def _summarise(self) -> None:
        iterations = self.record.iterations
        self._summarised = sum(not done.warmup for done in iterations)
        self._update(summary=summarise_test(iterations, self._lines))

    def _add_lines(self, lines: Sequence[ObjectRecord]) -> None:
        self._context.objects.extend(lines)
        self._lines += [line for line in lines if not line.warmup]

    def _update(self, **changes: object) -> None:
        self.record = self.record.model_copy(update=changes)


def planned(plan: TestPlan) -> TestRecord:
    """Return the record of a test before its first iteration."""
    return TestRecord(
        name=plan.name,
        variant=plan.variant,
        workload=plan.workload_name,
        ready_by=str(plan.ready) if plan.workload_name == OWN_RGD else None,
        planned_iterations=plan.most_iterations,
        planned_warmup=plan.warmup,
        instances=plan.workload.instances,
        phases=[phase.operation for phase in plan.phases] if len(plan.phases) > 1 else [],
        rgds=plan.workload.rgds,
        ballast_crds=plan.ballast.crds,
        load=plan.load,
        concurrency=None if plan.load.arrival.open_loop else plan.concurrency,
        timeout_seconds=plan.timeout_seconds,
    )


def decide(expressions: Sequence[str], record: TestRecord) -> list[ThresholdResult]:
    """Return the results of thresholds; none if nothing was measured."""
    if record.summary is None or not expressions:
        return []
    from krobench.analysis.thresholds import evaluate, unavailable_of

    reasons = unavailable_of(record.iterations)
    return [evaluate(text, record.summary, reasons) for text in expressions]
