"""Making kro compile and evaluate expressions, and reading its counters around each.

kro's evaluation counters have no label for the RGD. So the RGDs with the expressions are changed
one at a time, and a window counts only if kro reconciled no other instance. That needs some care:

- Some seconds after an RGD has changed, kro looks at it and all its instances again. So first all
  RGDs are recompiled, then nothing happens until that echo is over, and then the instances are
  updated one by one; these updates change no object and have no echo.
- An instance is ready before its reconcile ends, so a window ends when kro's counters settle.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from krobench.analysis.cel.samples import CelIteration, CelSamples, Measured, Spent
from krobench.analysis.krosettings import KroHabits
from krobench.api.common import ErrorInfo
from krobench.collect.exposition import Series
from krobench.collect.kro import KroCounters
from krobench.collect.source import SourceUnavailableError
from krobench.kube.timing import Timing
from krobench.load.expressions import Carrier, ExpressionError, ExpressionLoad
from krobench.load.loops import run_together
from krobench.workload.cel.expression import Role
from krobench.workload.cel.selection import Opinion, cross_check

_MOST_POLLS = 100

START = "process_start_time_seconds"
SUM = "cel_expr_eval_duration_seconds_sum"
COUNT = "cel_expr_eval_duration_seconds_count"
RECONCILES = "instance_reconcile_total"
BUILD = "rgd_graph_build_duration_seconds"
REVISION = "graph_revision_compile_duration_seconds"
EVALUATIONS = (Series(START), Series(SUM), Series(COUNT), Series(RECONCILES))

Readings = dict[str, float]


class CelReadings:
    """Reads the counters of one process of kro."""

    def __init__(self, counters: KroCounters, timing: Timing) -> None:
        self.counters = counters
        self._timing = timing
        self._started: float | None = None

    async def read(self, series: Sequence[Series]) -> Readings:
        """Return readings; ``series`` must include the start time of kro's process.

        Raises:
            ExpressionError: if kro was restarted since the first reading.
            SourceUnavailableError: if kro does not answer.
        """
        readings = await self.counters.read(series)
        started = readings.get(START)
        if self._started is not None and started != self._started:
            raise ExpressionError("KroRestarted", "kro was restarted during the measurement")
        self._started = started
        return readings

    async def settled(self, series: Sequence[Series]) -> Readings:
        """Return readings that did not change for a moment; raises as :meth:`read` does."""
        last = await self.read(series)
        for _ in range(_MOST_POLLS):
            await asyncio.sleep(self._timing.cel_poll)
            now = await self.read(series)
            if now == last:
                break
            last = now
        return last


def of_carrier(carrier: Carrier) -> Series:
    """Return the series of an expression's reconciles, named after its kind."""
    return Series(RECONCILES, {"gvr": carrier.gvr}, name=carrier.gvr)


def evaluated_alone(
    before: Readings, after: Readings, carrier: Carrier
) -> tuple[Spent, int] | None:
    """Return what evaluations took between two readings, and how many reconciles caused them.

    None if kro reconciled another instance, or evaluated nothing.
    """
    reconciles = growth(before, after, carrier.gvr)
    evaluations = spent(before, after, SUM, COUNT)
    if reconciles != growth(before, after, RECONCILES) or not evaluations.count:
        return None
    return evaluations, int(reconciles)


def growth(before: Readings, after: Readings, key: str) -> float:
    """Return by how much a counter grew; a counter that does not exist yet is zero."""
    return after.get(key, 0.0) - before.get(key, 0.0)


def spent(before: Readings, after: Readings, total: str, count: str) -> Spent:
    """Return by how much a histogram's sum and count grew."""
    return Spent(growth(before, after, total), int(growth(before, after, count)))


def spent_or_none(before: Readings, after: Readings, histogram: str) -> Spent | None:
    """Return by how much a histogram grew; None if it did not."""
    grown = spent(before, after, f"{histogram}_sum", f"{histogram}_count")
    return grown if grown.count else None


WINDOWS = 3
"""Windows of an expression in an iteration."""
UPDATES = 3
"""Updates of the instance in a window; each makes kro reconcile it at least once."""

_CONCURRENCY = 8
_TRIES = 3
_TWIN_EVERY = 8
"""Number of expressions between two measurements of the constants, the reference for all."""

