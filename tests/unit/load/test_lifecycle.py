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
from krobench.kube.timing import Timing
from krobench.load.driver import RgdRejectedError
from krobench.load.lifecycle import (
    CRDS_PATH,
    RGD_NAME_LABEL,
    apply_instance,
    apply_rgd,
    common_error,
    crds_of_kinds,
    find_kind,
    is_ready,
    last_established,
    observe_compilation,
    problem,
    rejection,
)
from krobench.load.loops import RunClock
from krobench.load.observer import Followed, Observer
from krobench.workload.readiness import Ready


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
    found = await crds_of_kinds(api, "example.org", {"App", "Other"})
    assert found == {"App": "apps.example.org"}
    read = {path for verb, path in api.asked if verb == "get"}
    assert read == {f"{CRDS_PATH}/{name}" for name in names[:2]}


FAILED = {"type": "ResourcesReady", "status": "False", "message": "x-0 belongs to an ApplySet"}


def failing(name: str, message: str, state: str = "ERROR") -> Followed:
    followed = Followed(some_line(name=name, acknowledged_seconds=1.0))
    status = {"state": state, "conditions": [FAILED | {"message": message}]}
    apply_instance(followed, {"metadata": {"generation": 1}, "status": status}, 2.0)
    return followed


async def test_instances_that_all_fail_alike_are_told_from_those_that_wait() -> None:
    alike = [failing("a-1", "a-1: no"), failing("a-2", "a-2: no")]
    ready = Followed(some_line(name="a-3", acknowledged_seconds=1.0, ready_seconds=2.0))
    not_sent = Followed(some_line(name="a-4"))
    assert "no" in (common_error([*alike, ready, not_sent]) or "")
    for other in (
        failing("a-5", "something else"),
        failing("a-5", "a-5: no", state="IN_PROGRESS"),
    ):
        assert common_error([*alike, other]) is None
    assert common_error([ready, not_sent]) is None
    assert common_error([failing("a-1", "context deadline exceeded")]) is None


@pytest.mark.parametrize(
    ("shown_by", "state", "conditions", "is_ready"),
    [
        (Ready(("AppReady",)), "ACTIVE", {"AppReady": "True"}, True),
        (Ready(("AppReady",)), "ACTIVE", {"AppReady": "False", "Ready": "True"}, False),
        (Ready(("A", "B")), "ACTIVE", {"A": "True"}, False),
        (Ready(("A", "B")), "ACTIVE", {"A": "True", "B": "True"}, True),
        (Ready(()), "ACTIVE", {"Degraded": "False"}, True),
        (Ready(()), "IN_PROGRESS", {"Ready": "True"}, False),
    ],
)
async def test_an_instance_is_ready_by_what_its_rgd_says(
    shown_by: Ready, state: str, conditions: dict[str, str], is_ready: bool
) -> None:
    followed = Followed(some_line())
    entries = {name: (status, 1) for name, status in conditions.items()}
    apply_instance(followed, item(state, 1, **entries), 2.0, shown_by)
    assert (followed.record.ready_seconds is not None) is is_ready


async def test_a_kind_is_found_though_the_answer_comes_after_its_time() -> None:
    spec: JsonObject = {"group": "load.bench.kro.run", "scope": "Namespaced"}
    spec |= {"versions": [{"name": "v1", "storage": True}], "names": {"kind": "A", "plural": "as"}}
    metadata = {"name": "as.load.bench.kro.run", "labels": {RGD_NAME_LABEL: "rgd"}}

    class Late(MemoryApi):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            self.put(f"{CRDS_PATH}/as.load.bench.kro.run", {"metadata": metadata, "spec": spec})

    found = await find_kind(Late(), "rgd", Timing(kind_appears=0.0))
    assert found is not None
    assert found.kind == "A"


async def test_a_kind_that_does_not_appear_is_not_found() -> None:
    assert await find_kind(MemoryApi(), "rgd", Timing(kind_appears=0.02, kind_poll=0.01)) is None
