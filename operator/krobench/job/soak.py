"""Soaking: holding a size for a time, or until kro is steady, while kro is sampled."""

import asyncio

from krobench.analysis.scaling.steady import (
    COLLECTION_SECONDS,
    METRICS,
    SteadyCheck,
    check_steady,
)
from krobench.api.notation import duration_seconds
from krobench.collect.sampler import Sampler
from krobench.figures.lines import Sample
from krobench.figures.series import Series
from krobench.job.context import RunContext
from krobench.load.iteration import Outcome
from krobench.record.iteration import Soak
from krobench.report.words.scaling import unsteady_line
from krobench.workload.testplan import TestPlan


async def hold(context: RunContext, plan: TestPlan, outcome: Outcome, sampler: Sampler) -> None:
    """Keep all that is ready for as long as was asked for, and put into the outcome how long that
    was; sampling goes on meanwhile."""
    clock = context.clock
    began = clock.now()
    until = began + plan.soak_seconds
    watch = _Watch(plan, outcome, sampler)
    if watch.window_seconds is None:
        context.report(f"{plan.name}: soaking for {plan.soak_seconds:g}s")
        await clock.sleep_until(until)
    else:
        context.report(f"{plan.name}: soaking until kro is steady, at most {plan.soak_seconds:g}s")
        interval = duration_seconds(context.collect.interval)
        while not watch.steady and (left := until - clock.now()) > 0:
            await asyncio.sleep(min(interval, left))
            watch.look()
    # A phase ends before its last sample, or nothing would be known of its end.
    outcome.soak_ended_seconds = clock.now()
    await sampler.snapshot()
    if not watch.steady:
        watch.look()
    found = watch.found
    outcome.soak = Soak(
        seconds=round(outcome.soak_ended_seconds - began, 3),
        steady=found.steady,
        memory_bytes_per_second=found.memory_bytes_per_second,
        unsteady=list(found.findings),
    )


def not_steady(plan: TestPlan, held: Soak) -> str | None:
    """Return a warning if kro was to be steady at the end of a soak and was not, or may not be."""
    if plan.steady_window_seconds is None or held.steady:
        return None
    why = unsteady_line(held.unsteady, held.memory_bytes_per_second)
    if held.steady is None:
        return (
            f"{plan.name}: whether kro was steady is unknown, so the soak lasted for its whole "
            f"{plan.soak_seconds:g}s: {why}"
        )
    return f"{plan.name}: kro was not steady after a soak of {plan.soak_seconds:g}s: {why}"


class _Watch:
    """Follows what is sampled of kro during a hold."""

    def __init__(self, plan: TestPlan, outcome: Outcome, sampler: Sampler) -> None:
        assert outcome.run_ended_seconds is not None
        self.window_seconds = plan.steady_window_seconds
        self.found = SteadyCheck()
        self._began_seconds = outcome.run_ended_seconds
        self._sampler = sampler
        self._read = 0
        self._recent: list[Sample] = []

    @property
    def steady(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.found.steady is True

    def look(self) -> None:
        """Judge anew what was sampled by now."""
        if self.window_seconds is None:
            return
        new = self._sampler.samples[self._read :]
        self._read += len(new)
        known = [*self._recent, *(s for s in new if s.source == "kro" and s.metric in METRICS)]
        last = max((sample.seconds for sample in known), default=0.0)
        # A hold may be long: no more is looked at again than there is to be judged.
        enough = 2 * (self.window_seconds + COLLECTION_SECONDS)
        self._recent = [sample for sample in known if sample.seconds >= last - enough]
        self.found = check_steady(Series(self._recent), self._began_seconds, self.window_seconds)
