"""Loads with requests of others beside them."""

from typing import Any

from doubles.cluster import MemoryCluster
from emulated.test_load import quick, run

from krobench.api.specs.load import Background
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.record.run import RunRecord
from krobench.record.test import BackgroundRecord

__all__ = ["quick"]  # a fixture that all tests here use

BUSY = {"background": {"reads": 50, "writes": 100}}
SLOW = {"arrival": "constant", "rate": 20}


async def beside(cluster: MemoryCluster, load: dict[str, Any] = BUSY) -> RunRecord:
    return await run(cluster, 20, load=SLOW | load)


def background(record: RunRecord) -> BackgroundRecord:
    found = record.tests[0].iterations[-1].background
    assert found is not None
    return found


async def test_requests_are_sent_beside_the_load_and_recorded() -> None:
    cluster = MemoryCluster()
    record = await beside(cluster)
    [test] = record.tests
    assert test.success
    assert test.load.background == Background(reads=50, writes=100)
    found = background(record)
    assert found.reads > 0
    assert found.writes > found.reads
    assert (found.failed, found.skipped) == (0, 0)
    assert not any("background" in path for path in cluster.objects)
    assert record.orphans is not None
    assert record.orphans.count == 0


async def test_a_load_without_background_records_none() -> None:
    record = await beside(MemoryCluster(), {})
    assert record.tests[0].iterations[-1].background is None


async def test_refused_requests_are_counted_and_fail_no_load() -> None:
    class Refusing(MemoryCluster):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            await super().admit(verb, path, body)
            if "background" in path and verb == "patch":
                raise ApiError(429, "TooManyRequests", "later")

    record = await beside(Refusing())
    assert record.tests[0].success
    found = background(record)
    assert found.writes == 0
    assert found.failed > 0
