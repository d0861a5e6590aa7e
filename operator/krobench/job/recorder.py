"""Collects the results of one test, iteration by iteration."""

from collections.abc import Sequence, Set

from krobench.analysis.bottlenecks.attribute import attribute
from krobench.analysis.iterations import summarise_test
from krobench.analysis.precision import enough, headline
from krobench.analysis.validity.judge import validity_of_test
from krobench.analysis.validity.samples import too_few_samples
from krobench.analysis.validity.steady import steady_state_of_test, unsteady_test
from krobench.api.common import rfc3339, utc_now
from krobench.collect.sampler import Collected
from krobench.figures.environment import KroFingerprint
from krobench.figures.latencies import latencies
from krobench.figures.lines import ObjectRecord
from krobench.job.context import RunContext
from krobench.load.iteration import Outcome
from krobench.record.iteration import IterationRecord
from krobench.record.test import TestRecord, TestState, ThresholdResult
from krobench.workload.testplan import TestPlan


def planned(plan: TestPlan) -> TestRecord:
    """Return the record of a test before its first turn."""
    return TestRecord(
        name=plan.name,
        variant=plan.variant,
        workload=plan.workload_name,
        planned_iterations=plan.most_iterations,
        planned_warmup=plan.warmup,
        instances=plan.workload.instances,
        phases=[step.operation for step in plan.phases] if len(plan.phases) > 1 else [],
        rgds=plan.workload.rgds,
        load=plan.load,
        concurrency=None if plan.load.arrival.open_loop else plan.concurrency,
        timeout_seconds=plan.timeout_seconds,
    )


class Recorder:
    """What is known of one test: its record, and the lines of its objects."""

    __test__ = False  # pytest would collect a class of this name

    def __init__(self, context: RunContext, record: TestRecord) -> None:
        self.record = record
        self._context = context
        self._objects: list[ObjectRecord] = []

    def extend(self, *, warmup: bool) -> None:
        """Plan one more iteration of a test, which may have been concluded already."""
        record = self.record
        record.planned_warmup += warmup
        record.planned_iterations += not warmup
        record.state, record.end_time = TestState.RUNNING, None

    def add(self, iteration: IterationRecord, outcome: Outcome, collected: Collected) -> None:
        """Take over what an iteration has shown up to its clean-up."""
        self.record.iterations.append(iteration)
        self._context.samples.extend(collected.samples)
        self._add_lines(outcome.records)

    def add_deletions(self, iteration: IterationRecord, outcome: Outcome) -> None:
        """Take over what the clean-up of an iteration has shown: its steps' own are known."""
        deletions = [
            line
            for line in outcome.records
            if line.operation == "delete-instance" and line.phase is None
        ]
        iteration.latency.instance_gone = latencies(outcome.records).instance_gone
        self._add_lines(deletions)

    def _add_lines(self, lines: list[ObjectRecord]) -> None:
        self._objects += lines
        self._context.objects.extend(lines)
        self.record.summary = summarise_test(self.record.iterations, self._objects)

    def set_apart(self, indexes: Set[int]) -> None:
        """Book measured iterations as warm-up, which they turned out to be."""
        record = self.record
        for done in record.iterations:
            done.warmup = done.warmup or done.index in indexes

        def mend(line: ObjectRecord) -> None:
            if line.test == record.name and line.iteration in indexes:
                line.warmup = True

        for line in self._objects:
            mend(line)
        self._context.objects.rewrite(mend)
        record.planned_warmup += len(indexes)
        record.planned_iterations -= len(indexes)
        record.summary = summarise_test(record.iterations, self._objects)
        record.headline = headline(record.iterations)

    def assess(self, plan: TestPlan) -> None:
        """Say how precise it is by now, and whether that is enough."""
        record = self.record
        record.headline = headline(record.iterations)
        if plan.precision is not None and record.error is None:
            record.stop = enough(plan.precision, plan.iterations, record.iterations)

    def conclude(self, plan: TestPlan, taken_seconds: float, kro: KroFingerprint | None) -> None:
        """Put into the record what follows from all its turns, which took so long together."""
        record = self.record
        record.steady_state = steady_state_of_test(record.iterations)
        if plan.detects_warmup and plan.variant is None and record.steady_state.cut:
            measured = [done.index for done in record.iterations if not done.warmup]
            self.set_apart(set(measured[: record.steady_state.cut]))
        if record.stop is not None:
            record.planned_iterations = sum(not done.warmup for done in record.iterations)
        record.end_time = rfc3339(utc_now())
        record.duration_seconds = round(taken_seconds, 3)
        record.success = record.error is None
        record.state = TestState.SUCCEEDED if record.success else TestState.FAILED
        record.thresholds = decide(plan.thresholds, record)
        record.causes = [*unsteady_test(record), *too_few_samples(record)]
        record.validity = validity_of_test(record, self._context.validity.ignore)
        record.attribution = attribute(record, kro, self._context.nodes)


def decide(expressions: Sequence[str], record: TestRecord) -> list[ThresholdResult]:
    """Return what became of these thresholds; nothing where nothing was measured."""
    if record.summary is None or not expressions:
        return []
    from krobench.analysis.thresholds import evaluate, unavailable_of

    reasons = unavailable_of(record.iterations)
    return [evaluate(text, record.summary, reasons) for text in expressions]
