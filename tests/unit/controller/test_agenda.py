"""Looks at schedules: only at those that are due, or for which something has changed."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from unit.controller.schedules import EACH_MINUTE

from krobench.api.common import rfc3339
from krobench.controller.runs import RunCache
from krobench.controller.schedules.agenda import Agenda
from krobench.controller.schedules.loop import Scheduler
from krobench.controller.settings import Settings
from krobench.kube.client import JsonObject, KubeClient
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS

NOON = datetime(2026, 11, 29, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_what_is_planned_is_due_once_its_time_has_come() -> None:
    agenda = Agenda()
    agenda.plan("a", NOON + MINUTE)
    agenda.plan("b", NOON + 2 * MINUTE)
    agenda.plan("c", None)
    assert agenda.due(NOON) == []
    assert agenda.due(NOON + MINUTE) == ["a"]
    assert agenda.due(NOON + MINUTE) == ["a"], "until it is planned again"
    agenda.plan("a", NOON + 3 * MINUTE)
    agenda.plan("b", NOON + 4 * MINUTE)
    assert agenda.due(NOON + 2 * MINUTE) == [], "the later plan holds"


def test_what_has_changed_is_due_at_once() -> None:
    agenda = Agenda()
    agenda.plan("a", None)
    agenda.note("a")
    assert agenda.due(NOON) == ["a"]
    agenda.drop("a")
    assert agenda.due(NOON) == []


def test_all_are_due_after_the_clock_went_back() -> None:
    agenda = Agenda()
    agenda.plan("a", NOON + MINUTE)
    agenda.plan("b", None)
    assert agenda.due(NOON) == []
    assert agenda.due(NOON - MINUTE) == ["a", "b"]


class Server:
    """An API server that keeps statuses and takes runs."""

    def __init__(self, items: dict[str, JsonObject]) -> None:
        self._items = items
        self.created: list[str] = []
        self._version = 1000

    async def patch(self, path: str, body: JsonObject) -> JsonObject:
        name = path.split("/")[-2]
        item = self._items[name]
        status = {**item.get("status", {}), **body["status"]}
        status = {key: value for key, value in status.items() if value is not None}
        metadata = {**item["metadata"], "resourceVersion": self._next()}
        self._items[name] = {**item, "metadata": metadata, "status": status}
        return self._items[name]

    async def create(self, path: str, body: JsonObject) -> JsonObject:
        if path.endswith("/events"):
            return body
        name = body["metadata"]["name"]
        self.created.append(name)
        metadata = {
            "uid": f"uid-{name}",
            "resourceVersion": self._next(),
            "creationTimestamp": rfc3339(NOON),
        }
        return {**body, "metadata": {**body["metadata"], **metadata}}

    def _next(self) -> str:
        self._version += 1
        return str(self._version)


class Clock:
    """A clock that counts who asks it: a look asks once, and once more for each decision."""

    def __init__(self) -> None:
        self.now, self.asked = NOON, 0

    def __call__(self) -> datetime:
        self.asked += 1
        return self.now


def schedule(number: int) -> JsonObject:
    metadata = {
        "name": f"s-{number}",
        "namespace": "default",
        "uid": f"uid-s-{number}",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": rfc3339(NOON),
    }
    return {"metadata": metadata, "spec": dict(EACH_MINUTE)}


async def test_a_hundred_idle_schedules_cost_nothing_until_one_is_due() -> None:
    items = {f"s-{number}": schedule(number) for number in range(100)}
    items["s-7"]["spec"]["schedule"] = "0 13 * * *"
    server, clock = Server(items), Clock()
    client = cast("KubeClient", server)
    runs = RunCache(client, DEFAULT_MAX_OBJECTS)

    def take(kind: Any, item: JsonObject) -> None:
        runs.put(kind, item)

    scheduler = Scheduler(client, runs, take, Settings(namespace="k", image="k:1"), clock)
    for item in list(items.values()):
        scheduler.take(item)

    async def asked() -> int:
        before = clock.asked
        await scheduler.look(lambda: True)
        return clock.asked - before

    assert await asked() > 100
    assert await asked() == 1
    clock.now += timedelta(seconds=20)
    assert await asked() == 1
    clock.now += timedelta(seconds=10)
    assert await asked() > 99
    assert len(server.created) == len(set(server.created)) == 99
    assert not any(name.startswith("s-7-") for name in server.created)
    assert await asked() == 1
    scheduler.take(
        {**items["s-7"], "metadata": {**items["s-7"]["metadata"], "resourceVersion": "9999"}}
    )
    assert 1 < await asked() < 5, "only the one that has changed"
