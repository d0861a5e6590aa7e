import json

import pytest
from doubles.cluster import MemoryApi

from krobench.api.access import ACCESS_VARIABLE
from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.kro import Target
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.preflight import ensure_namespace, wait_for_leader


async def test_a_kro_that_has_just_started_is_waited_for_until_it_leads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holders: list[str | None] = ["kro-0_x", "kro-0_x", "kro-1_y"]
    asked: list[str | None] = []

    async def leader(*_: object) -> str | None:
        asked.append(holders[len(asked)])
        return asked[-1]

    monkeypatch.setattr("krobench.loadjob.preflight.kro_leader", leader)
    reported: list[str] = []
    client = KubeClient(ClientConfig("http://nowhere", None, lambda: None))
    await wait_for_leader(client, Target(), "kro-1", Timing(kro_poll=0.0), reported.append)
    assert asked == holders
    assert reported == ["waiting for kro's pod kro-1 to become the leader"] * 2


RUN = RunRef(RunKind.BENCHMARK, "default", "quick", "u-1")
DENIAL = "ValidatingAdmissionPolicy 'cost-centre' with binding 'x' denied request: no cost centre"


class Company(MemoryApi):
    """Demands a cost centre of namespaces."""

    denial = ApiError(403, "Forbidden", DENIAL)

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if verb == "create" and "cost-centre" not in body["metadata"]["labels"]:
            raise self.denial


@pytest.mark.parametrize(("status", "reason"), [(403, "Forbidden"), (422, "Invalid")])
async def test_a_namespace_that_a_policy_denies_is_named_with_its_words(
    status: int, reason: str
) -> None:
    company = Company()
    company.denial = ApiError(status, reason, DENIAL)
    with pytest.raises(AbortedError) as raised:
        await ensure_namespace(company, RUN, "kb-1")
    assert raised.value.info.reason == "DeniedByPolicy"
    assert DENIAL in raised.value.info.message
    assert "load.namespaceLabels" in raised.value.info.message


async def test_namespaces_of_runs_have_the_labels_that_the_cluster_demands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    demands = {
        "namespaceLabels": {"cost-centre": "7", "bench.kro.run/run": "mine"},
        "namespaceAnnotations": {"owner": "team-a"},
    }
    monkeypatch.setenv(ACCESS_VARIABLE, json.dumps(demands))
    company = Company()
    await ensure_namespace(company, RUN, "kb-1")
    [namespace] = company.stored("/api/v1/namespaces")
    assert namespace["metadata"]["labels"]["cost-centre"] == "7"
    assert namespace["metadata"]["labels"]["bench.kro.run/run"] == RUN.uid
    assert namespace["metadata"]["annotations"] == {"owner": "team-a"}
