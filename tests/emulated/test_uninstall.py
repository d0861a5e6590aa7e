"""What the chart's pre-delete hook does, against an API server in memory."""

from dataclasses import replace

from doubles.cluster import QUICK, MemoryCluster

from krobench.api.common import FINALIZER, OPERATOR_ANNOTATION, RUN_LABEL
from krobench.api.kinds import RunKind, RunRef, object_prefix
from krobench.kube import paths
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.load.lifecycle import CRDS_PATH, RGDS_PATH
from krobench.loadjob.uninstall import Uninstall

UID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
RUN = RunRef(RunKind.BENCHMARK, "default", "bench", UID)
QUEUED = RunRef(RunKind.SCALE_TEST, "default", "queued", "other")
NAMESPACE = "krobench-system"
DEPLOYMENT = paths.group("apps", "v1", "deployments", NAMESPACE, "krobench")
JOB = paths.group("batch", "v1", "jobs", NAMESPACE, "bench-load")


def resource(run: RunRef, *finalizers: str) -> JsonObject:
    metadata = {"name": run.name, "namespace": run.namespace, "uid": run.uid, "generation": 1}
    return {
        "metadata": metadata | {"finalizers": list(finalizers)},
        "spec": {},
        "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z"},
    }


class Cluster(MemoryCluster):
    """Takes a status where an object is, as its subresource."""

    def _patch(self, path: str, patch: JsonObject) -> JsonObject:
        return super()._patch(path.removesuffix("/status"), patch)


async def in_mid_run(cluster: MemoryCluster) -> None:
    cluster.put(DEPLOYMENT, {"metadata": {"name": "krobench"}, "spec": OPERATOR})
    cluster.put(paths.run(RUN), resource(RUN, FINALIZER, "somebody/elses"))
    cluster.put(paths.run(QUEUED), resource(QUEUED))
    cluster.put(JOB, {"metadata": {"name": "bench-load", "labels": {RUN_LABEL: UID}}})
    rgd = {
        "metadata": {"name": f"{object_prefix(UID)}x", "labels": {RUN_LABEL: UID}},
        "spec": {"schema": {"kind": "X", "group": "load.bench.kro.run", "apiVersion": "v1"}},
    }
    await cluster.create(RGDS_PATH, rgd)


QUICK_END = replace(QUICK, crds_deleted=0.1, forced_deletion=0.1)
OPERATOR = {"replicas": 1, "selector": {"matchLabels": {"app": "krobench"}}}


async def test_a_run_is_ended_and_nothing_is_left_of_it() -> None:
    cluster = Cluster()
    await in_mid_run(cluster)
    before = cluster.objects[paths.run(QUEUED)]
    problems = await Uninstall(cluster, NAMESPACE, "krobench", 60.0, timing=QUICK).run()
    assert problems == []
    assert cluster.objects[DEPLOYMENT]["spec"]["replicas"] == 0
    assert JOB not in cluster.objects
    assert not [path for path in cluster.objects if path.startswith((RGDS_PATH, CRDS_PATH))]
    run = cluster.objects[paths.run(RUN)]
    assert run["metadata"]["finalizers"] == ["somebody/elses"]
    conditions = {each["type"]: each for each in run["status"]["conditions"]}
    assert run["status"]["phase"] == "Failed"
    assert conditions["Failed"]["reason"] == "Uninstalled"
    assert cluster.objects[paths.run(QUEUED)] == before


async def test_what_cannot_be_deleted_is_named_and_the_resource_let_go() -> None:
    cluster = Cluster()
    await in_mid_run(cluster)
    cluster.undeletable = CRDS_PATH
    timing = QUICK_END
    assert await Uninstall(cluster, NAMESPACE, "krobench", 60.0, timing=timing).run() == []
    run = cluster.objects[paths.run(RUN)]
    assert FINALIZER not in run["metadata"]["finalizers"]
    [warning] = run["status"]["warnings"]
    assert "kubectl delete customresourcedefinitions" in warning


async def test_a_kro_that_is_not_restored_fails_the_hook_and_keeps_the_finalizer() -> None:
    class NoDeployments(Cluster):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            if verb == "list" and path.endswith("/deployments"):
                raise ApiError(403, "Forbidden", "deployments may not be listed")
            await super().admit(verb, path, body)

    cluster = NoDeployments()
    await in_mid_run(cluster)
    [problem] = await Uninstall(cluster, NAMESPACE, "krobench", 60.0, timing=QUICK).run()
    assert "deployments may not be listed" in problem
    assert FINALIZER in cluster.objects[paths.run(RUN)]["metadata"]["finalizers"]


async def test_a_run_of_another_operator_goes_on() -> None:
    cluster = Cluster()
    await in_mid_run(cluster)
    other = cluster.objects[paths.run(RUN)]
    other["metadata"]["annotations"] = {OPERATOR_ANNOTATION: "elsewhere"}
    assert await Uninstall(cluster, NAMESPACE, "krobench", 60.0, timing=QUICK).run() == []
    assert cluster.objects[paths.run(RUN)]["status"]["phase"] == "Running"
    assert FINALIZER in cluster.objects[paths.run(RUN)]["metadata"]["finalizers"]


async def test_only_watched_namespaces_are_looked_at() -> None:
    cluster = Cluster()
    await in_mid_run(cluster)
    watched = ["others", RUN.namespace]
    uninstall = Uninstall(cluster, NAMESPACE, "krobench", 60.0, watched, timing=QUICK)
    assert await uninstall.run() == []
    assert cluster.objects[paths.run(RUN)]["status"]["phase"] == "Failed"
    asked = {path for verb, path in cluster.asked if verb == "list" and "bench.kro.run" in path}
    assert all("/namespaces/" in path for path in asked if path.startswith("/apis/bench."))
