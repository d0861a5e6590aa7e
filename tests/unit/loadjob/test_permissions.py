import pytest
from doubles.cluster import MemoryApi
from unit.workload.plans import suite

from krobench.api.kinds import RunKind, RunRef
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.permissions import check_permissions, needs_of_restarts, needs_of_tests
from krobench.workload.testplan import plan_tests


class StartingReviewer(MemoryApi):
    """Knows the role of a verb only when it was asked twice whether it starts."""

    looks = 0

    async def may_be_starting(self) -> bool:
        self.looks += 1
        if self.looks == 2:
            self.denied = set()
        return True


RUN = RunRef(RunKind.BENCHMARK, "default", "quick", "u-1")
NEEDS = needs_of_tests(RUN, plan_tests(suite()))
QUICK = Timing(permission_review=0.0)


def denying(*verbs: str) -> MemoryApi:
    api = MemoryApi()
    api.denied = set(verbs)
    return api


@pytest.mark.parametrize("verb", ["create", "list", "watch", "patch", "delete"])
async def test_each_missing_right_is_named_before_anything_is_created(verb: str) -> None:
    client = denying(verb)
    with pytest.raises(AbortedError) as raised:
        await check_permissions(client, NEEDS, QUICK)
    assert raised.value.info.reason == "Forbidden"
    for resource in ("resourcegraphdefinitions.kro.run", "*.load.bench.kro.run"):
        assert f"{verb} {resource}" in raised.value.info.message


async def test_a_server_that_has_just_started_is_asked_again() -> None:
    reviewer = StartingReviewer()
    reviewer.denied = {"create"}
    await check_permissions(reviewer, NEEDS, QUICK)
    assert reviewer.looks == 2


async def test_a_job_that_may_do_everything_passes() -> None:
    await check_permissions(denying(), NEEDS, QUICK)


async def test_a_job_without_any_right_is_told_all_it_lacks_and_each_remedy() -> None:
    everything = {need.permission.verb for need in NEEDS}
    needs = [*NEEDS, *needs_of_restarts("kro-system")]
    with pytest.raises(AbortedError) as raised:
        await check_permissions(denying(*everything), needs, QUICK)
    message = raised.value.info.message
    assert all(str(need.permission) in message and need.remedy in message for need in needs)
