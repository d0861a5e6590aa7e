from typing import Any, cast

from krobench.api.specs.kro import Target
from krobench.kube.client import KubeClient
from krobench.kube.kro import kro_pods

TARGET = Target()


class FakeClient:
    def __init__(self, *pods: dict[str, Any]) -> None:
        self.pods = pods

    async def list(self, path: str, selector: str) -> list[dict[str, Any]]:
        assert path == "/api/v1/namespaces/kro-system/pods"
        assert selector == "app.kubernetes.io/name=kro"
        return list(self.pods)


def client(*pods: dict[str, Any]) -> KubeClient:
    return cast("KubeClient", FakeClient(*pods))


def pod(
    name: str, status: dict[str, Any], phase: str = "Running", **metadata: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": {}} | metadata,
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
    [state] = await kro_pods(client(pod("kro-1", KILLED)), TARGET)
    assert (state.uid, state.restarts) == ("uid-kro-1", 1)
    assert state.last_end == "OOMKilled, exit code 137"
    assert state.fingerprint.image_id == "registry.local/kro@sha256:1"
    assert state.fingerprint.args == ["--log-level=1"]


async def test_one_that_has_just_ended_is_told_of_in_its_state() -> None:
    waiting = {"restartCount": 0, "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}
    [state] = await kro_pods(client(pod("kro-1", waiting)), TARGET)
    assert state.last_end == "Error, exit code 2"


async def test_pods_on_their_way_out_and_without_the_container_do_not_count() -> None:
    going = pod("kro-1", KILLED, deletionTimestamp="2026-11-24T16:08:33Z")
    evicted = pod("kro-2", KILLED, phase="Failed")
    other = pod("kro-3", KILLED)
    other["spec"]["containers"][0]["name"] = "another"
    pending = pod("kro-4", {"restartCount": 0}, phase="Pending")
    found = await kro_pods(client(going, evicted, other, pending), TARGET)
    assert [state.name for state in found] == ["kro-4"]
