"""What disturbs a run, planted from outside of it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from cluster.conftest import provider
from cluster.kubectl import KRO, KROBENCH, Cluster, Manifest

from testbed import component, controlplane, faults
from testbed.paths import State, default_state_dir
from testbed.process import ProcessRecord

_ETCD_STOPPED_SECONDS, _ETCD_RUNS_SECONDS = 0.15, 0.01
_ETCD_SLOW_SECONDS = 60.0
_NEIGHBOUR = "busy-neighbour"
_BURN = "while True: pass"


def kros_pod(cluster: Cluster) -> Manifest:
    """Return kro's pod."""
    pods: list[Manifest]
    pods = cluster.get(*KRO, "pods", "--selector=app.kubernetes.io/name=kro")["items"]
    [pod] = pods
    return pod


def kill_load(cluster: Cluster) -> None:
    """Have the load die without a word; off the test bed, delete its pod instead."""
    load = (*KROBENCH, "pods", "--selector=bench.kro.run/component=load")
    if provider() != "testbed":
        cluster.run("delete", *load, "--grace-period=0", "--force")
        return
    [pod] = cluster.get(*load, "--field-selector=status.phase=Running")["items"]
    faults.kill(pod)


def kill_kro(cluster: Cluster) -> None:
    """Have the kernel kill kro for want of memory; off the test bed, delete its pod instead."""
    if provider() != "testbed":
        pods = "--selector=app.kubernetes.io/name=kro"
        cluster.run(*KRO, "delete", "pod", pods, "--grace-period=0", "--force")
        return
    faults.exhaust_memory(kros_pod(cluster))


def silence_kro(cluster: Cluster, seconds: float) -> None:
    """Stop kro's processes for a while: it answers nobody, and is not started anew.

    Only on the test bed, whose processes run on this machine.
    """
    faults.stop_pod_for(seconds, kros_pod(cluster))


@contextmanager
def slow_etcd() -> Iterator[None]:
    """Have etcd run for 10 ms in every 160 only, for at most a minute.

    So each request to it waits for some 70 ms, which is far from what it takes for a dead member
    (a second without a heartbeat). Only on the test bed, whose processes run on this machine.
    """
    etcd = ProcessRecord.load(component.record_path(State(default_state_dir()), controlplane.ETCD))
    assert etcd is not None
    descriptor = os.pidfd_open(etcd.pid)
    over = threading.Event()

    def hamper() -> None:
        deadline = time.monotonic() + _ETCD_SLOW_SECONDS
        while time.monotonic() < deadline and not over.wait(_ETCD_RUNS_SECONDS):
            signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
            over.wait(_ETCD_STOPPED_SECONDS)
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)

    thread = threading.Thread(target=hamper)
    try:
        assert etcd.is_alive(), "the pid is not of another process by now"
        thread.start()
        yield
    finally:
        over.set()
        if thread.is_alive():
            thread.join()
        with suppress(ProcessLookupError):  # it has ended
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        os.close(descriptor)


@contextmanager
def busy_neighbour(cluster: Cluster) -> Iterator[None]:
    """Have a pod of someone else take as much CPU as it gets, for at most three minutes.

    It asks for CPU as a tenant's pod would: one that asks for none gets what kro leaves over.
    """
    resources = {"requests": {"cpu": "500m"}}
    container = {"name": "burner", "command": ["python3", "-c", _BURN], "resources": resources}
    pod = pod_of(cluster, container, {"name": _NEIGHBOUR, "namespace": "default"})
    pod["spec"]["activeDeadlineSeconds"] = 180
    cluster.apply(pod)
    try:
        cluster.run("wait", "pod", _NEIGHBOUR, "--for=condition=Ready", "--timeout=180s")
        yield
    finally:
        cluster.run("delete", "pod", _NEIGHBOUR, "--grace-period=0", "--force")


@contextmanager
def busy_client(cluster: Cluster) -> Iterator[None]:
    """Send requests as another client, as many as it takes, for at most two minutes."""
    proxy = subprocess.Popen(
        [cluster.kubectl_path, "proxy", "--port=0"],
        env=os.environ | {"KUBECONFIG": cluster.kubeconfig},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert proxy.stdout is not None
    address = proxy.stdout.readline().split()[-1]
    over = threading.Event()
    senders = [threading.Thread(target=_send, args=(address, over)) for _ in range(4)]
    for sender in senders:
        sender.start()
    try:
        yield
    finally:
        over.set()
        for sender in senders:
            sender.join()
        proxy.terminate()
        proxy.wait()


def _send(address: str, over: threading.Event) -> None:
    deadline = time.monotonic() + 120
    with httpx.Client(trust_env=False) as client:
        while not over.is_set() and time.monotonic() < deadline:
            client.get(f"http://{address}/api/v1/namespaces/default")


def pod_of(cluster: Cluster, container: Manifest, metadata: Manifest) -> Manifest:
    """Return a pod of krobench's image that asks for no right."""
    operator = cluster.get(*KROBENCH, "deployments")["items"][0]
    image = operator["spec"]["template"]["spec"]["containers"][0]["image"]
    confined = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    user = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "containers": [{"image": image, "securityContext": confined} | container],
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": user,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def restart_api_server(cluster: Cluster) -> None:
    """Kill the API server, and start it as it was; only on the test bed.

    All tests that follow need it.
    """
    with faults.api_server_down(State(Path(cluster.kubeconfig).parent)):
        pass
