"""From a test to the objects of each of its iterations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from krobench.api.common import ITERATION_LABEL, RUN_LABEL, TEST_LABEL
from krobench.api.kinds import RunRef
from krobench.api.podmessages import SHARD_LABEL
from krobench.workload.blueprint import Manifest
from krobench.workload.cloud import cloud_kind
from krobench.workload.phases import PhasePlan
from krobench.workload.placeholders import Turn, filled
from krobench.workload.readiness import Ready
from krobench.workload.simpleschema import Field
from krobench.workload.source import RgdSet, RgdSource, rgds_of
from krobench.workload.testplan import Creator, Existing, TestPlan


@dataclass(frozen=True)
class RgdPlan:
    """One ResourceGraphDefinition and the instances of its kind that the run creates."""

    name: str
    group: str
    version: str
    kind: str
    manifest: Manifest
    stage: int
    """RGDs of a stage use the kinds of the stages before."""
    instances: tuple[Manifest, ...] = field(repr=False)
    """Empty for an RGD whose kind only other RGDs use."""
    update: Manifest = field(default_factory=dict)
    """A merge patch of an instance's spec, with placeholders."""
    schema: Field | None = field(default=None, repr=False)
    """Of an instance's spec."""
    ready: Ready = field(default_factory=Ready)
    """What shows that an instance is ready."""


@dataclass(frozen=True)
class IterationPlan:
    """All objects of one iteration of a test."""

    run: RunRef
    test: TestPlan
    index: int
    namespace: str
    rgds: tuple[RgdPlan, ...]

    @property
    def warmup(self) -> bool:
        """Whether its results are kept apart: it warms up, or kro is profiled in it."""
        return self.test.is_warmup(self.index) or self.profiled

    @property
    def profiled(self) -> bool:
        return self.index >= self.test.profiled_index

    @property
    def labels(self) -> dict[str, str]:
        return _labels(self.run, self.test, self.index)

    @property
    def prefix(self) -> str:
        """How the names of all that it creates begin, and of nothing else."""
        return _prefix(self.run, Creator(self.test.index, self.index))

    @property
    def rgd_prefix(self) -> str:
        """How the names of its RGDs begin, and of no others."""
        return _prefix(self.run, _creator(self.test, self.index))

    @property
    def stages(self) -> tuple[tuple[RgdPlan, ...], ...]:
        """The RGDs, grouped, in the order in which they must be ready."""
        last = max(rgd.stage for rgd in self.rgds)
        return tuple(
            tuple(rgd for rgd in self.rgds if rgd.stage == stage) for stage in range(last + 1)
        )

    @property
    def targets(self) -> tuple[RgdPlan, ...]:
        """The RGDs whose kinds have instances."""
        return self.stages[-1]

    @property
    def has_rgds_already(self) -> bool:
        """Whether its RGDs exist, and it creates instances only."""
        return self.test.existing is not None and self.test.existing.creator is not None

    @property
    def instance_count(self) -> int:
        return sum(len(rgd.instances) for rgd in self.rgds)

    def instance(self, index: int) -> tuple[int, Manifest]:
        """Return the instance with this index in the order of creation, and its RGD's position.

        RGDs alternate, so all kinds are under load from the beginning.
        """
        position = self._position(index)
        return position, self.targets[position].instances[index // len(self.targets)]

    def _position(self, index: int) -> int:
        """Return the position of the instance's RGD, counting instances of smaller sizes too."""
        existing = (
            self.test.existing.instances if self.test.existing and self.has_rgds_already else 0
        )
        return (existing + index) % len(self.targets)

    def patch(self, phase: PhasePlan, index: int, number: int) -> Manifest:
        """Return the merge patch of an instance's spec for its update of this number."""
        rgd = self.targets[self._position(index)]
        values = phase.values if phase.values is not None else rgd.update
        turn = Turn(index, number, self.test.workload.seed)
        path = f"{self.test.field_prefix}phases[{phase.index}].values"
        return {"spec": filled(values, turn, rgd.schema, path)}


def plan_iteration(run: RunRef, test: TestPlan, index: int) -> IterationPlan:
    """Return the objects of one iteration; equal arguments give equal objects.

    Raises:
        WorkloadError: if the workload cannot be turned into objects.
    """
    for phase in test.phases:
        _ = phase.operations  # planned now, as that takes a while, and not in the run phase
    namespace = test.namespace or run.own_namespace
    labels = _labels(run, test, index)
    existing = test.existing or Existing(0, 0, None)
    creator = _creator(test, index)
    rgds: list[RgdPlan] = []
    for number, indexes in _shares(test, existing):
        source = RgdSource(
            workload=test.workload,
            field_path=f"{test.field_prefix}workload",
            number=number,
            name=f"{_prefix(run, creator)}{number}",
            kind=f"Kb{run.short_id}T{creator.test}I{creator.iteration}R{number}",
            labels=labels,
            cloud_kind=cloud_kind(run.short_id),
        )
        # Instances of several iterations may have one RGD, and exist at once.
        base = f"{_prefix(run, Creator(test.index, index))}{number}"
        rgds += _plan_rgds(source, indexes, namespace, base)
    return IterationPlan(run, test, index, namespace, tuple(rgds))


def _shares(test: TestPlan, existing: Existing) -> Iterator[tuple[int, Mapping[int, int]]]:
    """Yield each RGD's number, with the indexes of its new instances by their position in it.

    Indexes are unique among the objects that exist at once, as values may contain them.
    """
    total, count = existing.instances + test.created_instances, test.workload.rgds
    if existing.creator is not None:
        for number in range(count):
            of_rgd = range(number, total, count)
            yield number, {at: of for at, of in enumerate(of_rgd) if of >= existing.instances}
    else:
        added = count - existing.rgds
        for position in range(added):
            indexes = range(existing.instances + position, total, added)
            yield existing.rgds + position, dict(enumerate(indexes))


def _creator(test: TestPlan, index: int) -> Creator:
    """Return the iteration that creates the RGDs which this one uses."""
    known = test.existing.creator if test.existing is not None else None
    return known or Creator(test.index, index)


def _prefix(run: RunRef, of: Creator) -> str:
    return f"{run.prefix}{of.test}-{of.iteration}-"


def _labels(run: RunRef, test: TestPlan, index: int) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "krobench-load",
        "app.kubernetes.io/component": test.workload_name,
        "app.kubernetes.io/managed-by": "krobench",
        RUN_LABEL: run.uid,
        TEST_LABEL: test.name,
        ITERATION_LABEL: str(index),
    }


