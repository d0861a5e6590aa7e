import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from unit.analysis.profiling.pprofs import cpu, heap
from unit.collect.servers import api_server, closed_port, kro_pod, serve
from unit.records import figures, some_iteration
from unit.workload.plans import suite

from krobench.analysis.iterations import count_instances
from krobench.figures.profile import ProfileFile, TestProfile
from krobench.figures.reasons.profiles import (
    CpuProfileFailed,
    NotProfiled,
    PprofSilent,
    ProfilerBusy,
)
from krobench.loadjob.profiling import Profiling, window_seconds
from krobench.record.test import IterationRecord
from krobench.workload.testplan import plan_tests

CEL, JSON = "github.com/google/cel-go/x.New", "encoding/json.Unmarshal"


class Kro:
    """A kro with pprof, whose heap grows from one profile to the next."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.busy = False
        self.restarts = False

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        if request.path.endswith("/profile"):
            return await self._profile(request)
        if request.path.endswith("/heap"):
            heaps = sum("heap" in path for path in self.asked)
            return web.Response(body=heap((CEL, 1000 * heaps, 100 * heaps)))
        return web.Response(text="/ko-app/controller")

    async def _profile(self, request: web.Request) -> web.Response:
        if self.busy:
            text = "Could not enable CPU profiling: cpu profiling already in use\n"
            return web.Response(status=500, text=text)
        await asyncio.sleep(0.01)
        if self.restarts:
            assert request.transport is not None
            request.transport.close()
        return web.Response(body=cpu((CEL, 60), (JSON, 40)))


async def refuse(request: web.Request) -> web.Response:
    return web.Response(status=503, text="connection refused")


@asynccontextmanager
async def profiling(port: int, *kinds: str) -> AsyncIterator[Profiling]:
    spec = suite(collect={"profiles": list(kinds)}, target={"pprofPort": port})
    [plan] = plan_tests(spec)
    async with (
        serve(refuse) as api,
        api_server(api) as client,
        Profiling(client, kro_pod(), plan) as running,
    ):
        yield running


async def profile(running: Profiling) -> TestProfile:
    assert await running.prepare([])
    await running.begin(3)
    await running.end()
    return await running.result()


async def test_both_profiles_of_a_run_phase() -> None:
    kro = Kro()
    async with serve(kro) as port, profiling(port, "cpu", "heap") as running:
        result = await profile(running)
    assert result.iteration == 3
    assert result.cpu is not None
    assert [(g.group, g.share) for g in result.cpu.groups] == [
        ("cel-go", 0.6),
        ("JSON and YAML encoding", 0.4),
    ]
    assert result.allocated is not None
    assert result.allocated.total == 1000
    assert result.in_use is not None
    assert result.in_use.total == 200
    assert result.unavailable == {}
    assert set(running.files) == set(ProfileFile)
    assert [path.removeprefix("/debug/pprof") for path in kro.asked] == [
        "/cmdline", "/heap?gc=1", "/profile?seconds=1", "/heap?gc=1",
    ]  # fmt: skip


async def test_only_what_was_asked_for_is_taken() -> None:
    async with serve(Kro()) as port, profiling(port, "heap") as running:
        result = await profile(running)
    assert result.cpu is None
    assert set(running.files) == {ProfileFile.HEAP_BASE, ProfileFile.HEAP}
    assert result.unavailable == {}


async def test_a_kro_without_pprof_needs_no_iteration() -> None:
    async with profiling(closed_port(), "cpu", "heap") as running:
        assert not await running.prepare([])
        result = await running.result()
    assert set(result.unavailable) == {"cpu", "heap"}
    assert isinstance(result.unavailable["cpu"], PprofSilent)
    assert result.iteration is None


async def test_the_heap_is_profiled_even_if_another_cpu_profile_runs() -> None:
    kro = Kro()
    kro.busy = True
    async with serve(kro) as port, profiling(port, "cpu", "heap") as running:
        result = await profile(running)
    assert isinstance(result.unavailable["cpu"], ProfilerBusy)
    assert result.in_use is not None


async def test_a_kro_that_ends_while_it_is_profiled_does_not_fail_the_run() -> None:
    kro = Kro()
    kro.restarts = True
    async with serve(kro) as port, profiling(port, "cpu") as running:
        result = await profile(running)
    assert isinstance(result.unavailable["cpu"], CpuProfileFailed)


async def test_a_profiled_iteration_that_fails_early_is_a_reason() -> None:
    async with serve(Kro()) as port, profiling(port, "cpu") as running:
        assert await running.prepare([])
        result = await running.result()
    assert result.unavailable["cpu"] == NotProfiled()


def iteration(run_seconds: float | None, *, warmup: bool = False) -> IterationRecord:
    return some_iteration(
        warmup=warmup,
        duration_seconds=9.0,
        figures=figures({"duration.runSeconds": run_seconds}),
        counts=count_instances(1, [], 0.1),
    )


@pytest.mark.parametrize(
    ("asked", "phases", "seconds"),
    [
        (None, [4.9, 5.9, 6.9], 5),
        (None, [0.4], 1),
        (None, [900.0], 120),
        (None, [None], 1),
        (30.0, [4.9], 30),
    ],
)
def test_the_window_is_the_run_phase_of_the_measured_iterations(
    asked: float | None, phases: list[float | None], seconds: int
) -> None:
    measured = [iteration(99.0, warmup=True), *map(iteration, phases)]
    assert window_seconds(asked, measured) == seconds
