"""A ``KroBenchmark``: running its suite, and what follows from that."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from krobench.analysis.comparison.compare import compare_variants
from krobench.analysis.comparison.rules import Rules, rules_of
from krobench.analysis.growth import measure_differences, measure_slopes
from krobench.analysis.recommendations.advise import advise
from krobench.analysis.validity.judge import ignored_causes, validity_of_run
from krobench.analysis.verdict import verdict_of_run
from krobench.api.kinds import RunKind
from krobench.api.notation import duration_seconds
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.kro import Target
from krobench.api.specs.results import Cleanup
from krobench.loadjob.engine import Engine
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.history import RunBaseline, read_baseline
from krobench.loadjob.kro.rollout import check_restartable
from krobench.loadjob.loop import IterationLoop
from krobench.loadjob.permissions import Need, needs_of_restarts, needs_of_variants
from krobench.loadjob.preflight import check_limits, read_own_rgds, read_rgd
from krobench.loadjob.progress import Remaining, remaining_seconds
from krobench.loadjob.recorder import Recorder, planned
from krobench.program.actions import Entry
from krobench.program.blocks import Blocks, deleted_together, keeping_rgds, rules_to_decide
from krobench.program.suite import Suite
from krobench.record.run import Progress, RunRecord
from krobench.report.words.validity import ignored_warnings
from krobench.workload.blueprint import WorkloadError
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS, TestPlan, plan_tests


class BenchmarkTask:
    """Runs all tests of a ``KroBenchmark``."""

    kind = RunKind.BENCHMARK

    def __init__(self, benchmark: dict[str, Any], max_objects: int = DEFAULT_MAX_OBJECTS) -> None:
        self.spec = KroBenchmarkSpec.model_validate(benchmark["spec"])
        self._raw_spec = benchmark["spec"]
        self._max_objects = max_objects
        self._seed = str(benchmark.get("metadata", {}).get("uid", ""))
        self._suite = self._program()
        self._recorders: dict[int, Recorder] = {}
        self._loop: IterationLoop | None = None
        self._baseline: RunBaseline | None = None

    def _program(self) -> Suite:
        tests: Sequence[TestPlan] = plan_tests(self.spec)
        baseline = self.spec.baseline
        if not self.spec.variants:
            return Suite(tests, self.spec.order)
        rules = Rules() if baseline is None else rules_of(primary=baseline.primary)
        if self.spec.decide is not None and self.spec.cleanup is Cleanup.ALWAYS:
            tests = keeping_rgds(deleted_together(tests, rules), rules)
        return Blocks(tests, self._seed, self.spec.decide, rules)

    @property
    def plans(self) -> Sequence[TestPlan]:
        return self._suite.tests

    @property
    def shards(self) -> int:
        return max(plan.load.shards for plan in self.plans)

    @property
    def needs(self) -> Sequence[Need]:
        needs = []
        if self.spec.variants:
            needs += needs_of_variants(self.spec.target.namespace)
        elif any(plan.upgrade is not None for plan in self.plans):
            needs += needs_of_variants(self.spec.target.namespace, "phases of operation upgrade")
        for target in self._restarted:
            needs += needs_of_restarts(target.namespace)
        return needs

    @property
    def _restarted(self) -> list[Target]:
        """Where tests restart kro."""
        return [
            plan.target
            for plan in self.plans
            if plan.replaces_kro or (plan.workload.cel is not None and plan.workload.cel.restarts)
        ]

    async def complete_spec(self, engine: Engine) -> dict[str, Any]:
        self.spec = await read_own_rgds(engine.client, self.spec, engine.run_ref.namespace)
        try:
            self._suite = self._program()
        except WorkloadError as problem:
            raise AbortedError("InvalidWorkload", f"spec.{problem}") from problem
        check_limits(self.plans, self._max_objects)
        if any(test.thresholds for test in self.spec.tests):
            from krobench.analysis.thresholds import check_thresholds

            for error in check_thresholds(self.spec):
                raise AbortedError(error.reason, error.message)
        # The record keeps what was run, even if the ConfigMap changes later.
        raw: dict[str, Any] = deepcopy(self._raw_spec)
        for raw_test, test in zip(raw["tests"], self.spec.tests, strict=True):
            if test.workload.rgd is not None:
                raw_test["workload"]["rgd"] = read_rgd(test.workload.rgd)
        return raw

    async def check(self, engine: Engine) -> None:
        for target in self._restarted:
            await check_restartable(engine.client, target)
        self._baseline = await read_baseline(
            engine.client, self.spec.baseline, engine.run_ref, engine.history
        )
        if self._baseline is not None and self._baseline.warning is not None:
            engine.warn(self._baseline.warning)

    async def measure(self, engine: Engine) -> None:
        found = [plan.upgrade for plan in self.plans if plan.upgrade is not None]
        upgrades = list({upgrade.name: upgrade for upgrade in found}.values())
        async with engine.changing_kro(
            self.spec.variants or upgrades, quick=not upgrades
        ) as variants:
            self._loop = IterationLoop(
                engine.context(),
                self._suite,
                self._recorders,
                kro_at=engine.kro_at,
                check_lease=engine.check_lease,
                variants=variants,
            )
            await engine.iterate(self._loop)

    def give_up(self) -> None:
        for recorder in self._recorders.values():
            recorder.give_up()

    def results(self) -> dict[str, Any]:
        entries: Sequence[Entry] = self._loop.entries if self._loop is not None else ()
        done, planned_iterations = self._suite.progress(entries)
        tests = [
            self._recorders[plan.index].record if plan.index in self._recorders else planned(plan)
            for plan in self.plans
        ]
        progress = Progress(iterations_done=done, iterations_planned=planned_iterations)
        so_far = self._suite.so_far if isinstance(self._suite, Blocks) else []
        return {"tests": tests, "progress": progress, "variant_comparisons": so_far}

    def remaining(self, record: RunRecord, in_iteration_seconds: float) -> Remaining:
        done, decide = record.progress.iterations_done, self.spec.decide
        ahead = record.progress.iterations_planned - done
        if decide is None or self._loop is None:
            return Remaining(remaining_seconds(record.tests, ahead, in_iteration_seconds))
        elapsed = self._loop.elapsed_seconds
        left = duration_seconds(decide.max_duration) - elapsed
        if done:  # the time includes the restarts of kro
            left = min(left, (elapsed - in_iteration_seconds) / done * ahead - in_iteration_seconds)
        return Remaining(left, at_most=True)

    def conclude(self, record: RunRecord) -> RunRecord:
        ignore = self.spec.validity.ignore
        changes: dict[str, Any] = {
            "slopes": measure_slopes(self.spec, record.tests),
            "differences": measure_differences(self.spec, record.tests),
            "validity": validity_of_run(record, ignore),
            "warnings": [*record.warnings, *ignored_warnings(ignored_causes(record, ignore))],
        }
        record = record.model_copy(update=changes)
        rules = Rules()
        if self._baseline is not None:
            rules = self._baseline.rules
            comparison = self._baseline.compare(record)
            record = record.model_copy(update={"comparison": comparison})
        decide = self.spec.decide
        rules = rules_to_decide(decide, rules)
        variants = compare_variants(record, rules, sequential=decide is not None)
        record = record.model_copy(update={"variant_comparisons": variants})
        record = record.model_copy(update={"recommendations": advise(record)})
        return record.model_copy(update={"verdict": verdict_of_run(record)})
