"""kubectl as users use it, and the few questions that these tests ask with it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 300

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """A real cluster with a real kro, and krobench installed from this source."""

    kubectl_path: str
    kubeconfig: str

    def run(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; the output is in the error message where it fails."""
        done = subprocess.run(
            [self.kubectl_path, *arguments],
            input=stdin,
            env=os.environ | {"KUBECONFIG": self.kubeconfig},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done

    def krobench(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run krobench's command line, as a user would."""
        return subprocess.run(
            [sys.executable, "-m", "krobench", *arguments],
            env=os.environ | {"KUBECONFIG": self.kubeconfig},
            capture_output=True,
            text=True,
            check=False,
        )

    def apply(self, *manifests: Manifest) -> None:
        """Apply manifests."""
        self.run("apply", "--filename=-", stdin=yaml.safe_dump_all(manifests))

    def refusal(self, manifest: Manifest) -> str:
        """Return what the API server says against a manifest."""
        done = self.run("apply", "--filename=-", stdin=yaml.safe_dump(manifest), check=False)
        assert done.returncode != 0, "the API server took it"
        return done.stderr

    def get(self, *arguments: str) -> Manifest:
        """Return an object or a list."""
        answer: Manifest = json.loads(self.run("get", "--output=json", *arguments).stdout)
        return answer

    def names(self, *arguments: str) -> list[str]:
        """Return the names of objects."""
        return [item["metadata"]["name"] for item in self.get(*arguments)["items"]]

    def wait(self, name: str, condition: str, seconds: int = WAIT_SECONDS) -> None:
        """Wait for a condition of a KroBenchmark."""
        self.run(
            "wait", "krobenchmark", name, f"--for=condition={condition}", f"--timeout={seconds}s"
        )

    def wait_for(self, name: str, json_path: str, value: str, seconds: int = 120) -> None:
        """Wait for a field of a KroBenchmark's status."""
        self.run(
            "wait",
            "krobenchmark",
            name,
            f"--for=jsonpath={{{json_path}}}={value}",
            f"--timeout={seconds}s",
        )

    def finish(self, manifest: Manifest) -> Manifest:
        """Apply a KroBenchmark, wait for its end, and return its status."""
        self.apply(manifest)
        name = manifest["metadata"]["name"]
        self.wait(name, "Finished")
        return self.status(name)

    def status(self, name: str) -> Manifest:
        """Return the status of a KroBenchmark."""
        status: Manifest = self.get("krobenchmark", name)["status"]
        return status

    def status_message(self, name: str) -> str:
        """Return what the status of a KroBenchmark says is going on; empty before it says any."""
        return str(self.get("krobenchmark", name).get("status", {}).get("message", ""))

    def run_record(self, name: str) -> Manifest:
        """Return run.json from the results ConfigMap."""
        record: Manifest = json.loads(self.get("configmap", f"{name}-results")["data"]["run.json"])
        return record

    def events(self, name: str) -> dict[str, str]:
        """Return the Events of a KroBenchmark: their messages by reason."""
        selector = f"involvedObject.kind=KroBenchmark,involvedObject.name={name}"
        items = self.get("events", f"--field-selector={selector}")["items"]
        return {item["reason"]: item["message"] for item in items}

    def leftovers(self) -> list[str]:
        """Return the objects of any run that are still there."""
        selector = "--selector=bench.kro.run/run"
        left = [f"rgd/{name}" for name in self.names("rgd", selector)]
        left += [f"namespace/{name}" for name in self.names("namespace", selector)]
        crds = self.names("crd", "--selector=kro.run/resource-graph-definition-name")
        return left + [f"crd/{name}" for name in crds if ".load.bench.kro.run" in name]


def benchmark(name: str, *tests: Manifest, **spec: Any) -> Manifest:
    """Return a KroBenchmark with quick defaults."""
    defaults = {"iterations": 1, "warmup": 0, "concurrency": 5, "timeout": "90s"}
    spec["defaults"] = defaults | spec.get("defaults", {})
    return {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmark",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"tests": list(tests)} | spec,
    }


def scenario(name: str, kind: str = "single", instances: int = 5, **changes: Any) -> Manifest:
    """Return a test of a ready-made scenario."""
    return {"name": name, "workload": {"scenario": kind, "instances": instances}} | changes


def own_rgd(name: str, kind: str, data: dict[str, str], **resource: Any) -> Manifest:
    """Return a test with an RGD of its own, of one ConfigMap."""
    template = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "${schema.metadata.name}-own"},
        "data": data,
    }
    inline = {
        "spec": {
            "schema": {"kind": kind, "spec": {"value": 'string | default="hello"'}},
            "resources": [{"id": "config", "template": template} | resource],
        }
    }
    return {"name": name, "workload": {"rgd": {"inline": inline}, "instances": 2}}


def condition(status: Manifest, kind: str) -> Manifest:
    """Return a condition."""
    return next(item for item in status["conditions"] if item["type"] == kind)
