"""Results that an API server does not take, and what a run keeps and says then."""

from contextlib import suppress
from itertools import count

import pytest
from doubles.cluster import MemoryCluster
from emulated.test_failures import TESTS, stored
from emulated.test_load import quick, run_suite

from krobench.api.common import TEST_LABEL
from krobench.api.status import Verdict
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError, KubeError
from krobench.load.lifecycle import RGDS_PATH
from krobench.loadjob.errors import AbortedError
from krobench.record.run import RunState
from krobench.record.test import TestState

__all__ = ["quick"]  # a fixture that all tests here use

QUOTA = "exceeded quota: small, requested: count/configmaps=1, used: 5, limited: 5"
NO_SPACE = "etcdserver: mvcc: database space exceeded"
RESULTS = "/api/v1/namespaces/default/configmaps"


class Storing(MemoryCluster):
    """Refuses to store results, from the n-th request on and for a number of requests."""

    def __init__(self, error: ApiError, first: int = 0, times: int = 10**9) -> None:
        super().__init__()
        self.error = error
        self.refused = range(first, first + times)
        self.writes = count()

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        name = body.get("metadata", {}).get("name", path.rpartition("/")[2])
        writes = verb in ("create", "update") and path.startswith(RESULTS)
        if writes and name.startswith("bench-results") and next(self.writes) in self.refused:
            raise self.error
        await super().admit(verb, path, body)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ApiError(403, "Forbidden", QUOTA), "ResultsNotStored"),
        (
            ApiError(422, "Invalid", "Too long: may not be more than 1048576 bytes"),
            "ResultsNotStored",
        ),
        (ApiError(413, "RequestEntityTooLarge", "limit is 3145728"), "ResultsNotStored"),
        (ApiError(500, "InternalError", NO_SPACE), "ResultsNotStored"),
        (
            ApiError(403, "Forbidden", 'User "load" cannot create resource "configmaps"'),
            "Forbidden",
        ),
    ],
)
async def test_results_that_are_refused_end_the_run_in_the_servers_words(
    error: ApiError, reason: str
) -> None:
    cluster = Storing(error)
    with pytest.raises(AbortedError) as aborted:
        await run_suite(cluster, TESTS)
    assert aborted.value.info.reason == reason
    assert error.message in aborted.value.info.message


async def test_an_outage_that_lasts_many_attempts_costs_no_result() -> None:
    cluster = Storing(ApiError(503, "ServiceUnavailable", "away"), first=2, times=60)
    await run_suite(cluster, TESTS)
    assert next(cluster.writes) > 62
    record = stored(cluster)
    assert (record.state, record.verdict) == (RunState.COMPLETED, Verdict.PASSED)
    assert all(test.summary is not None for test in record.tests)


class Outage(Storing):
    """An API server that goes away in the second test, and comes back after many requests."""

    left = 0

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        second = body.get("metadata", {}).get("labels", {}).get(TEST_LABEL) == "b"
        if verb == "create" and second and path == RGDS_PATH:
            self.left = 80
        if self.left:
            self.left -= 1
            raise self.error
        await super().admit(verb, path, body)


async def test_what_was_measured_before_an_outage_is_stored_after_it() -> None:
    cluster = Outage(ApiError(503, "ServiceUnavailable", "away"), times=0)
    with suppress(KubeError, AbortedError):
        await run_suite(cluster, TESTS)
    assert cluster.left == 0
    record = stored(cluster)
    assert record.state is not RunState.RUNNING
    assert record.tests[0].summary is not None
    assert record.tests[0].state is TestState.SUCCEEDED


async def test_results_that_somebody_deletes_are_stored_again() -> None:
    class Deleting(MemoryCluster):
        deleted = False

        def react(self, verb: str, path: str) -> None:
            if verb == "update" and path.endswith("/bench-results") and not self.deleted:
                self.deleted = True
                self._remove(path)
            super().react(verb, path)

    cluster = Deleting()
    await run_suite(cluster, TESTS)
    assert cluster.deleted
    assert stored(cluster).verdict is Verdict.PASSED
