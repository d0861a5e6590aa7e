"""A cluster with nothing but kro, whose Deployment variants change."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.job.kro.variants import KroVariants
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError

APPS = "/apis/apps/v1/namespaces/kro-system/deployments"
PATH = f"{APPS}/kro"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/controller.kro.run"
OWNER = RunRef(RunKind.BENCHMARK, "default", "bench", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")
LABELS = {"app.kubernetes.io/name": "kro"}
BIG: dict[str, Any] = {"name": "big", "args": ["--workers=4"]}


class KroCluster:
    """kro's Deployment, the pod that a rollout leaves, and the Lease of its leader."""

    def __init__(self) -> None:
        container = {
            "name": "kro",
            "image": "kro:1",
            "args": ["--leader-elect", "--workers", "$(WORKERS)"],
            "resources": {"limits": {"cpu": "1"}},
            "readinessProbe": {"initialDelaySeconds": 10},
        }
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
        self.deployment: dict[str, Any] = {
            "metadata": {
                "name": "kro",
                "namespace": "kro-system",
                "labels": dict(LABELS),
                "annotations": {"meta.helm.sh/release-name": "kro"},
                "generation": 4,
                "resourceVersion": "1",
            },
            "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template},
            "status": {"observedGeneration": 4, "updatedReplicas": 1, "readyReplicas": 1},
        }
        self.lease: dict[str, Any] = {"spec": {"holderIdentity": "kro-old_1"}}
        self.pods: list[dict[str, Any]] = [self._pod("kro-old", template)]
        self.released = 0
        self.lost_answers = 0
        self.busy_answers = 0
        self.written: list[dict[str, Any]] = []

    async def get(self, path: str) -> dict[str, Any]:
        if self.busy_answers:
            self.busy_answers -= 1
            raise ApiError(429, "TooManyRequests", path)
        found = {PATH: self.deployment, LEASE: self.lease}
        if self.lease["spec"]["holderIdentity"] == "":
            self.lease["spec"]["holderIdentity"] = f"{self.pods[-1]['metadata']['name']}_2"
        return deepcopy(found[path])

    async def get_text(self, path: str, accept: str) -> str:
        if accept == "text/plain":
            raise ApiError(406, "NotAcceptable", path)
        assert path.startswith("/api/v1/namespaces/kro-system/pods/kro-5/log?container=kro")
        return "flag provided but not defined: -nope\nUsage of controller:\n  -a\n  -b\n  -c\nbye"

    async def list(self, path: str, label_selector: str | None = None) -> list[dict[str, Any]]:
        if path.endswith("/pods"):
            return deepcopy(self.pods)
        key, _, value = (label_selector or "").partition("=")
        labels = self.deployment["metadata"]["labels"]
        return [deepcopy(self.deployment)] if not key or labels.get(key) == value else []

    async def replace(
        self, path: str, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        if path == LEASE:
            self.released += 1
            self.lease = deepcopy(dict(body))
            return self.lease
        assert path == PATH
        if self.lost_answers and not dry_run:
            self.lost_answers -= 1
            self._store(deepcopy(dict(body)))
            raise ApiUnreachableError("no answer")
        if body["metadata"]["resourceVersion"] != self.deployment["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", path)
        [kro] = body["spec"]["template"]["spec"]["containers"]
        if kro["image"] == "":
            raise ApiError(422, "Invalid", "image: Required value")
        new = deepcopy(dict(body))
        limits = new["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
        limits["cpu"] = {"2000m": "2"}.get(limits["cpu"], limits["cpu"])
        if not dry_run:
            self._store(new)
        return deepcopy(new)

    patiently = KubeClient.patiently

    async def backoff(
        self, error: ApiError | ApiUnreachableError, attempt: int, max_retries: int
    ) -> None:
        if attempt >= 2 or not error.transient:
            raise error

    def change(self, manager: str, **spec: Any) -> None:
        """Change the Deployment as somebody else."""
        new = deepcopy(self.deployment)
        new["spec"] |= spec
        entry = {"manager": manager, "operation": "Update", "time": "2026-01-31T10:00:00Z"}
        new["metadata"]["managedFields"] = [entry]
        self._store(new)

    def _store(self, new: dict[str, Any]) -> None:
        metadata = new["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        if new["spec"] != self.deployment["spec"]:
            metadata["generation"] += 1
            template = new["spec"]["template"]
            name = f"kro-{metadata['generation']}"
            bad = any("--nope" in arg for arg in template["spec"]["containers"][0]["args"])
            pod = self._pod(name, template)
            if bad:
                state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
                pod["status"]["containerStatuses"] = [{"name": "kro", "state": state}]
            self.pods = [*self.pods, pod] if bad else [pod]
            ready = {"updatedReplicas": 1, "readyReplicas": 1}
            new["status"] = {"observedGeneration": metadata["generation"]} | ready
        self.deployment = new
        self.written.append(deepcopy(new))

    def _pod(self, name: str, template: dict[str, Any]) -> dict[str, Any]:
        metadata = deepcopy(template["metadata"]) | {"name": name, "namespace": "kro-system"}
        return {"metadata": metadata, "status": {"phase": "Running"}}

    @property
    def container(self) -> dict[str, Any]:
        """kro's container as the Deployment has it."""
        [container] = self.deployment["spec"]["template"]["spec"]["containers"]
        found: dict[str, Any] = container
        return found

    def settled(self) -> dict[str, Any]:
        """Return the Deployment without what counts its changes."""
        found = deepcopy(self.deployment)
        for name in ("generation", "resourceVersion"):
            del found["metadata"][name]
        del found["status"]
        return found


def variants_of(cluster: KroCluster, *variants: dict[str, Any]) -> KroVariants:
    workload = {"scenario": "single", "instances": 1}
    spec = KroBenchmarkSpec.model_validate(
        {
            "tests": [{"name": "a", "workload": workload}],
            "variants": [{"name": "plain"}, *variants],
        }
    )

    async def announced(_: str) -> None:
        pass

    return KroVariants(
        cast("KubeClient", cluster),
        spec.target,
        spec.variants,
        OWNER,
        tell=lambda _: None,
        announce=announced,
    )


async def enter_big(cluster: KroCluster) -> KroVariants:
    """Put a variant with more workers in force."""
    variants = variants_of(cluster, BIG)
    await variants.find()
    await variants.enter("big")
    return variants
