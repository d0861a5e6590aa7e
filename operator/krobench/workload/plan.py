"""From a spec to the objects of each iteration.

Every object of a run carries its run label, and its name begins with the run's prefix, so that
whatever a run leaves behind can be found without knowing more than the run's id.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.common import (
    ITERATION_LABEL,
    RUN_LABEL,
    TEST_LABEL,
    duration_seconds,
)
from krobench.model.load import Load
from krobench.model.precision import Precision
from krobench.model.profile import ProfileKind
from krobench.model.suite import Test
from krobench.model.target import Target
from krobench.model.workload import Workload
from krobench.workload.blueprint import Manifest
from krobench.workload.rounds import visits
from krobench.workload.source import RgdSource, children, rgds_of, source_name, with_counts
from krobench.workload.steps import StepPlan, count_created, plan_steps
from krobench.workload.values import with_index, with_round

_PREFIX_LENGTH = 8
_NAMESPACE_NAME_LENGTH = 40

DEFAULT_WARMUP = 1

_REQUEUE_SECONDS = 3.0
_DELETION_BASE_SECONDS = 60.0
_DELETION_SECONDS_PER_CHILD = 0.25
SWEEP_ALLOWANCE_SECONDS = 180.0
RUN_ALLOWANCE_SECONDS = 600.0

VARIANT_START_SECONDS = 120.0
"""Time in which a kro must have started, and lead, with a variant's settings."""


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
    """Position among all plans: each variant of a test has one of its own."""
    field_prefix: str
    """Where its fields stand in the spec, such as ``tests[0].``; empty in a scale test, whose
    steps share the spec's own."""
    name: str
    """The test's name; with variants, and the variant's after a dot."""
    variant: str | None
    """The variant of kro that it measures; None: kro as it is."""
    visits: tuple[int, ...]
    """Measured iterations between two restarts of kro; one visit takes all without variants."""
    workload: Workload
    iterations: int
    """Measured ones; with a precision, the least of them."""
    precision: Precision | None
    warmup: int
    detects_warmup: bool
    """Whether measured iterations may turn out to be warm-up, too."""
    """Those before the measured ones, of each visit."""
    concurrency: int
    timeout_seconds: float
    namespace: str | None
    """None: the namespace of the run's own."""
    load: Load
    steps: tuple[StepPlan, ...]
    target: Target
    thresholds: tuple[str, ...]
    profiles: tuple[ProfileKind, ...] = ()
    profile_window_seconds: float | None = None
    """None: as long as the run phase takes."""
    hold_seconds: float = 0.0
    """Time for which all that is ready is kept, and kro sampled, before it is deleted."""
    timeout_is_result: bool = False
    """Whether objects that are not ready in time are a finding, and no failure of the test."""

    @property
    def created_instances(self) -> int:
        """Instances that an iteration creates, those of later steps included."""
        return count_created(self.steps)

    @property
    def workload_name(self) -> str:
        """Name of the scenario, or ``rgd`` or ``generator``."""
        return source_name(self.workload)

    @property
    def total_iterations(self) -> int:
        """Iterations to be run at most, warm-up included."""
        return self.warmup * len(self.visits) + self.most_iterations

    @property
    def most_iterations(self) -> int:
        """Measured iterations to be run at most."""
        return self.precision.max_iterations if self.precision else self.iterations

    def is_warmup(self, index: int) -> bool:
        """Whether the results of the iteration with this index are kept apart."""
        return self._place(index)[1] < self.warmup

    def visit_of(self, index: int) -> int:
        """Return which visit the iteration with this index belongs to, from 0."""
        return self._place(index)[0]

    def _place(self, index: int) -> tuple[int, int]:
        """Return the visit of an iteration, and its position there."""
        for visit, measured in enumerate(self.visits):
            if index < self.warmup + measured:
                return visit, index
            index -= self.warmup + measured
        return len(self.visits), self.warmup + index

    @property
    def profiled_index(self) -> int:
        """Index of the iteration in which kro is profiled, which comes after all others."""
        return self.total_iterations

    @property
    def deletion_timeout_seconds(self) -> float:
        """Time that deleting one iteration's instances may take.

        kro deletes an instance's children one per requeue (3 s by default), reading all of them
        each time, with one worker for all instances.
        """
        count = children(self.workload)
        requeues = count * _REQUEUE_SECONDS
        work = self.created_instances * count * _DELETION_SECONDS_PER_CHILD
        return _DELETION_BASE_SECONDS + requeues + work


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
    """None for an RGD whose kind only other RGDs use."""
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


def plan_tests(spec: KroBenchmarkSpec) -> tuple[TestPlan, ...]:
    """Resolve the suite's defaults into each test.

    Raises:
        WorkloadError: if the steps of a test do not fit together.
    """
    names: list[str | None] = [variant.name for variant in spec.variants]
    plans: list[TestPlan] = []
    for spec_index, test in enumerate(spec.tests):
        for position, variant in enumerate(names or [None]):
            plan = _plan_test(len(plans), f"tests[{spec_index}]", test, spec)
            plans.append(_under(plan, variant, position, len(names)))
    return tuple(plans)


def longest_run_seconds(spec: KroBenchmarkSpec) -> float:
    """Return the time after which a run of this spec cannot still be going on in good order."""
    return RUN_ALLOWANCE_SECONDS + sum(
        (test.total_iterations + bool(test.profiles))
        * (test.timeout_seconds + test.deletion_timeout_seconds + SWEEP_ALLOWANCE_SECONDS)
        + (test.profile_window_seconds or 0.0)
        + (len(test.visits) * VARIANT_START_SECONDS if test.variant is not None else 0.0)
        for test in plan_tests(spec)
    )


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


def _under(plan: TestPlan, variant: str | None, position: int, count: int) -> TestPlan:
    """Return the plan of a test under a variant."""
    if variant is None:
        return plan
    own = visits(plan.most_iterations, position, count)
    return replace(plan, name=f"{plan.name}.{variant}", variant=variant, visits=own)


def _plan_test(index: int, field_path: str, test: Test, spec: KroBenchmarkSpec) -> TestPlan:
    defaults, window = spec.defaults, spec.collect.profile_window
    test = test.model_copy(update={"workload": with_counts(test.workload)})

    def resolved(name: str) -> Any:
        own = getattr(test, name)
        return own if own is not None else getattr(defaults, name)

    warmup = resolved("warmup")
    plan = TestPlan(
        index=index,
        field_prefix=f"{field_path}.",
        name=test.name,
        variant=None,
        visits=(),
        workload=test.workload,
        iterations=resolved("iterations"),
        precision=resolved("precision"),
        warmup=DEFAULT_WARMUP if warmup is None else warmup,
        detects_warmup=warmup is None,
        concurrency=resolved("concurrency"),
        timeout_seconds=duration_seconds(resolved("timeout")),
        namespace=resolved("namespace"),
        load=test.load,
        steps=plan_steps(test, resolved("concurrency"), field_path),
        target=test.target or spec.target,
        thresholds=tuple(test.thresholds),
        profiles=tuple(spec.collect.profiles),
        profile_window_seconds=duration_seconds(window) if window else None,
    )
    return replace(plan, visits=(plan.most_iterations,))


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
