import asyncio
from copy import deepcopy

from doubles.cluster import MemoryApi

from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.kube.timing import Timing
from krobench.load.loops import RunClock
from krobench.load.probe import WatchLag, WatchProbe

QUICK = Timing(probe_interval=0.004, probe_last_event=0.01)
LABELS = {"bench.kro.run/run": "uid"}


class LateApi(MemoryApi):
    """Sends watch events ``lag`` seconds late, or only the first of a write."""

    def __init__(self, lag_seconds: float | None, refused: ApiError | None = None) -> None:
        super().__init__()
        self._lag_seconds = lag_seconds
        self._refused = refused
        self.writes = 0
        self.labels: dict[str, str] = {}

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if verb == "create" and self._refused is not None:
            raise self._refused

    def prepare(self, path: str, item: JsonObject) -> None:
        self.labels = item["metadata"]["labels"]

    def _tell(self, kind: str, path: str, item: JsonObject) -> None:
        if kind != "MODIFIED":
            super()._tell(kind, path, item)
            return
        self.writes += 1
        if self._lag_seconds is not None or self.writes == 1:
            loop, told = asyncio.get_running_loop(), deepcopy(item)
            loop.call_later(self._lag_seconds or 0, super()._tell, kind, path, told)


async def probe(server: LateApi, writes: int) -> WatchLag:
    """Probe until there were so many writes; without any, until the first was refused."""
    async with WatchProbe(server, RunClock(), "n", "probe", LABELS, QUICK) as running:
        await asyncio.sleep(0.01)
        while server.writes < writes:  # noqa: ASYNC110 - the server is no more than a number
            await asyncio.sleep(0.001)
    return running.result()


async def test_the_lag_is_from_the_answer_to_the_event() -> None:
    server = LateApi(lag_seconds=0.01)
    lag = await probe(server, 3)
    assert server.writes >= 3
    assert (lag.missing, lag.failure) == (0, None)
    assert len(lag.seconds) == server.writes - 1, "the first only shows that the watch stands"
    assert min(lag.seconds) >= 0.009
    assert server.objects == {}
    assert server.labels["bench.kro.run/component"] == "watch-probe"


async def test_a_refused_probe_does_not_fail_the_run() -> None:
    lag = await probe(LateApi(None, ApiError(403, "Forbidden", "no")), 0)
    assert lag == WatchLag([], 0, "403 Forbidden: no")


async def test_an_event_that_does_not_come_is_missing() -> None:
    server = LateApi(lag_seconds=None)
    lag = await probe(server, 2)
    assert lag.seconds == []
    assert lag.missing == server.writes - 1 > 0
