"""From a spec to the objects of each iteration.

Every object of a run carries its run label, and its name begins with the run's prefix, so that
whatever a run leaves behind can be found without knowing more than the run's id.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

from krobench.model.benchmark import KroBenchmarkSpec, Target, Test, Workload
from krobench.model.common import (
    ITERATION_LABEL,
    LOAD_GROUP,
    RUN_LABEL,
    TEST_LABEL,
    duration_seconds,
)
from krobench.model.load import Load
from krobench.workload.scenarios import SCENARIOS, Manifest

RGD_API_VERSION = "kro.run/v1alpha1"
KRO_DEFAULT_API_VERSION = "v1alpha1"
OWN_RGD = "rgd"

_PREFIX_LENGTH = 8
_NAMESPACE_NAME_LENGTH = 40

_REQUEUE_SECONDS = 3.0
_DELETION_BASE_SECONDS = 60.0
_DELETION_SECONDS_PER_CHILD = 0.25
_SWEEP_ALLOWANCE_SECONDS = 180.0
_RUN_ALLOWANCE_SECONDS = 600.0


class WorkloadError(ValueError):
    """A workload that cannot be turned into objects; the message names the field."""


@dataclass(frozen=True)
class RunIdentity:
    """What names and labels of a run are made from."""

    name: str
    """Name of the custom resource."""
    uid: str
    """UID of the custom resource."""

    @property
    def prefix(self) -> str:
        """Begins the name of every cluster-scoped object of this run."""
        return f"kb-{self.short_id}-"

    @property
    def short_id(self) -> str:
        """Eight hexadecimal digits of the UID."""
        return self.uid.replace("-", "")[:_PREFIX_LENGTH]

    @property
    def namespace(self) -> str:
        """Namespace of the run's own."""
        return f"kb-{self.name[:_NAMESPACE_NAME_LENGTH].rstrip('-.')}-{self.short_id}".replace(
            ".", "-"
        )


@dataclass(frozen=True)
class TestPlan:
    """A test with all defaults resolved."""

    __test__ = False  # pytest would collect a class of this name

    index: int
    name: str
    workload: Workload
    iterations: int
    warmup: int
    concurrency: int
    timeout_seconds: float
    namespace: str | None
    """None: the namespace of the run's own."""
    load: Load
    target: Target
    thresholds: tuple[str, ...]

    @property
    def workload_name(self) -> str:
        """Name of the scenario, or ``rgd`` for a user's own."""
        return self.workload.scenario.value if self.workload.scenario else OWN_RGD

    @property
    def total_iterations(self) -> int:
        """Iterations to be run, warm-up included."""
        return self.warmup + self.iterations

    @property
    def deletion_timeout_seconds(self) -> float:
        """Time that deleting one iteration's instances may take.

        kro deletes an instance's children one per requeue (3 s by default), reading all of them
        each time, with one worker for all instances.
        """
        children = self._children
        requeues = children * _REQUEUE_SECONDS
        work = self.workload.instances * children * _DELETION_SECONDS_PER_CHILD
        return _DELETION_BASE_SECONDS + requeues + work

    @property
    def _children(self) -> int:
        if self.workload.scenario is not None:
            return SCENARIOS[self.workload.scenario].children
        assert self.workload.rgd is not None
        resources = self.workload.rgd.inline.get("spec", {}).get("resources")
        return len(resources) if isinstance(resources, list) else 1


@dataclass(frozen=True)
class RgdPlan:
    """One ResourceGraphDefinition and the instances of its kind."""

    name: str
    group: str
    version: str
    kind: str
    manifest: Manifest
    instances: tuple[Manifest, ...] = field(repr=False)


@dataclass(frozen=True)
class IterationPlan:
    """All objects of one iteration of a test."""

    run: RunIdentity
    test: TestPlan
    index: int
    namespace: str
    rgds: tuple[RgdPlan, ...]

    @property
    def warmup(self) -> bool:
        """Whether this iteration's results are kept apart."""
        return self.index < self.test.warmup

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object of this iteration."""
        return _labels(self.run, self.test, self.index)

    @property
    def instance_count(self) -> int:
        """Instances over all RGDs."""
        return sum(len(rgd.instances) for rgd in self.rgds)


def plan_tests(spec: KroBenchmarkSpec) -> tuple[TestPlan, ...]:
    """Resolve the suite's defaults into each test."""
    return tuple(_plan_test(index, test, spec) for index, test in enumerate(spec.tests))


