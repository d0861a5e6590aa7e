"""kro takes what the generator makes: a hundred configurations, each Active, its instance Ready."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.kubectl import Cluster, Manifest

from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.generator import ChildKind
from krobench.workload.identity import RunIdentity
from krobench.workload.iterationplan import IterationPlan, RgdPlan, plan_iteration
from krobench.workload.testplan import plan_tests

CONFIGURATIONS = 100
BATCH = 50
SEED = 20260801
NAMESPACE = "generated"
# Names of objects begin with this run's prefix.
RUN = RunIdentity("generated", "deadbeef-0000-0000-0000-000000000000")
WAIT = "--timeout=60s"
DELETION = "--timeout=300s"


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
    cluster.run("delete", "namespace", NAMESPACE, DELETION)


@pytest.mark.usefixtures("namespace")
def test_kro_takes_whatever_is_generated(cluster: Cluster) -> None:
    rng = random.Random(SEED)
    generators = [draw(rng) for _ in range(CONFIGURATIONS)]
    failures: list[str] = []
    for first in range(0, CONFIGURATIONS, BATCH):
        batch = enumerate(generators[first : first + BATCH], start=first)
        failures += check_batch(cluster, dict(batch))
    assert failures == []


def check_batch(cluster: Cluster, generators: dict[int, Manifest]) -> list[str]:
    """Create, wait, delete; return the configurations that failed, with what kro says."""
    rgds = {index: plan(generator, index).rgds[0] for index, generator in generators.items()}
    names = [rgd.name for rgd in rgds.values()]
    try:
        cluster.apply(*(rgd.manifest for rgd in rgds.values()))
        active = {index: rgd for index, rgd in rgds.items() if is_ready(cluster, "rgd", rgd.name)}
        if active:
            cluster.apply(*(rgd.instances[0] for rgd in active.values()))
        ready = {index for index, rgd in active.items() if is_instance_ready(cluster, rgd)}
        return [
            f"{generators[index]}: {conditions(cluster, rgd, index in active)}"
            for index, rgd in rgds.items()
            if index not in ready
        ]
    finally:
        delete(cluster, names)


def is_ready(cluster: Cluster, *target: str) -> bool:
    done = cluster.run("wait", "--for=condition=Ready", WAIT, *target, check=False)
    return done.returncode == 0


def is_instance_ready(cluster: Cluster, rgd: RgdPlan) -> bool:
    return is_ready(cluster, f"--namespace={NAMESPACE}", *instance(rgd))


def instance(rgd: RgdPlan) -> tuple[str, str]:
    return f"{rgd.kind}.{rgd.version}.{rgd.group}", rgd.instances[0]["metadata"]["name"]


def conditions(cluster: Cluster, rgd: RgdPlan, active: bool) -> Any:
    target = instance(rgd) if active else ("rgd", rgd.name)
    return cluster.get(f"--namespace={NAMESPACE}", *target).get("status", {}).get("conditions")


def delete(cluster: Cluster, names: list[str]) -> None:
    """Delete in the order that kro needs: instances, RGDs, CRDs."""
    label = f"kro.run/resource-graph-definition-name in ({','.join(names)})"
    crds = cluster.names("crd", f"--selector={label}")
    if crds:
        cluster.run("delete", ",".join(crds), "--all", f"--namespace={NAMESPACE}", DELETION)
    cluster.run("delete", "rgd", *names, "--ignore-not-found", DELETION)
    if crds:
        cluster.run("delete", "crd", *crds, DELETION)
