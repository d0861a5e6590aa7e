"""Runs beside CRDs that nobody uses."""

from typing import Any

from doubles.cluster import MemoryCluster
from emulated import scaletests
from emulated.test_load import quick, run_suite

from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError

__all__ = ["quick"]  # a fixture that all tests here use

FLAT: dict[str, Any] = {
    "slo": ["errors.total == 0"],
    "search": {"refine": False},
    "iterations": 1,
    "warmup": 0,
}


class Cluster(MemoryCluster):
    """Serves the kinds of CRDs, and counts them whenever an RGD is created."""

    def __init__(self) -> None:
        super().__init__()
        self.beside: list[int] = []

    def ballast(self) -> list[str]:
        return [path for path in self.objects if path.endswith(".ballast.bench.kro.run")]

    def prepare(self, path: str, item: JsonObject) -> None:
        super().prepare(path, item)
        if item.get("kind") == "ResourceGraphDefinition":
            self.beside.append(len(self.ballast()))

    def react(self, verb: str, path: str) -> None:
        super().react(verb, path)
        served = [{"resource": each, "verbs": []} for each in self.ballast()]
        group = {"name": "g000.ballast.bench.kro.run"}
        versions = [{"version": "v1", "resources": served}]
        self.objects["/apis"] = {"items": [{"metadata": group, "versions": versions}]}


async def test_each_size_has_its_crds_beside_it_and_none_is_left() -> None:
    cluster = Cluster()
    record = await scaletests.run(cluster, axis="crds", sizes={"values": [2, 5, 9]}, **FLAT)
    assert cluster.beside == [2, 5, 9]
    assert [test.ballast_crds for test in record.tests] == [2, 5, 9]
    assert all(test.success for test in record.tests)
    assert cluster.ballast() == []
    assert record.orphans is not None
    assert record.orphans.count == 0


async def test_a_test_has_its_own_ballast_and_the_next_has_none() -> None:
    cluster = Cluster()
    workload = {"scenario": "single", "ballast": {"crds": 4, "fields": 3}}
    tests = [
        {"name": "beside", "workload": workload},
        {"name": "alone", "workload": {"scenario": "single"}},
    ]
    record = await run_suite(cluster, tests)
    assert all(test.success for test in record.tests)
    assert set(cluster.beside) == {4, 0}
    assert cluster.beside[-1] == 0


async def test_ballast_stays_when_cumulative_sizes_are_taken_down() -> None:
    cluster = Cluster()
    record = await scaletests.run(
        cluster,
        axis="instances",
        sizes={"values": [2, 4], "cumulative": True},
        workload={"scenario": "single", "ballast": {"crds": 3, "fields": 2}},
        **FLAT | {"iterations": 3},
    )
    assert set(cluster.beside) == {3}
    assert len(cluster.beside) == 3, "each iteration builds from nothing"
    assert record.orphans is not None
    assert record.orphans.count == 0


async def test_ballast_counts_for_the_limit_on_objects() -> None:
    record = await scaletests.run(
        Cluster(), max_objects=40, axis="crds", sizes={"values": [5, 20, 60]}, **FLAT
    )
    assert [test.ballast_crds for test in record.tests] == [5, 20]


async def test_a_ballast_that_the_api_server_refuses_ends_its_test() -> None:
    class Full(Cluster):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            await super().admit(verb, path, body)
            if verb == "create" and path.endswith("customresourcedefinitions"):
                raise ApiError(413, "RequestEntityTooLarge", "etcd: request is too large")

    workload = {"scenario": "single", "ballast": {"crds": 4}}
    record = await run_suite(
        Full(),
        [
            {"name": "beside", "workload": workload},
            {"name": "alone", "workload": {"scenario": "single"}},
        ],
    )
    beside, alone = record.tests
    assert beside.error is not None
    assert beside.error.reason == "BallastRefused"
    assert "tests[0].workload.ballast" in beside.error.message
    assert alone.success
