"""Schedules, from their rules at apply to runs that are created, counted and deleted."""

from collections.abc import Iterator
from typing import Any

import pytest
from cluster.kubectl import Cluster, Manifest, benchmark, scenario, wait_until

KIND = "krobenchmarkschedule"
SPEC = benchmark("template", scenario("a", instances=2))["spec"]
SUSPENDED = {
    "suspend": True,
    "axis": "instances",
    "sizes": {"values": [1, 2]},
    "slo": ["latency.instanceReady.max < 60.0"],
    "workload": {"scenario": "single"},
}


def schedule(name: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmarkSchedule",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


@pytest.fixture
def schedules(cluster: Cluster) -> Iterator[Cluster]:
    yield cluster
    cluster.run("delete", KIND, "--all")


def status_of(cluster: Cluster, name: str) -> Manifest:
    status: Manifest = cluster.get(KIND, name).get("status", {})
    return status


def test_a_run_that_was_asked_for_is_counted_and_deleted(schedules: Cluster) -> None:
    schedules.apply(
        schedule(
            "once",
            runOnce="a",
            onKroChange={},
            successfulRunsHistoryLimit=0,
            failedRunsHistoryLimit=0,
            benchmarkTemplate={"spec": SPEC},
        )
    )

    def counted() -> bool:
        runs = status_of(schedules, "once").get("runs") or [{}]
        return "verdict" in runs[0]

    wait_until(counted, "the run has finished")
    [run] = status_of(schedules, "once")["runs"]
    assert run["trigger"] == "RunOnce"
    assert run["kroVersion"]
    wait_until(lambda: run["name"] not in schedules.names("krobenchmark"), "the run is deleted")
    status = status_of(schedules, "once")
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert (conditions["Ready"], conditions["KroWatched"]) == ("True", "True")
    assert status["kro"]["image"]


def test_a_scale_test_takes_the_place_of_the_one_before(schedules: Cluster) -> None:
    def asking(value: str) -> Manifest:
        template = {"spec": SUSPENDED}
        policy = "Replace"
        return schedule(
            "again", runOnce=value, concurrencyPolicy=policy, scaleTestTemplate=template
        )

    def created() -> list[str]:
        return [name for name in schedules.names("kroscaletest") if name.startswith("again-")]

    def only_one_but(name: str) -> bool:
        found = created()
        return len(found) == 1 and name not in found

    schedules.apply(asking("a"))
    wait_until(lambda: only_one_but(""), "there is a scale test")
    [first] = created()
    assert schedules.krobench("schedule", "run", "again", "--value=b").returncode == 0
    wait_until(lambda: only_one_but(first), "another one took its place")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"schedule": "0 3 * *", "benchmarkTemplate": {"spec": SPEC}}, "spec.schedule"),
        ({"schedule": "0 3 * * *"}, "exactly one of"),
        ({"benchmarkTemplate": {"spec": SPEC}}, "onKroChange"),
        (
            {"runOnce": "a", "benchmarkTemplate": {"spec": SPEC | {"variants": [{"name": "a"}]}}},
            "at least two variants",
        ),
    ],
)
def test_the_api_server_refuses_what_cannot_run(
    cluster: Cluster, spec: Manifest, words: str
) -> None:
    assert words in cluster.refusal(schedule("refused", **spec))


def test_what_only_the_operator_sees_is_a_condition(schedules: Cluster) -> None:
    spec = {"schedule": "61 3 * * *", "benchmarkTemplate": {"spec": SPEC}}
    schedules.apply(schedule("invalid", **spec))

    def refused() -> bool:
        conditions = status_of(schedules, "invalid").get("conditions") or []
        return ("Stalled", "InvalidSchedule") in {(c["type"], c["reason"]) for c in conditions}

    wait_until(refused, "the schedule is refused")
    assert "InvalidSchedule" in {
        event["reason"]
        for event in schedules.get("events", "--field-selector=involvedObject.name=invalid")[
            "items"
        ]
    }
