"""Having kro compile and evaluate expressions, and reading its counters around each.

kro's counters of evaluations know no RGD. So the RGDs that carry the expressions are changed one
at a time, and a window counts only where kro reconciled no other. That takes some care:

- kro looks at an RGD again some seconds after it changed, and then at all its instances. So first
  all RGDs are compiled anew, then nothing is done until that is over, and then the instances have
  their turns, whose updates change no object and so have no echo.
- A window ends when kro's counters stand still, as an instance is ready before its reconcile ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from krobench.analysis.cel.costs import CelSamples, Measured, Round, Spent
from krobench.collect.celcounters import KroCounters
from krobench.collect.exposition import Series
from krobench.collect.source import SourceUnavailableError
from krobench.job.krohabits import KroHabits
from krobench.load.concurrency import run_together
from krobench.load.expressions import Carrier, ExpressionError, ExpressionLoad
from krobench.load.kinds import NEW_KIND_PAUSE_SECONDS
from krobench.model.common import ErrorInfo
from krobench.workload.cel import Opinion, Role, cross_check

WINDOWS = 3
"""Windows of an expression in an iteration."""
UPDATES = 3
"""Updates of the instance in a window, each of which makes kro reconcile it once or more."""

_ECHO_ALLOWANCE_SECONDS = 0.3
_CONCURRENCY = 8
_POLL_SECONDS = 0.04
_MOST_POLLS = 100
_TRIES = 3
_TWIN_EVERY = 8
"""Expressions between two turns of the constants, which all are compared with."""

_START = "process_start_time_seconds"
_SUM = "cel_expr_eval_duration_seconds_sum"
_COUNT = "cel_expr_eval_duration_seconds_count"
_RECONCILES = "instance_reconcile_total"
_BUILD = "rgd_graph_build_duration_seconds"
_REVISION = "graph_revision_compile_duration_seconds"
_EVALUATIONS = (Series(_START), Series(_SUM), Series(_COUNT), Series(_RECONCILES))

Readings = dict[str, float]
Work = Callable[[Carrier], Awaitable[None]]


class CelMeasurement:
    """Measures the expressions of a test; what it has so far is in ``samples``."""

    def __init__(
        self,
        load: ExpressionLoad,
        counters: KroCounters,
        carriers: Sequence[Carrier],
        tell: Callable[[str], None],
        habits: KroHabits,
    ) -> None:
        self._habits = habits
        self._load = load
        self._counters = counters
        self._carriers = list(carriers)
        self._tell = tell
        self._measured = {c.expression.name: _measured(c) for c in carriers}
        self._started: float | None = None
        self.samples = CelSamples(list(self._measured.values()))
        self.rounds_done = 0

    async def set_up(self) -> None:
        """Make all RGDs and instances, and check the values; what fails is left out.

        Raises:
            ExpressionError: if what all expressions are compared with fails.
        """
        self._tell(f"{len(self._carriers)} RGDs")
        await self._all(self._create_rgd)
        await asyncio.sleep(NEW_KIND_PAUSE_SECONDS)
        self._tell(f"{len(self._carriers)} instances")
        await self._all(self._create_instance)

    async def _all(self, work: Work) -> None:
        gate = asyncio.Semaphore(_CONCURRENCY)

        async def one(carrier: Carrier) -> None:
            async with gate:
                await self._try(carrier, work)

        await run_together(one(carrier) for carrier in list(self._carriers))

    async def measure(self, iterations: int, warmup: int) -> None:
        """Measure all expressions in each iteration; those of the warm-up are not kept.

        Raises:
            ExpressionError: if kro was restarted, or what all are compared with fails.
            SourceUnavailableError: if kro's metrics cannot be read.
        """
        for index in range(warmup + iterations):
            label = f"iteration {index + 1} of {warmup + iterations}"
            rounds = {carrier.expression.name: Round() for carrier in self._carriers}
            before = await self._read(self._reconciles_of_all())
            self._tell(f"{label}: compiling")
            await self._compile_all(rounds, heap=index + 2 <= self._habits.kept_revisions)
            await self._quiet()
            after = await self._read(self._reconciles_of_all())
            self._tell(f"{label}: evaluating")
            await self._evaluate_all(rounds, backwards=index % 2 == 1)
            if index >= warmup:
                self._keep(rounds, before, after)
            self.rounds_done = index + 1

    async def go_on(self, seconds: float) -> None:
        """Have kro evaluate all expressions in turn for that long, with nothing measured.

        Raises:
            ExpressionError: if what all are compared with fails.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            for carrier in list(self._carriers):
                await self._try(carrier, self._load.reconcile)

    def _keep(self, rounds: dict[str, Round], before: Readings, after: Readings) -> None:
        for name, taken in rounds.items():
            self._measured[name].rounds.append(taken)
        reconciles = {
            carrier.expression.name: int(_growth(before, after, carrier.gvr))
            for carrier in self._carriers
        }
        # An expression that failed may have left an instance that kro looked at again.
        alone = sum(reconciles.values()) == _growth(before, after, _RECONCILES)
        self.samples.fresh.append(_spent(before, after, _SUM, _COUNT) if alone else None)
        self.samples.fresh_reconciles.append(reconciles)

    async def _create_rgd(self, carrier: Carrier) -> None:
        checked = cross_check(carrier.expression)
        if checked.opinion is Opinion.DIFFERS:
            raise ExpressionError(
                "WrongExpectation",
                f"expected {carrier.expression.expected!r}, and it is {checked.value!r} by the "
                "rules of CEL: it was not given to kro",
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
                f"expected {expected!r}, and kro made {', '.join(map(repr, values))}",
            )

    async def _try(self, carrier: Carrier, work: Work) -> bool:
        """Do this for an expression; one that fails is named, and left out from then on."""
        try:
            await work(carrier)
        except ExpressionError as error:
            if carrier.expression.role is not Role.EXPRESSION:
                raise
            self._measured[carrier.expression.name].error = error.info
            self._carriers.remove(carrier)
            return False
        return True

    async def _compile_all(self, rounds: dict[str, Round], heap: bool) -> None:
        held = await self._heap() if heap else None
        for carrier in list(self._carriers):
            taken = rounds[carrier.expression.name]
            match = {"name": carrier.rgd.name}
            series = [
                Series(_START),
                *(Series(f"{_BUILD}_{end}", match) for end in ("sum", "count")),
                *(Series(f"{_REVISION}_{end}") for end in ("sum", "count")),
            ]
            before = await self._read(series)
            if not await self._try(carrier, self._load.recompile):
                continue
            after = await self._read(series)
            taken.build = _spent_or_none(before, after, _BUILD)
            taken.revision = _spent_or_none(before, after, _REVISION)
            if held is not None:
                now = await self._heap()
                taken.heap_bytes = None if now is None else float(now - held)
                held = now

    async def _heap(self) -> int | None:
        try:
            return await self._counters.settled_heap_bytes()
        except SourceUnavailableError as error:
            self.samples.heap_unavailable = str(error)
            return None

    async def _evaluate_all(self, rounds: dict[str, Round], backwards: bool) -> None:
        order = self._carriers[::-1] if backwards else list(self._carriers)
        twin = next(c for c in self._carriers if c.expression.role is Role.CONSTANTS)
        for position, carrier in enumerate(order):
            if position % _TWIN_EVERY == 0 and carrier is not twin:
                await self._evaluate(twin, rounds[twin.expression.name])
            taken = rounds[carrier.expression.name]
            await self._try(carrier, partial(self._evaluate, taken=taken))

    async def _evaluate(self, carrier: Carrier, taken: Round) -> None:
        own = Series(_RECONCILES, {"gvr": carrier.gvr}, name=carrier.gvr)
        series = (*_EVALUATIONS, own)
        before = await self._settled(series)
        wanted = len(taken.windows) + WINDOWS
        for _ in range(WINDOWS * _TRIES):
            for _ in range(UPDATES):
                await self._load.reconcile(carrier)
            after = await self._settled(series)
            reconciles = int(_growth(before, after, carrier.gvr))
            spent = _spent(before, after, _SUM, _COUNT)
            if reconciles == _growth(before, after, _RECONCILES) and spent.count:
                taken.windows.append(spent)
                taken.reconciles += reconciles
            else:
                self.samples.disturbed += 1
            if len(taken.windows) == wanted:
                break
            before = after

    async def _quiet(self) -> None:
        await asyncio.sleep(self._habits.echo_seconds + _ECHO_ALLOWANCE_SECONDS)
        await self._settled(_EVALUATIONS)

    async def _settled(self, series: Sequence[Series]) -> Readings:
        """Return readings that did not change for a moment."""
        last = await self._read(series)
        for _ in range(_MOST_POLLS):
            await asyncio.sleep(_POLL_SECONDS)
            now = await self._read(series)
            if now == last:
                break
            last = now
        return last

    async def _read(self, series: Sequence[Series]) -> Readings:
        readings = await self._counters.read(series)
        started = readings.get(_START)
        if self._started is not None and started != self._started:
            raise ExpressionError("KroRestarted", "kro was restarted while it was measured")
        self._started = started
        return readings

    def _reconciles_of_all(self) -> list[Series]:
        own = [Series(_RECONCILES, {"gvr": c.gvr}, name=c.gvr) for c in self._carriers]
        return [*_EVALUATIONS, *own]


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


def _growth(before: Readings, after: Readings, key: str) -> float:
    return after.get(key, 0.0) - before.get(key, 0.0)


def _spent(before: Readings, after: Readings, total: str, count: str) -> Spent:
    return Spent(_growth(before, after, total), int(_growth(before, after, count)))


def _spent_or_none(before: Readings, after: Readings, histogram: str) -> Spent | None:
    spent = _spent(before, after, f"{histogram}_sum", f"{histogram}_count")
    return spent if spent.count else None


def failures(samples: CelSamples) -> ErrorInfo | None:
    """Return the error of a test some of whose expressions failed."""
    failed = [item for item in samples.expressions if item.error is not None]
    if not failed:
        return None
    first = failed[0]
    assert first.error is not None
    return ErrorInfo(
        reason="ExpressionsFailed",
        message=f"{len(failed)} of {len(samples.expressions) - 2} expressions failed: "
        f"{', '.join(item.name for item in failed)}; "
        f"the first with {first.error.reason}: {first.error.message}",
    )
