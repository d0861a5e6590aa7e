import pytest
from doubles.cluster import MemoryApi
from unit.workload.plans import suite

from krobench.job.errors import AbortedError
from krobench.job.permissions import check_may_restart_kro, check_permissions
from krobench.workload.testplan import plan_tests


class StartingReviewer(MemoryApi):
    """Knows the role of a verb only when it was asked twice whether it starts."""

    looks = 0

    async def may_be_starting(self) -> bool:
        self.looks += 1
        if self.looks == 2:
            self.denied = set()
        return True


def denying(*verbs: str) -> MemoryApi:
    api = MemoryApi()
    api.denied = set(verbs)
    return api


@pytest.mark.parametrize("verb", ["create", "list", "watch", "patch", "delete"])
async def test_each_missing_right_is_named_before_anything_is_created(verb: str) -> None:
    client = denying(verb)
    with pytest.raises(AbortedError) as raised:
        await check_permissions(client, plan_tests(suite()))
    assert raised.value.info.reason == "Forbidden"
    for resource in ("resourcegraphdefinitions.kro.run", "*.load.bench.kro.run"):
        assert f"{verb} {resource}" in raised.value.info.message


async def test_a_server_that_has_just_started_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("krobench.job.permissions._REVIEW_AGAIN_SECONDS", 0.0)
    reviewer = StartingReviewer()
    reviewer.denied = {"create"}
    await check_permissions(reviewer, plan_tests(suite()))
    assert reviewer.looks == 2


async def test_nothing_is_said_where_all_is_allowed() -> None:
    await check_permissions(denying(), plan_tests(suite()))


async def test_a_restart_that_is_not_permitted_is_told_with_what_permits_it() -> None:
    with pytest.raises(AbortedError) as raised:
        await check_may_restart_kro(denying("delete"), "kro-system")
    assert raised.value.info.message == (
        "the load Job's ServiceAccount may not delete pods in kro-system: for "
        "workload.cel.restarts, install the chart with variants.enabled=true and "
        "variants.namespace=kro-system"
    )
