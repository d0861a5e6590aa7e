"""The measurement against a kro of which it is known what each expression costs."""

import asyncio
from collections.abc import Sequence

import pytest
from unit.workload.plans import first_plan

from krobench.analysis.cel.costs import summarise
from krobench.analysis.krosettings import KroHabits
from krobench.api.specs.cel import CelWorkload
from krobench.collect.exposition import Series
from krobench.collect.source import SourceUnavailableError
from krobench.figures.cel import CelResults
from krobench.figures.reasons.sources import NoPprof
from krobench.kube.timing import Timing
from krobench.load.expressions import Carrier, ExpressionError
from krobench.load.lifecycle import Kind
from krobench.loadjob.cel.measure import CelMeasurement, failures
from krobench.workload.cel.expression import Role
from krobench.workload.cel.selection import expressions_of

CEL = {
    "families": ["field-access"],
    "levels": ["simple"],
    "expressions": [
        {"name": "mine", "expression": "schema.spec.a", "values": {"a": "x"}, "expected": "x"},
        {"name": "bad", "expression": "nope()", "values": {"a": "x"}, "expected": "x"},
    ],
}
SECONDS = {"constants": 1e-6, "one-constant": 1e-6, "field-access": 2e-6, "mine": 8e-6, "bad": 1e-6}
COMPILE_SECONDS, BASE_SECONDS = 1e-4, 3e-3


class FakeKro:
    """Takes the place of the load and of the counters."""

    def __init__(self) -> None:
        self.values_of = {"mine": ["x"]}
        self.rejected = {"bad": "undeclared reference to 'nope'"}
        self.counters: dict[str, float] = {"process_start_time_seconds": 100.0}
        self.by_gvr: dict[str, float] = {}
        self.by_name: dict[tuple[str, str], float] = {}
        self.heap: int | None = 1_000_000
        self.heap_readings = self.heap_readings_before_instances = 0
        self.neighbour_every = 0
        self.restart_after = 0
        self.reconciles = 0

    async def create_rgd(self, carrier: Carrier) -> None:
        name = carrier.expression.name
        if name in self.rejected:
            raise ExpressionError("RejectedByKro", self.rejected[name])
        plural = f"k{name}s"
        carrier.kind = Kind("crd", carrier.rgd.name, "g", "v1", "K", plural, namespaced=True)

    async def create_instance(self, carrier: Carrier) -> None:
        self.heap_readings_before_instances = self.heap_readings
        self.work(carrier)

    async def values(self, carrier: Carrier) -> list[str]:
        return self.values_of.get(carrier.expression.name, [carrier.expression.expected])

    async def recompile(self, carrier: Carrier) -> None:
        seconds = BASE_SECONDS + COMPILE_SECONDS * (carrier.expression.copies - 1)
        for end, value in (("sum", seconds), ("count", 1.0)):
            build = (f"rgd_graph_build_duration_seconds_{end}", carrier.rgd.name)
            self.by_name[build] = self.by_name.get(build, 0.0) + value
            self.add(f"graph_revision_compile_duration_seconds_{end}", value)
        if self.heap is not None:
            self.heap += 10_000 * carrier.expression.copies
        self.work(carrier)

    async def reconcile(self, carrier: Carrier) -> None:
        self.reconciles += 1
        self.work(carrier)
        if self.neighbour_every and self.reconciles % self.neighbour_every == 0:
            self.add("instance_reconcile_total", 1.0)
            self.add("cel_expr_eval_duration_seconds_sum", 1.0)
            self.add("cel_expr_eval_duration_seconds_count", 1.0)
        if self.restart_after and self.reconciles == self.restart_after:
            self.counters["process_start_time_seconds"] += 1.0

    def work(self, carrier: Carrier) -> None:
        copies = carrier.expression.copies
        self.by_gvr[carrier.gvr] = self.by_gvr.get(carrier.gvr, 0.0) + 1.0
        self.add("instance_reconcile_total", 1.0)
        self.add("cel_expr_eval_duration_seconds_sum", SECONDS[carrier.expression.name] * copies)
        self.add("cel_expr_eval_duration_seconds_count", copies)

    def add(self, metric: str, value: float) -> None:
        self.counters[metric] = self.counters.get(metric, 0.0) + value

    async def read(self, wanted: Sequence[Series]) -> dict[str, float]:
        answer = {}
        keys = [series.key for series in wanted]
        assert len(keys) == len(set(keys)), "what is named twice is summed twice"
        for series in wanted:
            if "gvr" in series.match:
                answer[series.key] = self.by_gvr.get(str(series.match["gvr"]), 0.0)
            elif "name" in series.match:
                answer[series.key] = self.by_name.get(
                    (series.metric, str(series.match["name"])), 0.0
                )
            else:
                answer[series.key] = self.counters.get(series.metric, 0.0)
        return answer

    async def settled_heap_bytes(self) -> int:
        if self.heap is None:
            raise SourceUnavailableError(NO_PPROF)
        self.heap_readings += 1
        return self.heap


