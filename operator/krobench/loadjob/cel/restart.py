"""Restarting kro, and measuring the work that it repeats.

Instances are suspended during the restart: kro looks at them but evaluates nothing. Then they are
resumed one by one, which shows the first evaluation of each expression in the new process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from krobench.analysis.cel.samples import CelSamples, Restart
from krobench.analysis.krosettings import KroHabits
from krobench.collect.exposition import Series
from krobench.collect.kro import KroCounters
from krobench.collect.source import SourceUnavailableError
from krobench.kube.timing import Timing
from krobench.load.expressions import Carrier, ExpressionError, ExpressionLoad
from krobench.loadjob.cel.measure import (
    BUILD,
    EVALUATIONS,
    REVISION,
    CelReadings,
    evaluated_alone,
    of_carrier,
    spent_or_none,
)

LATER = 5
"""Number of later reconciles that an instance's first one is compared with."""

_COUNTERS = (
    *EVALUATIONS,
    *(Series(f"{metric}_{end}") for metric in (REVISION, BUILD) for end in ("sum", "count")),
)

Starter = Callable[[], Awaitable[KroCounters]]


class RestartMeasurement:
    """Measures restarts of kro with the expressions of a test, after the expressions."""

    def __init__(
        self,
        load: ExpressionLoad,
        carriers: Sequence[Carrier],
        names: Mapping[str, str],
        samples: CelSamples,
        habits: KroHabits,
        timing: Timing,
    ) -> None:
        """``carriers`` are those that did not fail; ``names`` maps all RGDs to their expressions.

        Results are added to ``samples``.
        """
        self._load = load
        self._carriers = list(carriers)
        self._names = names
        self._samples = samples
        self._habits = habits
        self._timing = timing

    async def measure(self, restart: Starter) -> None:
        """Measure one restart; ``restart`` carries it out and returns once the new kro leads.

        Raises:
            ExpressionError: if kro does not reconcile all instances again, or restarts once more.
            SourceUnavailableError: if kro's metrics can no longer be read.
        """
        for carrier in self._carriers:
            await self._load.suspend(carrier)
        revisions, self._samples.revisions_unavailable = await self._load.count_revisions()
        clock = asyncio.get_running_loop().time
        deleted = clock()
        readings = CelReadings(await restart(), self._timing)
        led = clock()
        taken = Restart(
            leading_seconds=led - deleted,
            revisions={self._names[n]: c for n, c in revisions.items() if n in self._names},
            foreign_revisions=sum(c for n, c in revisions.items() if n not in self._names),
        )
        self._samples.restarts.append(taken)
        await self._until_back(readings, taken, led)
        await asyncio.sleep(self._habits.echo_seconds)
        after = await readings.settled(_COUNTERS)
        taken.compiled = spent_or_none({}, after, REVISION)
        taken.builds = int(after.get(f"{BUILD}_count", 0.0))
        # Every other restart goes backwards, as iterations do.
        backwards = len(self._samples.restarts) % 2 == 0
        for carrier in self._carriers[::-1] if backwards else self._carriers:
            await self._evaluate(readings, carrier, taken)

    async def _until_back(self, readings: CelReadings, taken: Restart, led: float) -> None:
        """Wait until kro has compiled all revisions and reconciled all instances."""
        clock = asyncio.get_running_loop().time
        known = self._samples.revisions_unavailable is None
        revisions = sum(taken.revisions.values()) + taken.foreign_revisions
        series = [*_COUNTERS, *map(of_carrier, self._carriers)]
        while taken.reconciled_seconds is None or (known and taken.compiled_seconds is None):
            try:
                now = await readings.read(series)
            except SourceUnavailableError:
                now = {}  # kro does not answer yet, just after its start
            seconds = clock() - led
            missing = [c for c in self._carriers if not now.get(c.gvr)]
            compiled = known and now.get(f"{REVISION}_count", 0.0) >= revisions
            if taken.compiled_seconds is None and compiled:
                taken.compiled_seconds = seconds
            if taken.reconciled_seconds is None and not missing:
                taken.reconciled_seconds = seconds
            if seconds > (limit := self._timing.cel_restart):
                raise ExpressionError(
                    "KroNotBack",
                    f"{limit:g}s after a restart, kro had compiled "
                    f"{now.get(f'{REVISION}_count', 0.0):g} of {revisions} revisions, and had not "
                    f"reconciled {len(missing)} of {len(self._carriers)} instances",
                )
            await asyncio.sleep(self._timing.cel_restart_poll)

    async def _evaluate(self, readings: CelReadings, carrier: Carrier, taken: Restart) -> None:
        name = carrier.expression.name
        series = (*EVALUATIONS, of_carrier(carrier))
        before = await readings.settled(series)
        for index in range(1 + LATER):
            await (self._load.reconcile if index else self._load.resume)(carrier)
            after = await readings.settled(series)
            alone = evaluated_alone(before, after, carrier)
            before = after
            if alone is None:
                self._samples.disturbed += 1
            elif index:
                taken.later.setdefault(name, []).append(alone[0])
            else:
                taken.first[name] = alone[0]
