"""kubectl as users use it, and the few questions that these tests ask of the API server.

What is asked again and again is asked over one connection: to start kubectl takes a tenth of a
second of a processor that the measured cluster needs.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import yaml
from typer.testing import CliRunner

from krobench.cli.main import app
from krobench.kube.config import load_client_config

ROOT = Path(__file__).parents[2]
# Where all is well nothing waits for so long; a machine that others use makes everything last.
WAIT_SECONDS = 900
STEP_SECONDS = 300
KRO = ("--namespace=kro-system",)
KROBENCH = ("--namespace=krobench-system",)
OPERATORS_LEASE = ("lease", "krobench-operator", "--namespace=kube-system")
KROS_LEASE = (*KRO, "lease", "controller.kro.run")
RGDS = "/apis/kro.run/v1alpha1/resourcegraphdefinitions"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NAMESPACES = "/api/v1/namespaces"
_KROS_PODS = f"{_NAMESPACES}/kro-system/pods"
_KROS_LEASE_PATH = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/controller.kro.run"
_OF_RUNS, _OF_RGDS = "bench.kro.run/run", "kro.run/resource-graph-definition-name"
_OF_LOADS = ".load.bench.kro.run"
_POLL_SECONDS = 0.1
_ATTEMPTS = 3
_SENT_AT_ONCE = 8
# What others on the machine do to a run, by which it says itself that it is not to be believed.
_OF_OTHERS = frozenset(
    {"GeneratorLate", "SamplesMissing", "APIServerBusy", "NodeBusy", "ClockJumped", "NoSteadyState"}
)

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
        """Run krobench's command line in this process: one of its own takes two seconds to start.

        An error that a user would see as a traceback is raised.
        """
        done = CliRunner().invoke(app, arguments, env={"KUBECONFIG": self.kubeconfig})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    def krobench_process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
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

    @cached_property
    def _http(self) -> httpx.Client:
        """A connection with the credentials of the kubeconfig, which is in the environment too."""
        config = load_client_config()
        authorization = config.authorization()
        headers = {"Authorization": authorization} if authorization else {}
        verify = config.tls if config.tls is not None else True
        return httpx.Client(
            base_url=config.server, verify=verify, headers=headers, trust_env=False, timeout=30
        )

    def read(self, path: str, selector: str = "") -> Manifest:
        """Return the object or list at a path of the API; empty if there is none."""
        answer = self._http.get(path, params={"labelSelector": selector} if selector else {})
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return {}
        assert answer.is_success, f"{path}: {answer.text}"
        found: Manifest = answer.json()
        return found

    def create(self, manifests: Sequence[Manifest]) -> None:
        """Create objects of which the API server must know every field, several at once.

        kubectl would fetch the whole schema of their API group for each of them.
        """
        kinds = {(each["apiVersion"], each["kind"]) for each in manifests}
        wait_until(lambda: kinds <= self._served(kinds).keys(), "all kinds are served")

        def post(path: str, manifest: Manifest) -> None:
            collection = path.rpartition("/")[0]
            strict = {"fieldValidation": "Strict"}
            answer = self._http.post(collection, params=strict, json=manifest)
            assert answer.is_success, answer.text

        with ThreadPoolExecutor(_SENT_AT_ONCE) as pool:
            list(pool.map(post, self.paths(manifests), manifests))

    def delete(self, paths: Sequence[str]) -> None:
        """Delete the objects at these paths, several at once, and wait until they are gone."""

        def remove(path: str) -> None:
            answer = self._http.delete(path)
            assert answer.is_success or answer.status_code == HTTPStatus.NOT_FOUND, answer.text

        with ThreadPoolExecutor(_SENT_AT_ONCE) as pool:
            list(pool.map(remove, paths))
        wait_until(lambda: not any(map(self.read, paths)), "all is gone")

    def paths(self, manifests: Sequence[Manifest]) -> list[str]:
        """Return the paths of objects in the API, whose kinds must be served."""
        plurals = self._served((each["apiVersion"], each["kind"]) for each in manifests)

        def path_of(manifest: Manifest) -> str:
            version, metadata = manifest["apiVersion"], manifest["metadata"]
            namespace = metadata.get("namespace")
            place = f"namespaces/{namespace}/" if namespace else ""
            return f"/apis/{version}/{place}{plurals[version, manifest['kind']]}/{metadata['name']}"

        return [path_of(manifest) for manifest in manifests]

    def _served(self, kinds: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return the plurals of all kinds of these kinds' API groups, by version and kind."""
        return {
            (version, each["kind"]): each["name"]
            for version in {version for version, _ in kinds}
            for each in self.read(f"/apis/{version}")["resources"]
            if "/" not in each["name"]
        }

    def names(self, *arguments: str) -> list[str]:
        """Return the names of objects."""
        return [item["metadata"]["name"] for item in self.get(*arguments)["items"]]

    def wait(self, name: str, condition: str, seconds: int = WAIT_SECONDS) -> None:
        """Wait for a condition of a KroBenchmark."""
        self.run(
            "wait", "krobenchmark", name, f"--for=condition={condition}", f"--timeout={seconds}s"
        )

    def wait_for(self, name: str, json_path: str, value: str, seconds: int = WAIT_SECONDS) -> None:
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

    def finish_undisturbed(self, manifest: Manifest) -> Manifest:
        """Do the same, anew where the run says that nothing but others on the machine spoilt it."""
        name = manifest["metadata"]["name"]
        for _ in range(_ATTEMPTS - 1):
            status = self.finish(manifest)
            if not self._was_disturbed(name, status):
                return status
            self.run("delete", "krobenchmark", name, f"--timeout={WAIT_SECONDS}s")
        return self.finish(manifest)

    def _was_disturbed(self, name: str, status: Manifest) -> bool:
        if status.get("verdict") != "Invalid":
            return False
        return {c["reason"] for c in self.run_record(name)["validity"]["causes"]} <= _OF_OTHERS

    def status(self, name: str) -> Manifest:
        """Return the status of a KroBenchmark."""
        status: Manifest = self.get("krobenchmark", name)["status"]
        return status

    def wait_for_rgd(self, test: str) -> None:
        """Wait until the RGD of a test is ready, two seconds before its first instance."""

        def is_ready() -> bool:
            rgds = self.rgds(test)
            return bool(rgds) and all(is_true(rgd.get("status", {}), "Ready") for rgd in rgds)

        wait_until(is_ready, f"the RGD of {test} is ready")

    def rgds(self, test: str) -> list[Manifest]:
        """Return the RGDs of a test."""
        items: list[Manifest] = self.read(RGDS, f"bench.kro.run/test={test}")["items"]
        return items

    def wait_for_children(self) -> None:
        """Wait until kro has made a child of an instance: its test is in mid-run."""
        children = ("/api/v1/configmaps", "kro.run/owned=true")
        wait_until(lambda: bool(self.read(*children)["items"]), "there are children")

    def wait_for_iteration(self, name: str, test: str) -> None:
        """Wait until the first iteration of a test is measured; its tear-down then begins."""

        def is_stored() -> bool:
            results = self.read(f"{_NAMESPACES}/default/configmaps/{name}-results")
            records = json.loads(results["data"]["run.json"])["tests"] if results else []
            return any(each["name"] == test and each["iterations"] for each in records)

        wait_until(is_stored, f"{name} has measured {test}")

    def kro_resources(self) -> Manifest:
        """Return the requests and limits of kro's container."""
        template = self.get(*KRO, "deployment", "kro")["spec"]["template"]
        [container] = (c for c in template["spec"]["containers"] if c["name"] == "kro")
        resources: Manifest = container["resources"]
        return resources

    def give_kro(self, resources: Manifest) -> None:
        """Have kro run with these requests and limits."""
        path = "/spec/template/spec/containers/0/resources"
        patch = json.dumps([{"op": "replace", "path": path, "value": resources}])
        self.run(*KRO, "patch", "deployment/kro", "--type=json", f"--patch={patch}")
        self.wait_for_kro()

    def kill_operator(self) -> None:
        """Delete the operator's pod at once, and its Lease, which would have to expire."""
        operator = "--selector=app.kubernetes.io/component=operator"
        self.run(*KROBENCH, "delete", "pod", operator, "--grace-period=0", "--force")
        self.run("delete", *OPERATORS_LEASE, "--ignore-not-found")

    def wait_for_kro(self) -> None:
        """Wait until kro runs as its Deployment says, and leads."""
        self.run(*KRO, "rollout", "status", "deployment/kro", f"--timeout={WAIT_SECONDS}s")
        wait_until(self._kro_leads, "a kro pod leads")

    def kro_leader(self) -> str:
        """Return the name of the pod that holds kro's lease; empty where none does."""
        lease = self.read(_KROS_LEASE_PATH)
        holder: str = lease.get("spec", {}).get("holderIdentity") or ""
        return holder.partition("_")[0]

    def release_kros_lease(self) -> None:
        """Do what a kro that ends does not do: the next one would wait until it has expired."""
        self.run("delete", *KROS_LEASE, "--ignore-not-found")

    def _kro_leads(self) -> bool:
        pods = self.read(_KROS_PODS, "app.kubernetes.io/name=kro")["items"]
        if any("deletionTimestamp" in pod["metadata"] for pod in pods):
            return False
        leader = self.kro_leader()
        leads = leader in [pod["metadata"]["name"] for pod in pods]
        if leader and not leads:
            self.release_kros_lease()
        return leads

    def run_record(self, name: str) -> Manifest:
        """Return run.json from the results ConfigMap."""
        record: Manifest = json.loads(self.get("configmap", f"{name}-results")["data"]["run.json"])
        return record

    def events(self, name: str) -> dict[str, str]:
        """Return the Events of a KroBenchmark: their messages by reason."""
        selector = f"involvedObject.kind=KroBenchmark,involvedObject.name={name}"
        items = self.get("events", f"--field-selector={selector}")["items"]
        return {item["reason"]: item["message"] for item in items}

    def delete_runs(self) -> None:
        """Delete all KroBenchmarks and KroScaleTests, and wait until they are gone."""
        self.run("delete", "krobenchmarks,kroscaletests", "--all", f"--timeout={WAIT_SECONDS}s")

    def clean_up(self) -> None:
        """Delete what runs have left whose tests were killed."""
        rgds = self.read(RGDS, _OF_RUNS)["items"]
        for uid in {rgd["metadata"]["labels"][_OF_RUNS] for rgd in rgds}:
            self.krobench("cleanup", f"--run={uid}")

    def leftovers(self) -> list[str]:
        """Return the objects of any run that are still there."""
        kinds = ((RGDS, _OF_RUNS, ""), (_NAMESPACES, _OF_RUNS, ""), (CRDS, _OF_RGDS, _OF_LOADS))
        return [
            item["metadata"]["name"]
            for path, selector, ending in kinds
            for item in self.read(path, selector)["items"]
            if item["metadata"]["name"].endswith(ending)
        ]


def wait_until(question: Callable[[], bool], what: str, seconds: float = STEP_SECONDS) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, f"not so after {seconds:g}s: {what}"
        time.sleep(_POLL_SECONDS)


def benchmark(name: str, *tests: Manifest, own_namespace: bool = False, **spec: Any) -> Manifest:
    """Return a KroBenchmark with quick defaults.

    A namespace of the run's own is only for tests to which it matters: each takes seven seconds
    to go, five of which the namespace controller waits.
    """
    defaults: Manifest = {"iterations": 1, "warmup": 0, "concurrency": 5, "timeout": "5m"}
    if not own_namespace:
        defaults["namespace"] = "default"
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


def keeping_rgds(test: Manifest) -> Manifest:
    """Return the test with RGDs that its first iteration creates for all: the others take less."""
    return test | {"workload": test["workload"] | {"keepRgds": True}}


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


def is_true(status: Manifest, kind: str) -> bool:
    """Whether a condition is there and true."""
    found = {each["type"]: each["status"] for each in status.get("conditions", [])}
    return found.get(kind) == "True"


def condition(status: Manifest, kind: str) -> Manifest:
    """Return a condition."""
    return next(item for item in status["conditions"] if item["type"] == kind)
