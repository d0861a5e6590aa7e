"""The operator and its schedules, with a clock that the tests set."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from emulated.conftest import Emulator, Manifest, RunningOperator, until, until_quiet
from unit.controller.schedules import EACH_MINUTE, TEMPLATE
from unit.controller.world import SPEC

from krobench.api.common import API_GROUP, API_VERSION, rfc3339
from krobench.api.kinds import RunKind, ScheduleKind
from krobench.api.podmessages import VARIANT_ANNOTATION
from krobench.api.status import Trigger
from krobench.controller.schedules.decide import run_name
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig

START = datetime(2026, 11, 29, 12, 0, 30, tzinfo=UTC)
RUNS = paths.group(API_GROUP, API_VERSION, RunKind.BENCHMARK.plural, "default")
SCHEDULES = paths.group(API_GROUP, API_VERSION, ScheduleKind.SCHEDULE.plural, "default")
DEPLOYMENTS = paths.group("apps", "v1", "deployments", "kro-system")
MANY = 100


@dataclass
class Place:
    """The emulated API server, an operator, and its clock."""

    client: KubeClient
    operator: RunningOperator
    now: datetime = START

    async def schedule(self, name: str, spec: Manifest, **metadata: Any) -> None:
        body = {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": ScheduleKind.SCHEDULE.value,
            "metadata": {
                "name": name,
                "namespace": "default",
                "creationTimestamp": rfc3339(START),
                **metadata,
            },
            "spec": spec,
        }
        await self.client.create(SCHEDULES, body)

    async def status(self, name: str = "nightly") -> Manifest:
        status: Manifest = (await self.client.get(f"{SCHEDULES}/{name}")).get("status") or {}
        return status

    async def runs(self) -> list[Manifest]:
        return sorted(await self.client.list(RUNS), key=lambda item: item["metadata"]["name"])

    async def until_runs(self, count: int) -> list[Manifest]:
        async def question() -> list[Manifest] | None:
            runs = await self.runs()
            return runs if len(runs) == count else None

        runs: list[Manifest] = await until(question, f"{count} runs")
        return runs

    async def until_reason(self, reason: str, name: str = "nightly") -> Manifest:
        """Wait until the schedule is in a state."""

        async def question() -> Manifest | None:
            status = await self.status(name)
            reasons = {each["reason"] for each in status.get("conditions") or []}
            return status if reason in reasons else None

        status: Manifest = await until(question, f"{name} is in {reason}")
        return status

    async def finish(self, run: Manifest, verdict: str = "Passed") -> None:
        """Do what the load Job, and the operator after it, would do."""
        status = {
            "phase": "Completed",
            "verdict": verdict,
            "completionTime": rfc3339(self.now),
            "kroVersion": "0.9.4",
            "conditions": [],
        }
        path = f"{RUNS}/{run['metadata']['name']}"
        changes = {"status": status, "metadata": {"finalizers": []}}
        await self.client.patch(path, changes)

    async def change(self, name: str = "nightly", **spec: Any) -> None:
        generation = (await self.client.get(f"{SCHEDULES}/{name}"))["metadata"]["generation"]
        changes = {"metadata": {"generation": generation + 1}, "spec": spec}
        await self.client.patch(f"{SCHEDULES}/{name}", changes)

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
async def place(server: str) -> AsyncIterator[Place]:
    operator = RunningOperator(server)
    async with KubeClient(ClientConfig(server, None, lambda: None)) as client:
        found = Place(client, operator)
        operator.clock = lambda: found.now
        operator.pace = operator.pace.__class__(look_seconds=0.1, progress_seconds=0.1)
        await operator.start()
        yield found
        await operator.stop()


async def test_a_run_has_an_owner_and_only_the_labels_of_the_template(place: Place) -> None:
    metadata = {"labels": {"team": "a"}, "annotations": {"why": "b"}}
    template = {"benchmarkTemplate": {"metadata": metadata, "spec": SPEC}}
    spec = {"schedule": "* * * * *", **template}
    await place.schedule("nightly", spec, labels={"argocd.argoproj.io/instance": "app"})
    await place.until_reason("Waiting")
    place.wait(minutes=1)
    [run] = await place.until_runs(1)
    assert run["metadata"]["labels"] == {"team": "a"}
    assert run["metadata"]["annotations"]["why"] == "b"
    [owner] = run["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("KroBenchmarkSchedule", "nightly")
    status = await place.until_reason("RunActive")
    assert [each["name"] for each in status["active"]] == [run["metadata"]["name"]]


async def test_an_operator_that_is_started_again_creates_no_second_run(place: Place) -> None:
    await place.schedule("nightly", EACH_MINUTE)
    await place.until_reason("Waiting")
    await place.operator.stop()
    place.wait(minutes=3)
    await place.operator.start()
    [run] = await place.until_runs(1)
    await place.until_reason("RunActive")
    # As if it had been killed before it wrote the status.
    status = {"handledUntil": rfc3339(START), "runs": [], "active": []}
    await place.operator.stop()
    await place.client.patch(f"{SCHEDULES}/nightly", {"status": status})
    await place.operator.start()

    async def listed() -> bool:
        return bool((await place.status()).get("runs"))

    await until(listed, "the run is listed again")
    assert [each["metadata"]["uid"] for each in await place.runs()] == [run["metadata"]["uid"]]
    await place.finish(run)
    await place.until_reason("Waiting")
    assert len(await place.runs()) == 1


async def test_suspended_and_resumed(place: Place) -> None:
    await place.schedule("nightly", {**EACH_MINUTE, "suspend": True})
    await place.until_reason("Suspended")
    place.wait(minutes=5)
    await asyncio.sleep(0.3)
    assert await place.runs() == []
    await place.change(suspend=False)
    await place.until_runs(1)


async def test_replace_deletes_the_active_run(place: Place) -> None:
    await place.schedule("nightly", {**EACH_MINUTE, "concurrencyPolicy": "Replace"})
    await place.until_reason("Waiting")
    place.wait(minutes=1)
    [first] = await place.until_runs(1)
    place.wait(minutes=1)

    async def replaced() -> bool:
        names = {
            run["metadata"]["name"]
            for run in await place.runs()
            if "deletionTimestamp" not in run["metadata"]
        }
        return len(names) == 1 and first["metadata"]["name"] not in names

    await until(replaced, "the second run takes the place of the first")


async def test_many_schedules_of_the_same_minute_lose_nothing(
    place: Place, emulator: Emulator
) -> None:
    for number in range(MANY):
        await place.schedule(f"s-{number}", EACH_MINUTE)
    await place.until_reason("Waiting", f"s-{MANY - 1}")
    place.wait(minutes=1)

    async def settled() -> bool:
        await asyncio.sleep(1)  # listing them is work for the emulator
        schedules = await place.client.list(SCHEDULES)
        active = [item for item in schedules if item["status"].get("active")]
        queued = [run for run in await place.runs() if run.get("status", {}).get("phase")]
        return len(active) == len(queued) == MANY

    await until(settled, "each has a run, which is queued")
    owners = [run["metadata"]["ownerReferences"][0]["name"] for run in await place.runs()]
    assert len(owners) == len(set(owners)), "each schedule has one run"
    # Each schedule is looked at ten times in a second.
    await until_quiet(emulator, 1, "looking at schedules costs no request")


async def test_a_change_of_kro_starts_a_run_and_that_of_a_variant_does_not(place: Place) -> None:
    await place.client.create(DEPLOYMENTS, deployment("--a=1"))
    await place.schedule("nightly", {**TEMPLATE, "onKroChange": {"settle": "10s"}})

    async def known() -> bool:
        return "kro" in await place.status()

    await until(known, "kro was seen")
    path = f"{DEPLOYMENTS}/kro"
    variant = deployment("--a=2")
    variant["metadata"]["annotations"] = {VARIANT_ANNOTATION: "{}"}
    await place.client.patch(path, variant)
    await asyncio.sleep(0.3)
    restored = deployment("--a=1")
    restored["metadata"]["annotations"] = {VARIANT_ANNOTATION: None}
    await place.client.patch(path, restored)
    await asyncio.sleep(0.3)
    assert "lastKroChange" not in await place.status()
    await place.client.patch(path, deployment("--a=3"))
    await place.until_reason("KroSettles")
    assert await place.runs() == []
    place.wait(seconds=10)
    [run] = await place.until_runs(1)
    assert run["metadata"]["name"].endswith("-kro")
    assert (await place.status())["lastKroChange"]["changed"] == ["flags"]


async def test_a_namespace_that_is_deleted_is_a_condition(place: Place, emulator: Emulator) -> None:
    await place.schedule("nightly", EACH_MINUTE)
    await place.until_reason("Waiting")
    emulator.terminating = True
    place.wait(minutes=1)
    await place.until_reason("NamespaceTerminating")


async def test_a_run_of_somebody_else_with_the_name_is_a_condition(place: Place) -> None:
    due = START.replace(second=0) + timedelta(minutes=1)
    name = run_name("nightly", Trigger.SCHEDULE, due)
    body = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": RunKind.BENCHMARK.value,
        "metadata": {"name": name, "namespace": "default"},
        "spec": SPEC,
    }
    await place.client.create(RUNS, body)
    await place.schedule("nightly", EACH_MINUTE)
    await place.until_reason("Waiting")
    place.wait(minutes=1)
    status = await place.until_reason("NameTaken")
    assert name in status["message"]
    [taken] = await place.runs()
    await place.finish(taken)
    await place.client.delete(f"{RUNS}/{name}")
    await place.until_reason("RunActive")
    [run] = await place.runs()
    assert run["metadata"]["name"] == name
    assert run["metadata"]["ownerReferences"][0]["name"] == "nightly"


def deployment(*arguments: str) -> Manifest:
    """kro as its chart installs it, rolled out."""
    labels = {"app.kubernetes.io/name": "kro"}
    container = {"name": "kro", "image": "kro:0.9.4", "args": list(arguments)}
    counts = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return {
        "metadata": {"name": "kro", "namespace": "kro-system"},
        "spec": {
            "replicas": 1,
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
        "status": {"observedGeneration": 1, **counts},
    }
