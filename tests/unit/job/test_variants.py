from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

import pytest

from krobench.job import rollout
from krobench.job.deployment import UnreadableChangeError, change_on, restore, restore_all
from krobench.job.errors import AbortedError
from krobench.job.variants import KroVariants
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.common import RUN_LABEL
from krobench.model.variant import VARIANT_ANNOTATION
from krobench.record.store import Owner

APPS = "/apis/apps/v1/namespaces/kro-system/deployments"
PATH = f"{APPS}/kro"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/controller.kro.run"
OWNER = Owner("bench", "default", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")
LABELS = {"app.kubernetes.io/name": "kro"}


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


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "_POLL_SECONDS", 0.001)
    monkeypatch.setattr(rollout, "_FAILING_SECONDS", 0.01)


def variants_of(cluster: KroCluster, *variants: dict[str, Any]) -> KroVariants:
    workload = {"scenario": "single", "instances": 1}
    spec = KroBenchmarkSpec.model_validate(
        {
            "tests": [{"name": "a", "workload": workload}],
            "variants": [{"name": "plain"}, *variants],
        }
    )

    async def announced(_: str) -> None:
        assert True

    return KroVariants(
        cast("KubeClient", cluster),
        spec.target,
        spec.variants,
        OWNER,
        tell=lambda _: None,
        announce=announced,
    )


async def test_variants_follow_one_another_and_kro_is_left_as_it_was() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(
        cluster,
        {"name": "big", "args": ["--workers=4"], "resources": {"limits": {"cpu": "2000m"}}},
    )
    await variants.find()
    assert await variants.enter("plain")
    assert cluster.container["args"] == ["--leader-elect", "--workers", "$(WORKERS)"]
    assert cluster.released == 1, "the Lease of a pod that is gone is released"
    assert await variants.enter("big")
    assert cluster.container["args"] == ["--leader-elect", "--workers=4"]
    assert not await variants.enter("big"), "what is in force needs no restart"
    await variants.check()
    assert await variants.leave() == []
    await variants.settle()
    assert cluster.settled() == before


async def test_nothing_is_changed_where_nobody_can_tell_who_leads() -> None:
    cluster = KroCluster()
    cluster.deployment["spec"]["template"]["spec"]["hostNetwork"] = True
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    with pytest.raises(AbortedError, match="node's network") as raised:
        await variants.find()
    assert raised.value.info.reason == "LeaderUnknown"
    assert (cluster.written, cluster.released) == ([], 0)


async def test_a_variant_that_moves_the_lease_is_refused() -> None:
    cluster = KroCluster()
    moved = {"name": "moved", "args": ["--leader-election-namespace=other"]}
    with pytest.raises(AbortedError, match="in namespace other"):
        await variants_of(cluster, moved).find()
    assert cluster.written == []


async def test_what_was_changed_is_noted_by_the_request_that_changes_it() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "big", "resources": {"limits": {"cpu": "2000m"}}})
    await variants.find()
    await variants.enter("big")
    [written] = cluster.written
    change = change_on(written)
    assert change is not None
    assert change.generation == written["metadata"]["generation"]
    assert (change.run, change.benchmark, change.variant) == (OWNER.uid, "default/bench", "big")
    after = {item.field: item.after for item in change.changes}
    assert after["resources"] == {"limits": {"cpu": "2"}}, "as the API server has it"


async def test_a_stranger_who_finds_the_note_can_undo_the_change() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "big", "resources": {"limits": {"cpu": "2000m"}}})
    await variants.find()
    await variants.enter("big")
    client = cast("KubeClient", cluster)
    assert await restore_all(client, "another") == []
    assert cluster.settled() != before
    assert await restore_all(client, OWNER.uid) == []
    assert cluster.settled() == before
    writes = len(cluster.written)
    assert await restore_all(client, OWNER.uid) == []
    assert len(cluster.written) == writes


async def test_a_change_by_somebody_else_ends_the_run_and_is_kept() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"], "image": "kro:2"})
    await variants.find()
    await variants.enter("big")
    template = deepcopy(cluster.deployment["spec"]["template"])
    template["spec"]["containers"][0]["image"] = "kro:3"
    cluster.change("helm", template=template)
    with pytest.raises(AbortedError) as raised:
        await variants.check()
    assert raised.value.info.reason == "KroChanged"
    assert "changed by helm at 2026-01-31T10:00:00Z while variant big" in raised.value.info.message
    with pytest.raises(AbortedError):
        await variants.enter("plain")
    [warning] = await variants.leave()
    assert "image was changed by helm" in warning
    assert cluster.container["image"] == "kro:3"
    assert cluster.container["args"] == ["--leader-elect", "--workers", "$(WORKERS)"]
    assert VARIANT_ANNOTATION not in cluster.deployment["metadata"]["annotations"]