Work = Callable[[Carrier], Awaitable[None]]


class CelMeasurement:
    """Measures the expressions of a test; the results so far are in ``samples``."""

    def __init__(
        self,
        load: ExpressionLoad,
        counters: KroCounters,
        carriers: Sequence[Carrier],
        report: Callable[[str], None],
        habits: KroHabits,
        timing: Timing,
    ) -> None:
        self._habits = habits
        self._load = load
        self._readings = CelReadings(counters, timing)
        self._carriers = list(carriers)
        self._report = report
        self._timing = timing
        self._measured = {c.expression.name: _measured(c) for c in carriers}
        self.samples = CelSamples(list(self._measured.values()))
        self.iterations_done = 0

    @property
    def carriers(self) -> Sequence[Carrier]:
        """The expressions that have not failed."""
        return self._carriers

    async def set_up(self, memory_iterations: int = 0) -> None:
        """Create all RGDs and instances, and check the values; expressions that fail are left out.

        In between, the memory of compiled expressions is measured in this many iterations, but at
        most as many as kro keeps revisions: without instances, kro's heap hardly changes otherwise.

        Raises:
            ExpressionError: if a reference expression fails.
            SourceUnavailableError: if kro's metrics cannot be read.
        """
        self._report(f"{len(self._carriers)} RGDs")
        await self._all(self._create_rgd)
        await asyncio.sleep(self._timing.new_kind_pause)
        # Once kro keeps the most revisions, each new one replaces an old one.
        iterations = min(memory_iterations, self._habits.kept_revisions - 1)
        for index in range(iterations):
            if self.samples.heap_unavailable is not None:
                break
            self._report(f"memory, iteration {index + 1} of {iterations}")
            await self._quiet()
            held = await self._heap()
            for carrier in self._in_order(index):
                if held is None or not await self._try(carrier, self._load.recompile):
                    continue
                now = await self._heap()
                if now is not None:
                    by_iteration = self._measured[carrier.expression.name].heap_growth
                    by_iteration[index] = float(now - held)
                held = now
        self._report(f"{len(self._carriers)} instances")
        await self._all(self._create_instance)

    async def _all(self, work: Work) -> None:
        gate = asyncio.Semaphore(_CONCURRENCY)

        async def one(carrier: Carrier) -> None:
            async with gate:
                await self._try(carrier, work)

        await run_together(one(carrier) for carrier in list(self._carriers))

    async def measure(self, iterations: int, warmup: int) -> None:
        """Measure all expressions in each iteration; warm-up iterations are discarded.

        Raises:
            ExpressionError: if kro was restarted, or a reference expression fails.
            SourceUnavailableError: if kro's metrics cannot be read.
        """
        for index in range(warmup + iterations):
            label = f"iteration {index + 1} of {warmup + iterations}"
            taken = {carrier.expression.name: CelIteration() for carrier in self._carriers}
            before = await self._readings.read(self._reconciles_of_all())
            self._report(f"{label}: compiling")
            await self._compile_all(taken)
            await self._quiet()
            after = await self._readings.read(self._reconciles_of_all())
            self._report(f"{label}: evaluating")
            twin = next(c for c in self._carriers if c.expression.role is Role.CONSTANTS)
            for position, carrier in enumerate(self._in_order(index)):
                if position % _TWIN_EVERY == 0 and carrier is not twin:
                    await self._evaluate(twin, taken[twin.expression.name])
                work = partial(self._evaluate, taken=taken[carrier.expression.name])
                await self._try(carrier, work)
            if index >= warmup:
                self._keep(taken, before, after)
            self.iterations_done = index + 1

    async def go_on(self, seconds: float) -> None:
        """Make kro evaluate all expressions in turn for this long, without measuring.

        Raises:
            ExpressionError: if a reference expression fails.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            for carrier in list(self._carriers):
                await self._try(carrier, self._load.reconcile)

    def _keep(self, iterations: dict[str, CelIteration], before: Readings, after: Readings) -> None:
        for name, taken in iterations.items():
            self._measured[name].iterations.append(taken)
        reconciles = {
            carrier.expression.name: int(growth(before, after, carrier.gvr))
            for carrier in self._carriers
        }
        # An expression that failed may have left an instance that kro looked at again.
        alone = sum(reconciles.values()) == growth(before, after, RECONCILES)
        self.samples.fresh.append(spent(before, after, SUM, COUNT) if alone else None)
        self.samples.fresh_reconciles.append(reconciles)

    def _in_order(self, iteration: int) -> Sequence[Carrier]:
        """Return the expressions that have not failed; every other iteration goes backwards."""
        return self._carriers[::-1] if iteration % 2 else list(self._carriers)

    async def _create_rgd(self, carrier: Carrier) -> None:
        checked = cross_check(carrier.expression)
        if checked.opinion is Opinion.DIFFERS:
            raise ExpressionError(
                "WrongExpectation",
                f"expected {carrier.expression.expected!r}, but by the rules of CEL it is "
                f"{checked.value!r}; correct the expected value",
            )
        await self._load.create_rgd(carrier)

    async def _create_instance(self, carrier: Carrier) -> None:
        await self._load.create_instance(carrier)
        values = await self._load.values(carrier)
        expected = carrier.expression.expected
        self._measured[carrier.expression.name].actual = ", ".join(values)
        if values != [expected]:
            raise ExpressionError(
                "ValueMismatch",
                f"expected {expected!r}, but kro returned {', '.join(map(repr, values))}",
            )

    async def _try(self, carrier: Carrier, work: Work) -> bool:
        """Do this for an expression; one that fails is recorded and left out from then on."""
        try:
            await work(carrier)
        except ExpressionError as error:
            if carrier.expression.role is not Role.EXPRESSION:
                raise
            self._measured[carrier.expression.name].error = error.info
            self._carriers.remove(carrier)
            return False
        return True

    async def _compile_all(self, iterations: dict[str, CelIteration]) -> None:
        for carrier in list(self._carriers):
            taken = iterations[carrier.expression.name]
            match = {"name": carrier.rgd.name}
            series = [
                Series(START),
                *(Series(f"{BUILD}_{end}", match) for end in ("sum", "count")),
                *(Series(f"{REVISION}_{end}") for end in ("sum", "count")),
            ]
            before = await self._readings.read(series)
            if not await self._try(carrier, self._load.recompile):
                continue
            after = await self._readings.read(series)
            taken.build = spent_or_none(before, after, BUILD)
            taken.revision = spent_or_none(before, after, REVISION)

    async def _heap(self) -> int | None:
        try:
            return await self._readings.counters.settled_heap_bytes()
        except SourceUnavailableError as error:
            self.samples.heap_unavailable = error.reason
            return None

    async def _evaluate(self, carrier: Carrier, taken: CelIteration) -> None:
        series = (*EVALUATIONS, of_carrier(carrier))
        before = await self._readings.settled(series)
        wanted = len(taken.windows) + WINDOWS
        for _ in range(WINDOWS * _TRIES):
            for _ in range(UPDATES):
                await self._load.reconcile(carrier)
            after = await self._readings.settled(series)
            alone = evaluated_alone(before, after, carrier)
            if alone is None:
                self.samples.disturbed += 1
            else:
                taken.windows.append(alone[0])
                taken.reconciles += alone[1]
            if len(taken.windows) == wanted:
                break
            before = after

    async def _quiet(self) -> None:
        await asyncio.sleep(self._habits.echo_seconds + self._timing.cel_echo_allowance)
        await self._readings.settled(EVALUATIONS)

    def _reconciles_of_all(self) -> list[Series]:
        return [*EVALUATIONS, *map(of_carrier, self._carriers)]


def _measured(carrier: Carrier) -> Measured:
    expression = carrier.expression
    return Measured(
        name=expression.name,
        text=expression.text,
        expected=expression.expected,
        level=expression.level,
        copies=expression.copies,
        family=expression.family,
        cross_check=cross_check(expression).opinion,
    )


def failures(samples: CelSamples) -> ErrorInfo | None:
    """Return the error of a test in which expressions failed, or None."""
    failed = [item for item in samples.expressions if item.error is not None]
    if not failed:
        return None
    first = failed[0]
    assert first.error is not None
    return ErrorInfo(
        reason="ExpressionsFailed",
        message=f"{len(failed)} of {len(samples.expressions) - 2} expressions failed: "
        f"{', '.join(item.name for item in failed)}; "
        f"the first: {first.error.reason}: {first.error.message}",
    )
