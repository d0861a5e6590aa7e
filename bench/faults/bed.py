"""The test bed as the fault suite uses it."""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.environment import testbed
from krobench.api.common import API_GROUP, API_VERSION, COMPONENT_LABEL, LOAD_GROUP, RUN_LABEL
from krobench.api.kinds import RunKind
from krobench.record.run import RunRecord
from testbed.paths import State

Manifest = dict[str, Any]

NAMESPACE = "default"
_KROBENCH = "--namespace=krobench-system"
_OPERATORS_LEASE = ("lease", "krobench-operator", "--namespace=kube-system")
_POLL_SECONDS = 0.5
_ATTEMPTS = 5
# Others on this machine would decide about these, and not the fault.
_IGNORED = ["GeneratorLate", "APIServerBusy", "NodeBusy"]
_KEPT = ("job.batch/", "pod/", "configmap/")
"""What a finished run keeps until its resource is deleted: its Jobs, their pods, its results."""


@dataclass(frozen=True)
class Bed:
    """A test bed with kro and krobench."""

    kubectl: str
    state: State

    @classmethod
    def running(cls) -> "Bed":
        """Return the test bed that is up."""
        return cls(testbed("tool", "kubectl"), State(Path(testbed("kubeconfig")).parent))

    def ask(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl; returns what it prints.

        Raises:
            CalledProcessError: if it fails, for example because the API server is down.
        """
        return subprocess.run(
            [self.kubectl, f"--kubeconfig={self.state.kubeconfig}", *arguments],
            check=True,
            input=stdin,
            capture_output=True,
            text=True,
        ).stdout

    def get(self, *arguments: str) -> Manifest | None:
        """Return an object or a list; None if it does not exist."""
        text = self.ask("get", "--ignore-not-found", "--output=json", *arguments)
        return dict(json.loads(text)) if text else None

    def create(self, name: str) -> str:
        """Create a run of a few small iterations; returns its UID."""
        single = {"name": "single", "workload": {"scenario": "single", "instances": 15}}
        defaults = {"iterations": 3, "warmup": 0, "concurrency": 5, "timeout": "15m"}
        manifest = {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": RunKind.BENCHMARK.value,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"tests": [single], "defaults": defaults, "validity": {"ignore": _IGNORED}},
        }
        text = self.ask("create", "--filename=-", "--output=json", stdin=json.dumps(manifest))
        return str(json.loads(text)["metadata"]["uid"])

    def status(self, name: str) -> Manifest:
        """Return the status of a run; empty if it has none yet."""
        found = self.get("krobenchmark", name, f"--namespace={NAMESPACE}") or {}
        return dict(found.get("status", {}))

    def has_ended(self, name: str) -> bool:
        """Whether a run has its terminal condition."""
        conditions = self.status(name).get("conditions", [])
        return any(c["type"] == "Finished" and c["status"] == "True" for c in conditions)

    def record(self, name: str) -> RunRecord | None:
        """Return what is stored of a run so far; None if nothing is."""
        results = self.get("configmap", f"{name}-results", f"--namespace={NAMESPACE}")
        return RunRecord.model_validate_json(results["data"]["run.json"]) if results else None

    def missing_parts(self, record: RunRecord) -> list[str]:
        """Return the ConfigMaps of raw lines that a record names and that do not exist."""
        named = {name for names in record.parts.values() for name in names}
        namespace = f"--namespace={NAMESPACE}"
        return sorted(name for name in named if self.get("configmap", name, namespace) is None)

    def load_pod(self, uid: str) -> Manifest | None:
        """Return a run's load pod; None if none is running."""
        labels = f"--selector={COMPONENT_LABEL}=load,{RUN_LABEL}={uid}"
        return self._running(_KROBENCH, labels)

    def operator_pod(self) -> Manifest | None:
        """Return the operator's pod; None if none is running."""
        return self._running(_KROBENCH, "--selector=app.kubernetes.io/name=krobench")

    def kro_pod(self) -> Manifest | None:
        """Return kro's pod; None if none is running."""
        return self._running("--namespace=kro-system", "--selector=app.kubernetes.io/name=kro")

    def is_ready(self) -> bool:
        """Whether operator and kro are ready, and kro leads."""
        operator, kro = self.operator_pod(), self.kro_pod()
        lease = self.get("lease", "controller.kro.run", "--namespace=kro-system")
        if operator is None or kro is None or lease is None:
            return False
        leader = (lease["spec"].get("holderIdentity") or "").partition("_")[0]
        return leader == kro["metadata"]["name"] and all(map(_ready, (operator, kro)))

    def replace_operator(self) -> None:
        """Delete the operator's pod at once: a new one starts without a back-off.

        Its Lease goes too: it would have to expire, as the new pod has another name.
        """
        operator = "--selector=app.kubernetes.io/name=krobench"
        self.ask(
            "delete", "pod", _KROBENCH, operator, "--force", "--grace-period=0", "--wait=false"
        )
        self.ask("delete", *_OPERATORS_LEASE, "--ignore-not-found")

    def image(self) -> str:
        """Return the operator's image, whose tag changes with its content."""
        return self.ask(
            "get",
            "deployment/krobench",
            _KROBENCH,
            "--output=jsonpath={.spec.template.spec.containers[0].image}",
        )

    def left(self, uid: str, *, deleted: bool = False) -> list[str]:
        """Return what a run has left, of all kinds that the API server knows.

        What a finished run keeps counts only after its resource has been deleted.
        """
        for _ in range(_ATTEMPTS):
            # A kind may go between two requests.
            with suppress(subprocess.CalledProcessError):
                return self._left(uid, () if deleted else _KEPT)
            time.sleep(_POLL_SECONDS)
        return self._left(uid, () if deleted else _KEPT)

    def _left(self, uid: str, kept: tuple[str, ...]) -> list[str]:
        kinds = ",".join(self.ask("api-resources", "--verbs=list", "--output=name").split())
        everywhere = ("get", kinds, "--all-namespaces", "--ignore-not-found", "--output=name")
        of_run = self.ask(*everywhere, f"--selector={RUN_LABEL}={uid}").split()
        children = self.ask(*everywhere, "--selector=kro.run/owned=true").split()
        crds = [
            crd
            for crd in self.ask("get", "crd", "--output=name").split()
            if crd.endswith(f".{LOAD_GROUP}")
        ]
        return sorted({*(item for item in of_run if not item.startswith(kept)), *children, *crds})

    def delete(self, name: str) -> None:
        """Delete a run."""
        self.ask("delete", "krobenchmark", name, f"--namespace={NAMESPACE}", "--timeout=300s")

    def _running(self, *arguments: str) -> Manifest | None:
        found = self.get("pods", *arguments, "--field-selector=status.phase=Running")
        pods: list[Manifest] = found["items"] if found else []
        return pods[0] if pods else None


def _ready(pod: Manifest) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def wait_until(question: Callable[[], bool], seconds: float) -> bool:
    """Ask until the answer is yes; returns whether it was in time. No answer is a no."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if question():
                return True
        except subprocess.CalledProcessError:
            pass
        time.sleep(_POLL_SECONDS)
    return False
