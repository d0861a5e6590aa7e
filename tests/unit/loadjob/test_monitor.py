from typing import Any, cast

import pytest

from krobench.api.specs.kro import Target
from krobench.figures.environment import KroFingerprint, KroPodState
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiUnreachableError
from krobench.load.loops import RunClock
from krobench.loadjob.monitor import KnownKro, Monitor, wall_clock_zero


class Kro:
    """A kro as the monitor's two questions find it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.uid = "1"
        self.away = False
        monkeypatch.setattr("krobench.loadjob.monitor.kro_pods", self.pods)
        monkeypatch.setattr("krobench.loadjob.monitor.kro_leader", self.leader)

    async def pods(self, *_: Any) -> tuple[KroPodState, ...]:
        if self.away:
            raise ApiUnreachableError("no answer")
        print_of = KroFingerprint(namespace="kro-system", pod=f"kro-{self.uid}")
        return (KroPodState(self.uid, f"kro-{self.uid}", 0, None, print_of),)

    async def leader(self, *_: Any) -> str:
        return f"kro-{self.uid}_x"


def monitor(known: KnownKro) -> Monitor:
    return Monitor(cast("KubeClient", None), RunClock(), Target(), known, 60.0)


async def test_what_happens_between_two_turns_belongs_to_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kro, known = Kro(monkeypatch), KnownKro()
    async with monitor(known) as first:
        seen = await first.finish()
    assert [moment.pods[0].uid for moment in seen.moments] == ["1", "1"]
    kro.uid = "2"
    async with monitor(known) as second:
        seen = await second.finish()
    assert [moment.pods[0].uid for moment in seen.moments] == ["1", "2", "2"]
    assert seen.first is not None
    assert seen.first.pods[0].uid == "1", "the run's first look is what settings are compared with"


async def test_an_api_server_that_is_away_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kro, known = Kro(monkeypatch), KnownKro()
    kro.away = True
    async with monitor(known) as watching:
        seen = await watching.finish()
    assert (seen.first, seen.moments) == (None, [])


async def test_the_wall_clock_is_read_with_the_run_s() -> None:
    clock = RunClock()
    assert wall_clock_zero(clock) == pytest.approx(clock.zero_epoch_seconds(), abs=0.05)