def longest_run_seconds(spec: KroBenchmarkSpec) -> float:
    """Return the time after which a run of this spec cannot still be going on in good order."""
    return _RUN_ALLOWANCE_SECONDS + sum(
        test.total_iterations
        * (test.timeout_seconds + test.deletion_timeout_seconds + _SWEEP_ALLOWANCE_SECONDS)
        for test in plan_tests(spec)
    )


def plan_iteration(run: RunIdentity, test: TestPlan, index: int) -> IterationPlan:
    """Return the objects of one iteration; equal arguments give equal objects.

    Raises:
        WorkloadError: if a user's own RGD has no spec.schema.kind.
    """
    namespace = test.namespace or run.namespace
    labels = _labels(run, test, index)
    total, count = test.workload.instances, test.workload.rgds
    rgds = []
    for number in range(count):
        share = total // count + (1 if number < total % count else 0)
        rgds.append(_plan_rgd(run, test, index, number, share, namespace, labels))
    return IterationPlan(run, test, index, namespace, tuple(rgds))


def _plan_test(index: int, test: Test, spec: KroBenchmarkSpec) -> TestPlan:
    defaults = spec.defaults

    def resolved(name: str) -> Any:
        own = getattr(test, name)
        return own if own is not None else getattr(defaults, name)

    return TestPlan(
        index=index,
        name=test.name,
        workload=test.workload,
        iterations=resolved("iterations"),
        warmup=resolved("warmup"),
        concurrency=resolved("concurrency"),
        timeout_seconds=duration_seconds(resolved("timeout")),
        namespace=resolved("namespace"),
        load=test.load,
        target=test.target or spec.target,
        thresholds=tuple(test.thresholds),
    )


def _labels(run: RunIdentity, test: TestPlan, index: int) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "krobench-load",
        "app.kubernetes.io/component": test.workload_name,
        "app.kubernetes.io/managed-by": "krobench",
        RUN_LABEL: run.uid,
        TEST_LABEL: test.name,
        ITERATION_LABEL: str(index),
    }


def _plan_rgd(
    run: RunIdentity,
    test: TestPlan,
    index: int,
    number: int,
    instances: int,
    namespace: str,
    labels: dict[str, str],
) -> RgdPlan:
    name = f"{run.prefix}{test.index}-{index}-{number}"
    if test.workload.rgd is None:
        kind = f"Kb{run.short_id}T{test.index}I{index}R{number}"
        manifest = _scenario_manifest(test.workload, kind)
    else:
        manifest = _own_manifest(test)
        kind = manifest["spec"]["schema"]["kind"]
    manifest["metadata"] = manifest.get("metadata", {}) | {"name": name}
    manifest["metadata"]["labels"] = manifest["metadata"].get("labels", {}) | labels
    schema = manifest["spec"]["schema"]
    group, version = schema["group"], schema["apiVersion"]
    values = _values(test.workload)
    return RgdPlan(
        name=name,
        group=group,
        version=version,
        kind=kind,
        manifest=manifest,
        instances=tuple(
            {
                "apiVersion": f"{group}/{version}",
                "kind": kind,
                "metadata": {
                    "name": f"{name}-{position:05d}",
                    "namespace": namespace,
                    "labels": labels,
                },
                "spec": values,
            }
            for position in range(instances)
        ),
    )


def _scenario_manifest(workload: Workload, kind: str) -> Manifest:
    assert workload.scenario is not None
    scenario = SCENARIOS[workload.scenario]
    schema = scenario.schema() | {
        "apiVersion": KRO_DEFAULT_API_VERSION,
        "kind": kind,
        "group": LOAD_GROUP,
    }
    return {
        "apiVersion": RGD_API_VERSION,
        "kind": "ResourceGraphDefinition",
        "spec": {"schema": schema, "resources": scenario.resources()},
    }


def _own_manifest(test: TestPlan) -> Manifest:
    assert test.workload.rgd is not None
    manifest = copy.deepcopy(test.workload.rgd.inline)
    field_path = f"tests[{test.index}].workload.rgd.inline"
    schema = manifest.get("spec", {}).get("schema")
    if not isinstance(schema, dict) or not isinstance(schema.get("kind"), str):
        raise WorkloadError(f"{field_path}.spec.schema.kind is missing: name the kind it defines")
    manifest.setdefault("apiVersion", RGD_API_VERSION)
    manifest.setdefault("kind", "ResourceGraphDefinition")
    schema.setdefault("apiVersion", KRO_DEFAULT_API_VERSION)
    schema.setdefault("group", LOAD_GROUP)
    return manifest


def _values(workload: Workload) -> Manifest:
    defaults = SCENARIOS[workload.scenario].values() if workload.scenario else {}
    return defaults | workload.values