def _plan_rgds(
    source: RgdSource, indexes: Mapping[int, int], namespace: str, base: str
) -> list[RgdPlan]:
    """Plan an RGD with instances of these indexes, and before it the RGDs that it uses.

    The names of instances begin with ``base``.
    """
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
                    _instance(source, rgds, schema, namespace, f"{base}-{item[0]:05d}", item[1])
                    for item in (indexes.items() if stage == last else ())
                ),
                update=rgds.update,
                schema=rgds.specs.schema if stage == last else None,
                ready=rgds.ready if stage == last else Ready(),
            )
        )
    return plans


def _instance(
    source: RgdSource, rgds: RgdSet, schema: Manifest, namespace: str, name: str, index: int
) -> Manifest:
    wish = rgds.metadata(index)
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": f"{schema['group']}/{schema['apiVersion']}",
        "kind": schema["kind"],
        "metadata": metadata | wish | {"labels": wish.get("labels", {}) | source.labels},
        "spec": rgds.specs.make(name, namespace, index),
    }


def share_of_plan(plan: IterationPlan, shard: int, shards: int) -> IterationPlan:
    """Return what one of the shards, counted from 0, does of an iteration that only creates.

    It sends every ``shards``-th operation, in the order of sending, and has an even part of the
    concurrency and of the requests that may be unanswered. Every instance has the label of the
    shard that sends it.
    """
    count = len(plan.targets)
    turns = {rgd.name: turn for turn, rgd in enumerate(plan.targets)}

    def labelled(rgd: RgdPlan, position: int, instance: Manifest) -> Manifest:
        metadata, of_shard = instance["metadata"], (position * count + turns[rgd.name]) % shards
        labels = metadata["labels"] | {SHARD_LABEL: str(of_shard)}
        return instance | {"metadata": metadata | {"labels": labels}}

    def part(total: int) -> int:
        return max(1, total // shards + (1 if shard < total % shards else 0))

    rgds = tuple(
        replace(rgd, instances=tuple(labelled(rgd, *item) for item in enumerate(rgd.instances)))
        for rgd in plan.rgds
    )
    phases = tuple(
        replace(
            phase,
            shard=shard,
            shards=shards,
            concurrency=part(phase.concurrency),
            load=phase.load.model_copy(update={"max_in_flight": part(phase.load.max_in_flight)}),
        )
        for phase in plan.test.phases
    )
    return replace(plan, test=replace(plan.test, phases=phases), rgds=rgds)
