import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from doubles.cluster import MemoryApi
from unit.records import some_line

from krobench.figures.rawdata import ObjectRecord
from krobench.figures.reasons.load import RevisionsForbidden, RevisionsNotServed, RevisionsUnknown
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.load.driver import RgdRejectedError
from krobench.load.lifecycle import (
    CRDS_PATH,
    apply_instance,
    apply_rgd,
    crd_of,
    is_ready,
    last_established,
    observe_compilation,
    problem,
    rejection,
)
from krobench.load.loops import RunClock
from krobench.load.observer import Followed, Observer


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


async def test_an_rgd_that_stays_rejected_ends_the_waiting() -> None:
    entry = followed()
    apply_rgd(entry, item("Inactive", GraphAccepted=("False", 1)), 2.0, 0.01)
    with pytest.raises(RgdRejectedError, match="GraphAccepted!"):
        await asyncio.wait_for(entry.ready, 1)


async def test_an_rgd_that_is_accepted_in_time_does_not_fail() -> None:
    entry = followed()
    apply_rgd(entry, item("Inactive", GraphAccepted=("False", 1)), 2.0, 0.01)
    apply_rgd(entry, item("Active", GraphAccepted=("True", 1), Ready=("True", 1)), 3.0)
    await asyncio.sleep(0.02)
    await entry.ready
    assert entry.record.accepted_seconds == 3.0


LABELS = {"kro.run/resource-graph-definition-name": "my-rgd"}


class Revisions(MemoryApi):
    """Serves GraphRevisions, but in the groups that it refuses with these codes."""

    def __init__(self, **refusals: int) -> None:
        super().__init__()
        self._refusals = {name.replace("_", "."): code for name, code in refusals.items()}

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        for group, code in self._refusals.items():
            if path.startswith(f"/apis/{group}/"):
                raise ApiError(code, "Forbidden" if code == 403 else "NotFound", "no")

    def tell(self, path: str, condition: str) -> None:
        item = {
            "metadata": {"name": path.rpartition("/")[2], "generation": 1, "labels": LABELS},
            "status": {"conditions": [{"type": condition, "status": "True"}]},
        }
        self.put(path, item)


def rgd_line(established_seconds: float | None) -> ObjectRecord:
    return some_line(operation="create-rgd", established_seconds=established_seconds)


async def followed_through(api: Revisions) -> tuple[ObjectRecord, RevisionsUnknown | None]:
    rgds = Observer(api, RunClock(), "/apis/kro.run/v1alpha1/rgds", "a=b", apply_rgd)
    followed = rgds.follow(some_line(operation="create-rgd", name="my-rgd"))
    async with AsyncExitStack() as stack:
        problem = await observe_compilation(stack, rgds)
        for group in ("internal.kro.run", "kro.run"):
            api.tell(f"/apis/{group}/v1alpha1/graphrevisions/my-rgd-r00001", "Ready")
        api.tell(f"{CRDS_PATH}/things.example.com", "Established")
        for _ in range(5):
            await asyncio.sleep(0)
    return followed.record, problem


async def test_compilation_and_establishment_are_read_from_other_objects() -> None:
    record, problem = await followed_through(Revisions())
    assert problem is None
    assert record.compiled_seconds is not None
    assert record.established_seconds is not None
    assert record.ready_seconds is None


async def test_an_older_group_of_revisions_is_found_too() -> None:
    record, problem = await followed_through(Revisions(internal_kro_run=404))
    assert problem is None
    assert record.compiled_seconds is not None


@pytest.mark.parametrize(
    ("code", "expected"),
    [(404, RevisionsNotServed()), (403, RevisionsForbidden(group="kro.run", detail="no"))],
)
async def test_without_revisions_compilation_is_not_available(
    code: int, expected: RevisionsUnknown
) -> None:
    record, problem = await followed_through(Revisions(internal_kro_run=code, kro_run=code))
    assert problem == expected
    assert record.compiled_seconds is None


def test_kinds_are_as_new_as_the_last_of_them_and_one_that_was_not_seen_is_new() -> None:
    assert last_established([rgd_line(3.0), rgd_line(5.0)], now_seconds=7.0) == 5.0
    assert last_established([rgd_line(3.0), rgd_line(None)], now_seconds=7.0) == 7.0
    assert last_established([], now_seconds=7.0) == 7.0


def crd(name: str, kind: str) -> dict[str, object]:
    return {"metadata": {"name": name}, "spec": {"names": {"kind": kind}}}


async def test_a_kind_is_found_and_the_crds_of_other_groups_are_not_read() -> None:
    names = ("webs.example.org", "apps.example.org", "apps.bulk.example.org")
    objects = {f"{CRDS_PATH}/{name}": crd(name, "App") for name in names}
    objects[f"{CRDS_PATH}/webs.example.org"] = crd("webs.example.org", "Web")
    api = MemoryApi(objects)
    assert await crd_of(api, "example.org", "App") == "apps.example.org"
    assert await crd_of(api, "example.org", "Other") is None
    read = {path for verb, path in api.asked if verb == "get"}
    assert read == {f"{CRDS_PATH}/{name}" for name in names[:2]}
