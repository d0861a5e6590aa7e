"""Profiling kro in an iteration of its own, after the measured ones.

A profile disturbs what it measures: Go's CPU profiler interrupts kro a hundred times a second,
and a heap profile forces a garbage collection. So no measured iteration is profiled. The profiled
one comes last because the measured run phases give the length of the CPU profile.
"""

import asyncio
import contextlib
import logging
import statistics
from collections.abc import Sequence
from typing import Self

from krobench.analysis.profiling.breakdown import cpu_breakdown, heap_breakdowns
from krobench.analysis.profiling.pprof import ProfileError
from krobench.api.specs.collect import ProfileKind
from krobench.collect.kro import Pprof, PprofError
from krobench.figures.profile import ProfileFile, TestProfile
from krobench.figures.reasons.profiles import AnyProfileReason, NotProfiled
from krobench.kube.client import KubeClient
from krobench.kube.kropods import KroPod
from krobench.record.test import IterationRecord
from krobench.report.words.reasons import reason_line
from krobench.workload.testplan import TestPlan

logger = logging.getLogger(__name__)

_MAX_WINDOW_SECONDS = 120
"""Ten minutes show no more than two, and take more space."""
# pprof begins when the request arrives, and answers only at the end.
_BEGIN_SECONDS = 0.1


class Profiling:
    """The profiles of one test; an async context manager."""

    def __init__(self, client: KubeClient, kro: KroPod, plan: TestPlan) -> None:
        self._plan = plan
        self._pprof = Pprof(client, kro, plan.target.pprof_port)
        self._window_seconds = 1
        self._cpu: asyncio.Task[bytes] | None = None
        self._profile = TestProfile()
        self.files: dict[ProfileFile, bytes] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._cpu is not None:
            self._cpu.cancel()
            with contextlib.suppress(asyncio.CancelledError, PprofError):
                await self._cpu
        await self._pprof.close()

    async def prepare(self, iterations: Sequence[IterationRecord]) -> bool:
        """Return whether kro can be profiled; if not, skip the iteration."""
        self._window_seconds = window_seconds(self._plan.profile_window_seconds, iterations)
        try:
            await self._pprof.check()
        except PprofError as error:
            for kind in self._plan.profiles:
                self._miss(kind, error.reason)
            return False
        return True

    async def begin(self, iteration: int) -> None:
        """Begin just before the run phase."""
        self._profile.iteration = iteration
        if ProfileKind.HEAP in self._plan.profiles:
            await self._take_heap(ProfileFile.HEAP_BASE)
        if ProfileKind.CPU in self._plan.profiles:
            self._cpu = asyncio.create_task(self._pprof.cpu(self._window_seconds))
            await asyncio.sleep(_BEGIN_SECONDS)

    async def end(self) -> None:
        """Fetch the profiles just after the run phase."""
        if self._cpu is not None:
            try:
                self.files[ProfileFile.CPU] = await self._cpu
            except PprofError as error:
                self._miss(ProfileKind.CPU, error.reason)
        if ProfileFile.HEAP_BASE in self.files:
            await self._take_heap(ProfileFile.HEAP)

    async def result(self) -> TestProfile:
        """Return the breakdowns; the raw profiles are in ``files``."""
        # In a thread: decoding takes a second of CPU time, and watch events must not wait.
        await asyncio.to_thread(self._break_down)
        for kind in self._plan.profiles:
            taken = self._profile.cpu if kind is ProfileKind.CPU else self._profile.in_use
            if taken is None and kind not in self._profile.unavailable:
                self._miss(kind, NotProfiled())
        return self._profile

    def _break_down(self) -> None:
        if ProfileFile.CPU in self.files:
            try:
                self._profile.cpu = cpu_breakdown(self.files[ProfileFile.CPU])
                self._profile.cpu_window_seconds = float(self._window_seconds)
            except ProfileError as error:
                self._miss(ProfileKind.CPU, error.reason)
        if ProfileFile.HEAP in self.files:
            try:
                self._profile.allocated, self._profile.in_use = heap_breakdowns(
                    self.files[ProfileFile.HEAP_BASE], self.files[ProfileFile.HEAP]
                )
            except ProfileError as error:
                self._miss(ProfileKind.HEAP, error.reason)

    async def _take_heap(self, file: ProfileFile) -> None:
        try:
            self.files[file] = await self._pprof.heap()
        except PprofError as error:
            self._miss(ProfileKind.HEAP, error.reason)

    def _miss(self, kind: ProfileKind, reason: AnyProfileReason) -> None:
        logger.warning("no %s profile: %s", kind, reason_line(reason))
        self._profile.unavailable[kind] = reason


def window_seconds(asked: float | None, iterations: Sequence[IterationRecord]) -> int:
    """Return the length of the CPU profile in whole seconds, as Go wants it.

    Without a value in the spec, it is the median run phase of the measured iterations, rounded
    down: the profile then ends before the cleanup begins.
    """
    if asked is not None:
        return max(1, round(asked))
    known = [i.run_seconds for i in iterations if not i.warmup and i.run_seconds is not None]
    if not known:
        return 1
    return max(1, min(_MAX_WINDOW_SECONDS, int(statistics.median(known))))
