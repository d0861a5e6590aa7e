"""kro's counters for measuring expressions: those of one process, once they have settled."""

import asyncio
from collections.abc import Sequence

from krobench.analysis.cel.samples import Spent
from krobench.collect.celcounters import KroCounters
from krobench.collect.exposition import Series
from krobench.kube.timing import Timing
from krobench.load.expressions import Carrier, ExpressionError

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
