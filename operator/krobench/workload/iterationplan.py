"""From a test to the objects of each of its iterations."""

from dataclasses import dataclass, field

from krobench.model.common import ITERATION_LABEL, RUN_LABEL, TEST_LABEL
from krobench.workload.blueprint import Manifest
from krobench.workload.identity import RunIdentity
from krobench.workload.source import RgdSource, rgds_of
from krobench.workload.steps import StepPlan
from krobench.workload.testplan import TestPlan
from krobench.workload.values import with_index, with_round


@dataclass(frozen=True)
class RgdPlan:
    """One ResourceGraphDefinition and the instances of its kind that the run creates."""

    name: str
    group: str
    version: str
    kind: str
    manifest: Manifest
    stage: int
    """RGDs of a stage need those of the stages before, whose kinds they use."""
    instances: tuple[Manifest, ...] = field(repr=False)
    """Empty for an RGD whose kind only other RGDs use."""
    update: Manifest = field(default_factory=dict)
    """A merge patch of an instance's spec, with placeholders."""


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
        """Whether this iteration's results are kept apart: to warm up, or as kro is profiled."""
        return self.test.is_warmup(self.index) or self.profiled

    @property
    def profiled(self) -> bool:
        """Whether kro is profiled in this iteration."""
        return self.index >= self.test.profiled_index

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object of this iteration."""
        return _labels(self.run, self.test, self.index)

    @property
    def stages(self) -> tuple[tuple[RgdPlan, ...], ...]:
        """The RGDs in the order in which they have to be ready."""
        last = max(rgd.stage for rgd in self.rgds)
        return tuple(
            tuple(rgd for rgd in self.rgds if rgd.stage == stage) for stage in range(last + 1)
        )

    @property
    def targets(self) -> tuple[RgdPlan, ...]:
        """The RGDs whose kinds have instances."""
        return self.stages[-1]

    @property
    def instance_count(self) -> int:
        """Instances over all RGDs."""
        return sum(len(rgd.instances) for rgd in self.rgds)

    def instance(self, index: int) -> tuple[int, Manifest]:
        """Return the instance with this index in the order of creation, and its RGD's position.

        RGDs take turns, so that all kinds are under load from the beginning.
        """
        position = index % len(self.targets)
        return position, self.targets[position].instances[index // len(self.targets)]

    def patch(self, step: StepPlan, index: int, number: int) -> Manifest:
        """Return the merge patch of an instance's spec for its update of this number."""
        own = self.targets[index % len(self.targets)].update
        return {"spec": with_round(step.values if step.values is not None else own, index, number)}


def plan_iteration(run: RunIdentity, test: TestPlan, index: int) -> IterationPlan:
    """Return the objects of one iteration; equal arguments give equal objects.

    Raises:
        WorkloadError: if the workload cannot be turned into objects.
    """
    namespace = test.namespace or run.namespace
    labels = _labels(run, test, index)
    total, count = test.created_instances, test.workload.rgds
    rgds: list[RgdPlan] = []
    for number in range(count):
        source = RgdSource(
            workload=test.workload,
            field_path=f"{test.field_prefix}workload",
            number=number,
            name=f"{run.prefix}{test.index}-{index}-{number}",
            kind=f"Kb{run.short_id}T{test.index}I{index}R{number}",
            labels=labels,
        )
        rgds += _plan_rgds(source, range(number, total, count), namespace)
    return IterationPlan(run, test, index, namespace, tuple(rgds))


def _labels(run: RunIdentity, test: TestPlan, index: int) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "krobench-load",
        "app.kubernetes.io/component": test.workload_name,
        "app.kubernetes.io/managed-by": "krobench",
        RUN_LABEL: run.uid,
        TEST_LABEL: test.name,
        ITERATION_LABEL: str(index),
    }


def _plan_rgds(source: RgdSource, indexes: range, namespace: str) -> list[RgdPlan]:
    """Plan an RGD with instances of these indexes, and before it the RGDs that it rests on."""
    rgds = rgds_of(source)
    last = len(rgds.manifests) - 1
    plans = []
    for stage, manifest in enumerate(rgds.manifests):
        schema = manifest["spec"]["schema"]
        plans.append(
            RgdPlan(
                name=manifest["metadata"]["name"],
                group=schema["group"],
                version=schema["apiVersion"],
                kind=schema["kind"],
                manifest=manifest,
                stage=stage,
                instances=tuple(
                    {
                        "apiVersion": f"{schema['group']}/{schema['apiVersion']}",
                        "kind": schema["kind"],
                        "metadata": {
                            "name": f"{source.name}-{position:05d}",
                            "namespace": namespace,
                            "labels": source.labels,
                        },
                        "spec": with_index(rgds.values, instance_index),
                    }
                    for position, instance_index in enumerate(indexes if stage == last else ())
                ),
                update=rgds.update,
            )
        )
    return plans
