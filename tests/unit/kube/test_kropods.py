from typing import Any

import pytest
from doubles.cluster import MemoryApi

from krobench.api.specs.kro import Target
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.kube.kropods import (
    LEADER_LEASE,
    NOT_KEPT,
    find_deployment,
    kept_arguments,
    kro_leader,
    kro_pods,
    leader_path,
)

TARGET = Target()
LABELS = {"app.kubernetes.io/name": "kro"}
LEASE_PATH = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/controller.kro.run"


class Refusing(MemoryApi):
    """Answers everything with one error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__()
        self._error = ApiError(status, reason, "no")

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        raise self._error


async def test_the_leader_is_who_holds_the_lease() -> None:
    assert leader_path("kro-system") == LEASE_PATH
    api = MemoryApi()
    for spec, leader in (({"holderIdentity": "kro-1_x"}, "kro-1_x"), ({}, None)):
        api.put(LEASE_PATH, {"metadata": {"name": LEADER_LEASE}, "spec": spec})
        assert await kro_leader(api, TARGET) == leader


async def test_without_a_lease_or_the_right_to_read_it_the_leader_is_unknown() -> None:
    assert await kro_leader(MemoryApi(), TARGET) is None
    assert await kro_leader(Refusing(403, "Forbidden"), TARGET) is None
    with pytest.raises(ApiError):
        await kro_leader(Refusing(500, "InternalError"), TARGET)


def cluster(*pods: dict[str, Any]) -> MemoryApi:
    collection = "/api/v1/namespaces/kro-system/pods"
    return MemoryApi({f"{collection}/{pod['metadata']['name']}": pod for pod in pods})


def pod(
    name: str, status: dict[str, Any], phase: str = "Running", **metadata: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": LABELS} | metadata,
        "spec": {
            "nodeName": "node-1",
            "containers": [
                {"name": "kro", "image": "registry.local/kro:0.9.4", "args": ["--log-level=1"]}
            ],
        },
        "status": {"phase": phase, "containerStatuses": [{"name": "kro"} | status]},
    }


# As a kubelet writes it after the kernel has killed the container's process.
KILLED = {
    "restartCount": 1,
    "imageID": "registry.local/kro@sha256:1",
    "state": {"running": {"startedAt": "2026-11-24T16:08:33Z"}},
    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
}


async def test_how_a_container_ended_is_read_from_its_last_state() -> None:
    [state] = await kro_pods(cluster(pod("kro-1", KILLED)), TARGET)
    assert (state.uid, state.restarts) == ("uid-kro-1", 1)
    assert state.last_end == "OOMKilled, exit code 137"
    assert state.fingerprint.image_id == "registry.local/kro@sha256:1"
    assert state.fingerprint.args == ["--log-level=1"]


async def test_how_a_container_has_just_ended_is_read_from_its_state() -> None:
    waiting = {"restartCount": 0, "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}
    [state] = await kro_pods(cluster(pod("kro-1", waiting)), TARGET)
    assert state.last_end == "Error, exit code 2"


async def test_pods_that_end_or_lack_the_container_do_not_count() -> None:
    going = pod("kro-1", KILLED, deletionTimestamp="2026-11-24T16:08:33Z")
    evicted = pod("kro-2", KILLED, phase="Failed")
    other = pod("kro-3", KILLED)
    other["spec"]["containers"][0]["name"] = "another"
    pending = pod("kro-4", {"restartCount": 0}, phase="Pending")
    of_another = pod("other-1", KILLED, labels={"app.kubernetes.io/name": "other"})
    found = await kro_pods(cluster(going, evicted, other, pending, of_another), TARGET)
    assert [state.name for state in found] == ["kro-4"]


async def test_the_deployment_is_the_one_whose_selector_matches_kros_pods() -> None:
    api = cluster(pod("kro-1", KILLED))
    assert await find_deployment(api, TARGET) is None
    for name in ("other", "kro"):
        selector = {"matchLabels": {"app.kubernetes.io/name": name}}
        path = f"/apis/apps/v1/namespaces/kro-system/deployments/{name}"
        api.put(path, {"metadata": {"name": name}, "spec": {"selector": selector}})
    found = await find_deployment(api, TARGET)
    assert found is not None
    assert found["metadata"]["name"] == "kro"


async def test_of_the_environment_only_values_that_tune_kro_are_kept() -> None:
    made = pod("kro-1", KILLED)
    [container] = made["spec"]["containers"]
    container["env"] = [
        {"name": "GOMEMLIMIT", "value": "400MiB"},
        {"name": "KUBE_FEATURE_WatchListClient", "value": "false"},
        {"name": "KRO_LOG_LEVEL", "value": "3"},
        {"name": "KRO_API_TOKEN", "value": "hunter2"},
        {"name": "DATABASE", "value": "postgres://me:hunter2@db"},
    ]
    container["args"] = ["--log-level=$(KRO_LOG_LEVEL)", "--db=$(DATABASE)"]
    [state] = await kro_pods(cluster(made), TARGET)
    assert state.fingerprint.env == {
        "GOMEMLIMIT": "400MiB",
        "KUBE_FEATURE_WatchListClient": "false",
        "KRO_LOG_LEVEL": "3",
        "KRO_API_TOKEN": NOT_KEPT,
        "DATABASE": NOT_KEPT,
    }
    assert state.fingerprint.args == ["--log-level=3", f"--db={NOT_KEPT}"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["/kro", "--dynamic-controller-concurrent-reconciles=4", "--instance-requeue-interval=3s"],
        ["--metrics-bind-address=:8078", "--zap-log-level", "debug", "--leader-elect"],
        ["--client-qps=100.5", "--watch-namespace=team-a,team-b", "-v=2"],
    ],
)
def test_arguments_that_tune_a_program_are_kept(arguments: list[str]) -> None:
    assert kept_arguments(arguments) == arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["--password=hunter2"],
        ["--admin-token", "hunter2"],
        ["--database=postgres://me:hunter2@db/x"],
        ["sh", "-c", "export PW=hunter2; run"],
        ["--key=ghp_hunter2hunter2hunter2"],
        ["--config={'a': 'hunter2'}"],
        ["--pem=-----BEGIN KEY-----\nhunter2"],
    ],
)
def test_arguments_that_may_be_secrets_are_not_kept(arguments: list[str]) -> None:
    assert "hunter2" not in " ".join(kept_arguments(arguments))