async def test_a_note_that_is_lost_does_not_lose_the_way_back() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    await variants.find()
    await variants.enter("big")
    del cluster.deployment["metadata"]["annotations"][VARIANT_ANNOTATION]
    del cluster.deployment["metadata"]["labels"][RUN_LABEL]
    assert await variants.leave() == []
    assert cluster.settled() == before


async def test_a_variant_that_does_not_start_is_told_of_in_kros_words() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "bad", "args": ["--nope=1"]})
    await variants.find()
    with pytest.raises(AbortedError) as raised:
        await variants.enter("bad")
    assert raised.value.info.reason == "VariantNotStarted"
    assert "CrashLoopBackOff: back-off 10s; its log says: flag provided but not defined: -nope" in (
        raised.value.info.message
    )
    assert await variants.leave() == []
    assert cluster.settled() == before


async def test_a_variant_that_the_api_server_refuses_changes_nothing() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "bad", "image": "x"})
    await variants.find()
    variants._variants["bad"].image = ""
    with pytest.raises(AbortedError) as raised:
        await variants.enter("bad")
    assert raised.value.info.reason == "VariantRefused"
    assert "image: Required value" in raised.value.info.message
    assert cluster.written == []


async def test_kro_that_another_run_has_changed_is_not_touched() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    await variants.find()
    await variants.enter("big")
    other = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    other._owner = Owner("other", "default", "ffff")
    with pytest.raises(AbortedError) as raised:
        await other.find()
    assert f"krobench cleanup --run {OWNER.uid}" in raised.value.info.message
    assert await restore(cast("KubeClient", cluster), PATH, "ffff") == []


async def test_a_change_whose_answer_was_lost_is_undone_too() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    await variants.find()
    cluster.lost_answers = 1
    with pytest.raises(ApiUnreachableError):
        await variants.enter("big")
    assert cluster.settled() != before
    cluster.lost_answers = 1
    assert await variants.leave() == []
    assert cluster.settled() == before


async def test_nothing_of_kro_is_marked_as_ours_afterwards() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    await variants.find()
    await variants.enter("big")
    ours, helm = {"manager": "krobench"}, {"manager": "helm"}
    cluster.deployment["metadata"]["managedFields"] = [ours, helm]
    assert await variants.leave() == []
    assert cluster.deployment["metadata"]["managedFields"] == [helm]


async def test_a_pod_that_was_evicted_does_not_count_as_one_of_kros() -> None:
    cluster = KroCluster()
    evicted = cluster.pods[0] | {
        "metadata": {"name": "kro-0"},
        "status": {"phase": "Failed", "reason": "Evicted"},
    }
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    await variants.find()
    await variants.enter("big")
    await variants.leave()
    cluster.pods.insert(0, evicted)
    await variants.settle()


async def test_an_api_server_that_is_busy_for_a_while_costs_only_time() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    await variants.find()
    await variants.enter("big")
    cluster.busy_answers = 2
    await variants.check()
    assert await variants.leave() == []
    cluster.busy_answers = 3
    await variants.settle()


async def test_a_variant_that_was_there_before_is_never_taken_for_kros_own_settings() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    await variants.find()
    await variants.enter("big")
    again = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    with pytest.raises(AbortedError) as raised:
        await again.find()
    assert raised.value.info.reason == "KroChanged"
    assert f"krobench cleanup --run {OWNER.uid}" in raised.value.info.message


async def test_a_note_that_cannot_be_read_is_named_and_not_taken_for_none() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"]})
    await variants.find()
    await variants.enter("big")
    cluster.deployment["metadata"]["annotations"][VARIANT_ANNOTATION] = "{}"
    with pytest.raises(UnreadableChangeError, match=f"annotation {VARIANT_ANNOTATION} cannot be"):
        await restore_all(cast("KubeClient", cluster), OWNER.uid)
    with pytest.raises(AbortedError, match="KroChanged"):
        await variants_of(cluster, {"name": "big"}).find()
    assert await variants.leave() == [], "the run itself still knows"
    assert cluster.settled() == before
