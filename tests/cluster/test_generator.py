"""kro takes what the generator makes: a hundred configurations, each Active, its instance Ready."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.kubectl import CRDS, KRO, RGDS, Cluster, Manifest

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.generator import ChildKind
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.testplan import plan_tests

pytestmark = pytest.mark.untimed

CONFIGURATIONS = 100
SEED = 20260801
NAMESPACE = "generated"
# Names of objects begin with this run's prefix.
RUN = RunRef(RunKind.BENCHMARK, "default", "generated", "deadbeef-0000-0000-0000-000000000000")
# With one worker for each, as by default, kro takes a second for each RGD, one after another.
SETTINGS = {
    "KRO_RESOURCE_GROUP_CONCURRENT_RECONCILES": 8,
    "KRO_GRAPH_REVISION_CONCURRENT_RECONCILES": 4,
    "KRO_DYNAMIC_CONTROLLER_CONCURRENT_RECONCILES": 4,
    # Instances of a hundred kinds take thousands of requests.
    "KRO_CLIENT_QPS": 1000,
    "KRO_CLIENT_BURST": 1500,
    # Deletions wait for it, once for each level of an instance's children.
    "KRO_INSTANCE_REQUEUE_INTERVAL": "100ms",
    # Nor does it wait for a second for the first watch of each new kind.
    "KUBE_FEATURE_WatchListClient": "false",
}
READY_SECONDS = 300
PAUSE_SECONDS = 0.5


def draw(rng: random.Random) -> Manifest:
    """Return a configuration that can be met, of a size that keeps this test short."""
    resources = rng.randint(1, 8)
    depth = rng.randint(1, min(resources, 4))
    properties = rng.randint(1, 4)
    return {
        "seed": rng.getrandbits(31),
        "complexity": "custom",
        "resources": resources,
        "depth": depth,
        "dependenciesPerResource": rng.randint(1, min(3, resources - 1)) if depth > 1 else 0,
        "propertiesPerResource": properties,
        "kinds": rng.sample(list(ChildKind), rng.randint(1, len(ChildKind))),
        "forEachSize": rng.choice([0, 0, 1, 3]),
        "includeWhenShare": rng.choice([0.0, 0.3, 1.0]),
        "readyWhenShare": rng.choice([0.0, 0.3, 1.0]),
        "celExpressions": rng.randint(0, resources * properties),
        "celComplexity": rng.randint(1, 8),
    }


def plan(generator: Manifest, index: int) -> IterationPlan:
    """Return the objects of one test with one instance, all named after its index."""
    test: dict[str, Any] = {
        "name": "generated",
        "workload": {"generator": generator, "instances": 1},
        "namespace": NAMESPACE,
        "iterations": 100,
        "warmup": 0,
    }
    return plan_iteration(
        RUN, plan_tests(KroBenchmarkSpec.model_validate({"tests": [test]}))[0], index
    )


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[None]:
    cluster.run("create", "namespace", NAMESPACE)
    yield
    cluster.run("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def many_workers(cluster: Cluster) -> Iterator[None]:
    settings = [f"{name}={value}" for name, value in SETTINGS.items()]
    cluster.run(*KRO, "set", "env", "deployment/kro", *settings)
    cluster.wait_for_kro()
    yield
    cluster.run(*KRO, "rollout", "undo", "deployment/kro")
    cluster.wait_for_kro()


@pytest.mark.usefixtures("namespace", "many_workers")
def test_kro_takes_whatever_is_generated(cluster: Cluster) -> None:
    rng = random.Random(SEED)
    generators = [draw(rng) for _ in range(CONFIGURATIONS)]
    rgds = [plan(generator, index).rgds[0] for index, generator in enumerate(generators)]
    instances: list[Manifest] = []
    try:
        said = unready(cluster, [rgd.manifest for rgd in rgds])
        active = [rgd for rgd in rgds if rgd.name not in said]
        instances = [rgd.instances[0] for rgd in active]
        of_instances = unready(cluster, instances)
        said |= {
            rgd.name: of_instances[name]
            for rgd, name in zip(active, map(name_of, instances), strict=True)
            if name in of_instances
        }
        failures = [
            f"{generator}: {said[rgd.name]}"
            for generator, rgd in zip(generators, rgds, strict=True)
            if rgd.name in said
        ]
    finally:
        delete(cluster, [rgd.name for rgd in rgds], instances)
    assert failures == []


def unready(cluster: Cluster, manifests: list[Manifest]) -> dict[str, Any]:
    """Create objects, and return the conditions of those that do not become ready, by name.

    kubectl would find the kind of each of them anew.
    """
    cluster.create(manifests)
    said: dict[str, list[Manifest]] = {}
    waiting = dict(zip(cluster.paths(manifests), map(name_of, manifests), strict=True))
    deadline = time.monotonic() + READY_SECONDS
    while waiting and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        for path, name in list(waiting.items()):
            said[name] = cluster.read(path).get("status", {}).get("conditions") or []
            if is_ready(said[name]):
                del waiting[path], said[name]
    return said


def is_ready(conditions: list[Manifest]) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def name_of(manifest: Manifest) -> str:
    name: str = manifest["metadata"]["name"]
    return name


def delete(cluster: Cluster, names: list[str], instances: list[Manifest]) -> None:
    """Delete in the order that kro needs: all instances, then RGDs and their CRDs."""
    cluster.delete(cluster.paths(instances))
    of_these = f"kro.run/resource-graph-definition-name in ({','.join(names)})"
    crds = [item["metadata"]["name"] for item in cluster.read(CRDS, of_these)["items"]]
    cluster.delete([*(f"{RGDS}/{name}" for name in names), *(f"{CRDS}/{name}" for name in crds)])
