import asyncio
from typing import Any

import pytest
from unit.records import some_line

from krobench.load import observer
from krobench.load.followed import Followed
from krobench.load.lifecycle import is_ready, problem, rejection
from krobench.load.observer import RgdRejectedError, apply_instance, apply_rgd


def item(state: str = "ACTIVE", generation: int = 1, **conditions: Any) -> dict[str, Any]:
    entries = [
        {"type": kind, "status": status, "observedGeneration": observed, "message": f"{kind}!"}
        for kind, (status, observed) in conditions.items()
    ]
    return {
        "metadata": {"name": "x", "generation": generation},
        "status": {"state": state, "conditions": entries},
    }


def followed() -> Followed:
    return Followed(some_line(sent_seconds=1.0))


def test_ready_counts_only_for_the_current_generation() -> None:
    assert is_ready(item(Ready=("True", 1)))
    assert not is_ready(item(generation=2, Ready=("True", 1)))
    assert not is_ready(item(Ready=("False", 1)))
    assert not is_ready({"metadata": {"name": "x"}})


def test_a_condition_without_a_generation_is_believed() -> None:
    plain = item(Ready=("True", 1))
    del plain["status"]["conditions"][0]["observedGeneration"]
    assert is_ready(plain)


async def test_active_before_ready_is_kept_apart() -> None:
    entry = followed()
    apply_instance(entry, item(ResourcesReady=("False", 1)), 2.0)
    assert entry.record.active_seconds == 2.0
    assert entry.record.ready_seconds is None
    assert entry.problem == "ResourcesReady=False: ResourcesReady!"
    apply_instance(entry, item(Ready=("True", 1)), 3.0)
    assert entry.record.active_seconds == 2.0
    assert entry.record.ready_seconds == 3.0
    assert entry.ready.done()


async def test_later_events_do_not_move_the_first_time() -> None:
    entry = followed()
    for seconds in (2.0, 5.0):
        apply_instance(entry, item(Ready=("True", 1)), seconds)
    assert entry.record.ready_seconds == 2.0


def test_a_rejection_is_in_kros_own_words() -> None:
    assert rejection(item(GraphAccepted=("False", 1))) == "GraphAccepted!"
    assert rejection(item(GraphAccepted=("True", 1))) is None
    assert problem(item(GraphAccepted=("True", 1), Ready=("False", 1))) is None


async def test_an_rgd_that_stays_rejected_ends_the_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observer, "REJECTION_GRACE_SECONDS", 0.01)
    entry = followed()
    apply_rgd(entry, item("Inactive", GraphAccepted=("False", 1)), 2.0)
    with pytest.raises(RgdRejectedError, match="GraphAccepted!"):
        await asyncio.wait_for(entry.ready, 1)


async def test_an_rgd_that_is_accepted_in_time_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observer, "REJECTION_GRACE_SECONDS", 0.01)
    entry = followed()
    apply_rgd(entry, item("Inactive", GraphAccepted=("False", 1)), 2.0)
    apply_rgd(entry, item("Active", GraphAccepted=("True", 1), Ready=("True", 1)), 3.0)
    await asyncio.sleep(0.02)
    await entry.ready
    assert entry.record.accepted_seconds == 3.0
