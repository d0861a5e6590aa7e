"""The order in which runs may go."""

from typing import Any, cast

from krobench.controller.cluster import Cluster
from krobench.controller.settings import Settings
from krobench.kube.client import KubeClient

SPECS: dict[str, dict[str, Any]] = {
    "krobenchmarks": {"tests": [{"name": "a", "workload": {"scenario": "single"}}]},
    "kroscaletests": {
        "axis": "instances",
        "sizes": {"values": [1, 2]},
        "slo": ["errors.total < 1"],
        "workload": {"scenario": "single"},
    },
}


class Lists:
    """An API server that has these resources: plural, name, second of creation, phase."""

    def __init__(self, *resources: tuple[str, str, int, str | None]) -> None:
        self._resources = resources

    async def list(self, path: str) -> list[dict[str, Any]]:
        plural = path.rpartition("/")[2]
        return [
            {
                "metadata": {
                    "name": name,
                    "namespace": "default",
                    # Such as an API server gives out, in no order.
                    "uid": f"{hash((plural, name)) % 2**32:08x}-0000-4000-8000-000000000000",
                    "generation": 1,
                    "creationTimestamp": f"2026-01-01T00:00:{second:02d}Z",
                },
                "spec": SPECS[plural],
                "status": {"phase": phase, "startTime": "2026-01-01T00:00:00Z"} if phase else {},
            }
            for of, name, second, phase in self._resources
            if of == plural
        ]


async def order(*resources: tuple[str, str, int, str | None]) -> list[str]:
    cluster = Cluster(
        cast("KubeClient", Lists(*resources)), Settings(namespace="krobench-system", image="x")
    )
    return [run.name for run in await cluster.runs()]


async def test_runs_of_one_second_go_by_their_names() -> None:
    names = ["second", "first", "third", "fourth"]
    runs = [("krobenchmarks", name, 5, None) for name in names]
    assert await order(*runs) == ["first", "fourth", "second", "third"]


async def test_the_older_goes_first_whatever_its_kind_and_name() -> None:
    found = await order(
        ("krobenchmarks", "a", 7, None),
        ("kroscaletests", "z", 5, None),
        ("krobenchmarks", "m", 6, None),
    )
    assert found == ["z", "m", "a"]


async def test_one_that_is_under_way_keeps_its_place() -> None:
    found = await order(("krobenchmarks", "a", 5, None), ("krobenchmarks", "b", 6, "Running"))
    assert found == ["b", "a"]
