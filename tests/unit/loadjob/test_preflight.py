import pytest

from krobench.api.specs.kro import Target
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.timing import Timing
from krobench.loadjob.preflight import wait_for_leader


async def test_a_kro_that_has_just_started_is_waited_for_until_it_leads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holders: list[str | None] = ["kro-0_x", "kro-0_x", "kro-1_y"]
    asked: list[str | None] = []

    async def leader(*_: object) -> str | None:
        asked.append(holders[len(asked)])
        return asked[-1]

    monkeypatch.setattr("krobench.loadjob.preflight.kro_leader", leader)
    reported: list[str] = []
    client = KubeClient(ClientConfig("http://nowhere", None, lambda: None))
    await wait_for_leader(client, Target(), "kro-1", Timing(kro_poll=0.0), reported.append)
    assert asked == holders
    assert reported == ["waiting for kro's pod kro-1 to become the leader"] * 2
