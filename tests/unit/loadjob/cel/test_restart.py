"""Restarts of a kro of which it is known what it compiles and evaluates anew."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from unit.loadjob.cel.test_measure import COMPILE_SECONDS, QUICK, FakeKro, measurement

from krobench.analysis.cel.costs import summarise
from krobench.analysis.krosettings import KroHabits
from krobench.collect.exposition import Series
from krobench.collect.source import SourceUnavailableError
from krobench.figures.cel import CelResults, Estimate
from krobench.figures.reasons.cel import ForeignRevisions, NeverRestarted
from krobench.figures.reasons.load import RevisionsNotServed, RevisionsUnknown
from krobench.figures.reasons.sources import Exposition, NotReadable
from krobench.kube.timing import Timing
from krobench.load.expressions import Carrier, ExpressionError
from krobench.loadjob.cel.restart import RestartMeasurement

FIRST_SLOWER = 3.0
KEPT = 3


class RestartedKro(FakeKro):
    """A kro that forgets all it has compiled when it is restarted."""

    def __init__(self) -> None:
        super().__init__()
        self.carriers: dict[str, Carrier] = {}
        self.suspended: set[str] = set()
        self.foreign = 0
        self.revisions_problem: RevisionsUnknown | None = None
        self.deaf = 2
        """Readings that fail after a restart."""

    async def create_rgd(self, carrier: Carrier) -> None:
        await super().create_rgd(carrier)
        self.carriers[carrier.rgd.name] = carrier

    async def suspend(self, carrier: Carrier) -> None:
        self.suspended.add(carrier.expression.name)

    async def resume(self, carrier: Carrier) -> None:
        self.suspended.remove(carrier.expression.name)
        before = self.counters.get("cel_expr_eval_duration_seconds_sum", 0.0)
        self.work(carrier)
        seconds = self.counters["cel_expr_eval_duration_seconds_sum"] - before
        self.add("cel_expr_eval_duration_seconds_sum", seconds * (FIRST_SLOWER - 1))

    async def count_revisions(self) -> tuple[dict[str, int], RevisionsUnknown | None]:
        if self.revisions_problem is not None:
            return {}, self.revisions_problem
        others = {"other": self.foreign} if self.foreign else {}
        return dict.fromkeys(self.carriers, KEPT) | others, None

    async def restart(self) -> "RestartedKro":
        started = self.counters["process_start_time_seconds"] + 10.0
        self.counters = {"process_start_time_seconds": started}
        self.by_gvr.clear()
        self.by_name.clear()
        self.unanswered = self.deaf
        for carrier in self.carriers.values():
            for _ in range(KEPT):
                # Twice as slow as before, the machine being cold.
                seconds = 2 * (3e-3 + COMPILE_SECONDS * (carrier.expression.copies - 1))
                self.add("graph_revision_compile_duration_seconds_sum", seconds)
                self.add("graph_revision_compile_duration_seconds_count", 1.0)
            self.by_gvr[carrier.gvr] = 1.0
            self.add("instance_reconcile_total", 1.0)
        self.add("graph_revision_compile_duration_seconds_count", self.foreign)
        assert self.suspended == {c.expression.name for c in self.carriers.values()}
        return self

    unanswered = 0

    async def read(self, wanted: Sequence[Series]) -> dict[str, float]:
        if self.unanswered:
            self.unanswered -= 1
            raise SourceUnavailableError(
                NotReadable(exposition=Exposition.KRO, detail="connection refused")
            )
        return await super().read(wanted)


def run(kro: RestartedKro, restarts: int = 2, timing: Timing = QUICK) -> CelResults:
    measured = measurement(kro)

    async def work() -> None:
        await measured.set_up()
        await measured.measure(2, 0)
        names = {carrier.rgd.name: carrier.expression.name for carrier in kro.carriers.values()}
        restarted = RestartMeasurement(
            kro,  # type: ignore[arg-type]
            measured.carriers,
            names,
            measured.samples,
            KroHabits(kept_revisions=5, echo_seconds=0.0),
            timing,
        )
        for _ in range(restarts):
            await restarted.measure(kro.restart)  # type: ignore[arg-type]

    measured.samples.restarts_wanted = restarts
    try:
        asyncio.run(work())
    finally:
        results = summarise(measured.samples)
    return results


def value(estimate: Estimate | None) -> float:
    assert estimate is not None
    return estimate.value


def test_a_restart_costs_what_kro_compiles_again() -> None:
    results = run(RestartedKro())
    restart = results.restart
    assert restart is not None
    assert (restart.restarts, restart.rgds, value(restart.revisions_per_rgd)) == (2, 4, KEPT)
    # The constants, the one constant, field-access, and mine.
    revision = 2 * (3e-3 * 4 + COMPILE_SECONDS * 49 * 3) / 4
    assert value(restart.compile_seconds_per_rgd) == pytest.approx(KEPT * revision)
    patterns = {pattern.name: pattern.ratio for pattern in results.patterns}
    assert value(patterns["restart-compile"]) == pytest.approx(2.0)
    assert restart.compile_seconds_per_rgd is not None
    assert restart.compile_seconds_per_rgd.n == 2
    assert not restart.unavailable


def test_the_first_evaluation_of_each_expression_is_kept_apart_from_later_ones() -> None:
    results = run(RestartedKro())
    mine = next(item for item in results.expressions if item.name == "mine")
    assert value(mine.first_after_restart_ratio) == pytest.approx(FIRST_SLOWER)
    assert value(mine.first_after_restart_seconds) == pytest.approx(FIRST_SLOWER * 8e-6)
    [pattern] = [p for p in results.patterns if p.name == "restart-evaluation"]
    assert pattern.ratio.value == pytest.approx(FIRST_SLOWER)
    assert pattern.ratio.n == 2, "over restarts, each of all expressions, constants among them"


def test_compilations_of_others_rgds_are_not_taken_for_the_tests() -> None:
    kro = RestartedKro()
    kro.foreign = 7
    restart = run(kro, restarts=1).restart
    assert restart is not None
    assert restart.compile_seconds_per_rgd is None
    assert restart.unavailable["compileSecondsPerRgd"] == ForeignRevisions(revisions=7)
    assert restart.compiled_seconds is not None


def test_without_revisions_to_count_compiling_is_not_available() -> None:
    kro = RestartedKro()
    kro.revisions_problem = RevisionsNotServed()
    restart = run(kro, restarts=1).restart
    assert restart is not None
    assert set(restart.unavailable.values()) == {RevisionsNotServed()}
    assert restart.compiled_seconds is restart.compile_seconds_per_rgd is None
    assert restart.reconciled_seconds is not None


def test_a_kro_that_does_not_come_back_is_an_error() -> None:
    kro = RestartedKro()
    kro.deaf = 10_000
    with pytest.raises(ExpressionError, match="compiled 0 of 12 revisions, and had not reconciled"):
        run(kro, 1, replace(QUICK, cel_restart=0.0))


def test_a_restart_that_was_never_reached_has_its_reason() -> None:
    kro = RestartedKro()
    measured = measurement(kro)
    measured.samples.restarts_wanted = 1
    results = summarise(measured.samples)
    assert results.restart is None
    assert results.unavailable["restart"] == NeverRestarted()
