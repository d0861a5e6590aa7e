"""What objects that make no sense cost the operator: delay of its loop, memory and CPU time.

An API server admits them, and the operator has to end each. They arrive as fast as an emulated API
server takes them, while the operator runs or before it starts. That server has a process of its
own, as it would delay the operator's loop otherwise.

    PYTHONPATH=tests python -m bench.admitted     # about 2 minutes; needs no cluster
    PYTHONPATH=tests python -m bench.admitted --objects 100 --large 5
"""

import argparse
import asyncio
import logging
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import kmock
from emulated.conftest import Api, Emulator, RunningOperator
from emulated.test_bad_objects import bad_specs

from krobench.api.kinds import RunKind
from krobench.controller.operator import prepare_process
from krobench.controller.runs import parse_run
from krobench.kube.client import KubeClient, allow_deep_objects
from krobench.kube.config import ClientConfig
from krobench.load.overhead import resident_max_bytes
from krobench.report.tables import table

Spec = dict[str, Any]

_POLL_SECONDS = 0.5
_TIMEOUT_SECONDS = 300.0
_TICK_SECONDS = 0.002
_LATE_SECONDS = 0.05
_MB = 1e6
_LARGE = "large"
_METADATA = {"name": "a", "namespace": "n", "uid": "u", "creationTimestamp": "t"}
ALONE = ("one object, read alone", "specs", "median", "longest", "most memory")
ARRIVING = (
    "objects",
    "there",
    "until all have ended",
    "longest hold of the loop",
    "holds above 50 ms",
    "longest delay of the loop",
    "CPU time of each",
    "memory added",
)


def large_spec() -> Spec:
    """Return a spec of 1 MB in many parts, the most that the emulated API server takes."""
    resources = [{"id": f"a{at:05d}", "x": [{}]} for at in range(36_000)]
    inline = {"metadata": {"name": "x"}, "spec": {"schema": {}, "resources": resources}}
    return {"tests": [{"name": "t", "workload": {"rgd": {"inline": inline}}}]}


def specs_of(what: str) -> list[Spec]:
    """Return the specs of a kind that the operator refuses, or the large one."""
    return [large_spec()] if what == _LARGE else bad_specs(RunKind(what))


def read_alone(what: str) -> tuple[str, ...]:
    """Return what the operator's own code takes to read each of them."""
    kind = RunKind.BENCHMARK if what == _LARGE else RunKind(what)
    seconds, peaks = [], []
    for spec in specs_of(what):
        item = {"metadata": _METADATA, "spec": spec}
        begun = time.perf_counter()
        parse_run(kind, item)
        seconds.append(time.perf_counter() - begun)
        tracemalloc.start()
        parse_run(kind, item)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    seconds.sort()
    return (
        what,
        str(len(seconds)),
        f"{1000 * seconds[len(seconds) // 2]:.2g} ms",
        f"{1000 * seconds[-1]:.2g} ms",
        f"{max(peaks) / _MB:.2g} MB",
    )


async def serve(what: str, number: int) -> None:
    """Be the API server and its users, who create objects once a line comes in."""
    kind = RunKind.BENCHMARK if what == _LARGE else RunKind(what)
    specs = specs_of(what)
    async with Emulator() as emulator, kmock.Server(emulator) as server:
        emulator.serve_resources()
        url = str(server.url).rstrip("/")
        async with KubeClient(ClientConfig(url, None, lambda: None)) as client:
            api = Api(client, kind)
            print(url, flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            for at in range(number):
                await api.create(f"bad-{at:04d}", specs[at % len(specs)])
            print("created", flush=True)
            await _until_ended(api)
            print("ended", flush=True)
            await asyncio.to_thread(sys.stdin.readline)


async def _until_ended(api: Api) -> None:
    while True:
        items = await api.client.list(api.path())
        if all(item.get("status", {}).get("phase") == "Failed" for item in items):
            return
        await asyncio.sleep(_POLL_SECONDS)


class Server:
    """The process of the API server."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout

    @classmethod
    async def start(cls, what: str, number: int) -> "Server":
        options = [f"--serve={what}", f"--objects={number}"]
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "bench.admitted", *options),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )

    async def says(self) -> str:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            said = (await self._output.readline()).decode().strip()
        if not said:
            raise RuntimeError("the API server has ended")
        return said

    async def go_on(self) -> None:
        self._input.write(b"\n")
        await self._input.drain()

    async def end(self) -> None:
        await self.go_on()
        await self._process.wait()


async def arriving(what: str, number: int, *, before: bool) -> tuple[str, ...]:
    """Return what the operator takes to end them all."""
    server = await Server.start(what, number)
    operator = RunningOperator(await server.says())
    if before:
        await server.go_on()
        assert await server.says() == "created"
    resident = _forget_peak()
    cpu, begun = time.process_time(), time.monotonic()
    starting = asyncio.create_task(operator.start())
    lags: list[float] = []
    holds: list[float] = []
    asyncio.run_coroutine_threadsafe(_watch_loop(lags, holds), await _loop_of(operator))
    await starting
    if not before:
        lags.clear()
        holds.clear()
        cpu, begun = time.process_time(), time.monotonic()
        await server.go_on()
        assert await server.says() == "created"
    assert await server.says() == "ended"
    seconds, cpu = time.monotonic() - begun, time.process_time() - cpu
    added = (resident_max_bytes() or 0.0) - resident
    await operator.stop()
    await server.end()
    return (
        f"{number} {what}",
        "before it starts" if before else "while it runs",
        f"{seconds:.1f} s",
        f"{1000 * max(holds):.0f} ms",
        str(sum(each > _LATE_SECONDS for each in holds)),
        f"{1000 * max(lags):.0f} ms",
        f"{1000 * cpu / number:.1f} ms",
        f"{added / _MB:.0f} MB",
    )


async def _loop_of(operator: RunningOperator) -> asyncio.AbstractEventLoop:
    while True:
        if operator.loop is not None:
            return operator.loop
        await asyncio.sleep(0)


async def _watch_loop(lags: list[float], holds: list[float]) -> None:
    """Add how late this loop is, and the CPU time of its thread meanwhile.

    The latter is the delay on a machine that has nothing else to do.
    """
    while True:
        before, cpu = time.perf_counter(), time.thread_time()
        await asyncio.sleep(_TICK_SECONDS)
        lags.append(time.perf_counter() - before - _TICK_SECONDS)
        holds.append(time.thread_time() - cpu)


def _forget_peak() -> float:
    """Have Linux count this process's peak memory from now on; return it."""
    Path("/proc/self/clear_refs").write_text("5")
    return resident_max_bytes() or 0.0


async def show(number: int, large: int) -> None:
    """Measure, and print two tables."""
    kinds = [kind.value for kind in RunKind]
    allow_deep_objects()
    prepare_process()
    print(table(ALONE, [read_alone(what) for what in (*kinds, _LARGE)]), flush=True)
    rows = []
    for what, many in [*((kind, number) for kind in kinds), (_LARGE, large)]:
        for before in (False, True):
            rows.append(await arriving(what, many, before=before))
            print(rows[-1], flush=True)
    print(table(ARRIVING, rows))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=500)
    parser.add_argument("--large", type=int, default=20, help="objects of 1 MB each")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    if options.serve:
        asyncio.run(serve(options.serve, options.objects))
    else:
        asyncio.run(show(options.objects, options.large))


if __name__ == "__main__":
    main()
