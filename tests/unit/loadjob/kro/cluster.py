"""A cluster with nothing but kro, whose Deployment variants change."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from doubles.cluster import MemoryApi

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.timing import Timing
from krobench.loadjob.kro.variants import KroVariants

APPS = "/apis/apps/v1/namespaces/kro-system/deployments"
PATH = f"{APPS}/kro"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/controller.kro.run"
OWNER = RunRef(RunKind.BENCHMARK, "default", "bench", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")
LABELS = {"app.kubernetes.io/name": "kro"}
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
BIG: dict[str, Any] = {"name": "big", "args": ["--workers=4"]}

QUICK = Timing(rollout_poll=0.001, rollout_failing=0.01)


class KroCluster(MemoryApi):
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
        deployment: JsonObject = {
            "metadata": {
                "name": "kro",
                "namespace": "kro-system",
                "labels": dict(LABELS),
                "annotations": {"meta.helm.sh/release-name": "kro"},
                "generation": 4,
                "resourceVersion": "0",
            },
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": LABELS},
                "strategy": SURGE,
                "template": template,
            },
            "status": {"observedGeneration": 4, "updatedReplicas": 1, "readyReplicas": 1},
        }
        lease = {"metadata": {"name": "kro"}, "spec": {"holderIdentity": "kro-old_1"}}
        super().__init__({PATH: deployment, LEASE: lease})
        self.pods: list[dict[str, Any]] = [self._pod("kro-old", template)]
        self.released = 0
        self.lost_answers = 0
        self.busy_answers = 0
        self.written: list[dict[str, Any]] = []
        self.texts["/api/v1/namespaces/kro-system/pods/kro-5/log?container=kro"] = (
            "flag provided but not defined: -nope\nUsage of controller:\n  -a\n  -b\n  -c\nbye"
        )

    @property
    def deployment(self) -> dict[str, Any]:
        return self.objects[PATH]

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if verb == "get" and self.busy_answers:
            self.busy_answers -= 1
            raise ApiError(429, "TooManyRequests", path)
        lease = self.objects[LEASE]
        if (verb, path) == ("get", LEASE) and lease["spec"]["holderIdentity"] == "":
            lease["spec"]["holderIdentity"] = f"{self.pods[-1]['metadata']['name']}_2"

    async def _request(self, method: str, path: str, **options: Any) -> bytes:
        answer = await super()._request(method, path, **options)
        if (method, path) == ("PUT", PATH) and self.lost_answers and not options.get("params"):
            self.lost_answers -= 1
            raise ApiUnreachableError("no answer")
        return answer

    def _list(self, path: str, params: Mapping[str, str]) -> JsonObject:
        return {"items": self.pods} if path.endswith("/pods") else super()._list(path, params)

    def _update(self, path: str, item: JsonObject, *, dry_run: bool = False) -> JsonObject:
        if path == LEASE:
            self.released += 1
            return super()._update(path, item)
        [kro] = item["spec"]["template"]["spec"]["containers"]
        if kro["image"] == "":
            raise ApiError(422, "Invalid", "image: Required value")
        limits = kro["resources"]["limits"]
        limits["cpu"] = {"2000m": "2"}.get(limits["cpu"], limits["cpu"])
        before = self.deployment["metadata"]["generation"]
        written = super()._update(path, item, dry_run=dry_run)
        if not dry_run:
            if written["metadata"]["generation"] != before:
                self._roll_out(written)
            self.written.append(deepcopy(written))
        return written

    def _roll_out(self, deployment: JsonObject) -> None:
        generation, template = deployment["metadata"]["generation"], deployment["spec"]["template"]
        pod = self._pod(f"kro-{generation}", template)
        bad = any("--nope" in arg for arg in template["spec"]["containers"][0]["args"])
        if bad:
            state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
            pod["status"]["containerStatuses"] = [{"name": "kro", "state": state}]
        self.pods = [*self.pods, pod] if bad else [pod]
        ready = {"updatedReplicas": 1, "readyReplicas": 1}
        deployment["status"] = {"observedGeneration": generation} | ready

    def change(self, manager: str, **spec: Any) -> None:
        """Change the Deployment as somebody else."""
        new = deepcopy(self.deployment)
        new["spec"] |= spec
        entry = {"manager": manager, "operation": "Update", "time": "2026-01-31T10:00:00Z"}
        new["metadata"]["managedFields"] = [entry]
        self._update(PATH, new)

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


def variants_of(cluster: KroCluster, *variants: dict[str, Any], quick: bool = True) -> KroVariants:
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
        cluster,
        spec.target,
        spec.variants,
        OWNER,
        timing=QUICK,
        report=lambda _: None,
        announce=announced,
        quick=quick,
    )


async def enter_big(cluster: KroCluster) -> KroVariants:
    """Apply a variant with more workers."""
    variants = variants_of(cluster, BIG)
    await variants.find()
    await variants.enter("big")
    return variants
