import pytest
from doubles.cluster import MemoryApi
from unit.workload.plans import suite

from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.permissions import check_may_restart_kro, check_permissions
from krobench.workload.testplan import plan_tests


class StartingReviewer(MemoryApi):
    """Knows the role of a verb only when it was asked twice whether it starts."""

    looks = 0

    async def may_be_starting(self) -> bool:
        self.looks += 1
        if self.looks == 2:
            self.denied = set()
        return True


QUICK = Timing(permission_review=0.0)


def denying(*verbs: str) -> MemoryApi:
    api = MemoryApi()
    api.denied = set(verbs)
    return api


@pytest.mark.parametrize("verb", ["create", "list", "watch", "patch", "delete"])
async def test_each_missing_right_is_named_before_anything_is_created(verb: str) -> None:
    client = denying(verb)
    with pytest.raises(AbortedError) as raised:
        await check_permissions(client, plan_tests(suite()), QUICK)
    assert raised.value.info.reason == "Forbidden"
    for resource in ("resourcegraphdefinitions.kro.run", "*.load.bench.kro.run"):
        assert f"{verb} {resource}" in raised.value.info.message


async def test_a_server_that_has_just_started_is_asked_again() -> None:
    reviewer = StartingReviewer()
    reviewer.denied = {"create"}
    await check_permissions(reviewer, plan_tests(suite()), QUICK)
    assert reviewer.looks == 2


async def test_a_job_that_may_do_everything_passes() -> None:
    await check_permissions(denying(), plan_tests(suite()), QUICK)


async def test_a_missing_right_to_restart_kro_is_named_with_the_remedy() -> None:
    with pytest.raises(AbortedError) as raised:
        await check_may_restart_kro(denying("delete"), "kro-system", QUICK)
    assert raised.value.info.message == (
        "the load Job's ServiceAccount may not delete pods in kro-system; for "
        "workload.cel.restarts, install the chart with variants.enabled=true and "
        "variants.namespace=kro-system"
    )