NO_PPROF = NoPprof(port=6060, detail="refused")
QUICK = Timing(new_kind_pause=0.0, cel_poll=0.0, cel_echo_allowance=0.0, cel_restart_poll=0.0)


def measurement(kro: FakeKro) -> CelMeasurement:
    plan = first_plan({"cel": CEL})
    expressions = expressions_of(CelWorkload.model_validate(CEL))
    carriers = [Carrier(e, rgd) for e, rgd in zip(expressions, plan.rgds, strict=True)]
    habits = KroHabits(kept_revisions=5, echo_seconds=0.0)
    return CelMeasurement(kro, kro, carriers, lambda _: None, habits, QUICK)  # type: ignore[arg-type]


def run(kro: FakeKro, iterations: int = 2, warmup: int = 0) -> tuple[CelMeasurement, CelResults]:
    measured = measurement(kro)

    async def work() -> None:
        await measured.set_up(memory_iterations=iterations)
        await measured.measure(iterations, warmup)

    asyncio.run(work())
    return measured, summarise(measured.samples)


def costs(results: CelResults, name: str) -> float | None:
    estimate = next(e for e in results.expressions if e.name == name).evaluation_seconds
    return None if estimate is None else estimate.value


def test_each_expression_costs_what_kro_counted_for_it() -> None:
    _, results = run(FakeKro())
    mine = next(item for item in results.expressions if item.name == "mine")
    assert costs(results, "mine") == pytest.approx(8e-6)
    assert mine.relative_to_field_access is not None
    assert mine.relative_to_field_access.value == pytest.approx(4.0)
    assert mine.compile_seconds is not None
    assert mine.compile_seconds.value == pytest.approx(COMPILE_SECONDS)
    assert mine.compiled_bytes is not None
    assert mine.compiled_bytes.value == pytest.approx(10_000)
    assert results.builds_per_change == 2.0


def test_what_kro_rejects_is_named_in_its_words_and_the_others_go_on() -> None:
    measured, results = run(FakeKro())
    bad = next(item for item in results.expressions if item.name == "bad")
    assert bad.error is not None
    assert bad.error.message == "undeclared reference to 'nope'"
    assert costs(results, "bad") is None
    assert costs(results, "mine") is not None
    error = failures(measured.samples)
    assert error is not None
    assert error.message.startswith("1 of 3 expressions failed: bad; the first: RejectedByKro")


def test_a_value_that_is_another_fails_with_both() -> None:
    kro = FakeKro()
    kro.values_of["field-access"] = ["shop"]
    kro.values_of["mine"] = ["y"]
    _, results = run(kro)
    mine = next(item for item in results.expressions if item.name == "mine")
    assert mine.error is not None
    assert mine.error.message == "expected 'x', but kro returned 'y'"
    assert costs(results, "mine") is None


def test_windows_in_which_kro_did_something_else_are_not_used() -> None:
    kro = FakeKro()
    kro.neighbour_every = 7
    _, results = run(kro)
    assert results.disturbed_windows > 0
    assert costs(results, "mine") == pytest.approx(8e-6)


def test_warm_up_is_not_kept() -> None:
    measured, results = run(FakeKro(), iterations=2, warmup=1)
    assert measured.iterations_done == 3
    assert results.iterations == 2


def test_without_pprof_memory_is_not_available_and_all_else_is() -> None:
    kro = FakeKro()
    kro.heap = None
    _, results = run(kro)
    assert results.unavailable == {"compiledBytes": NO_PPROF}
    assert costs(results, "mine") == pytest.approx(8e-6)


def test_memory_is_measured_while_there_are_no_instances() -> None:
    kro = FakeKro()
    _, results = run(kro, iterations=2)
    assert kro.heap_readings > 0
    assert kro.heap_readings == kro.heap_readings_before_instances
    mine = next(item for item in results.expressions if item.name == "mine")
    assert mine.compiled_bytes is not None
    assert mine.compiled_bytes.n == 2


def test_the_heap_is_not_measured_beyond_the_revisions_that_kro_keeps() -> None:
    measured, _ = run(FakeKro(), iterations=6)
    assert list(measured.samples.expressions[0].heap_growth) == [0, 1, 2, 3]


def test_a_kro_that_restarts_ends_the_measurement() -> None:
    kro = FakeKro()
    kro.restart_after = 5
    with pytest.raises(ExpressionError, match="restarted"):
        run(kro)


def test_what_all_are_compared_with_must_not_fail() -> None:
    kro = FakeKro()
    kro.rejected = {"constants": "no"}
    with pytest.raises(ExpressionError, match="no"):
        run(kro)


def test_the_roles_of_a_measurement_are_all_there() -> None:
    roles = [e.role for e in expressions_of(CelWorkload())]
    assert roles.count(Role.CONSTANTS) == roles.count(Role.ONE_CONSTANT) == 1
