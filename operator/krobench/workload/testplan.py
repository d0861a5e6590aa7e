"""From a suite to its tests, with all defaults resolved, and the limits on them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from krobench.api.common import LOAD_GROUP, ErrorInfo
from krobench.api.notation import duration_seconds
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.collect import ProfileKind
from krobench.api.specs.decide import MOST_BLOCKS
from krobench.api.specs.kro import Target, Variant
from krobench.api.specs.load import Load
from krobench.api.specs.suite import Precision, Test
from krobench.api.specs.workload import Ballast, Cloud, Workload
from krobench.workload.checks import check_own_rgd
from krobench.workload.ownrgds import own_group
from krobench.workload.phases import (
    PhasePlan,
    count_created,
    most_created,
    peak_instances,
    plan_phases,
)
from krobench.workload.prerequisites import (
    Prerequisite,
    check_prerequisites,
    count_prerequisites,
    prerequisites_of,
)
from krobench.workload.readiness import Ready, readiness
from krobench.workload.source import children, source_name, with_counts

DEFAULT_WARMUP = 1

_REQUEUE_SECONDS = 3.0
_DELETION_BASE_SECONDS = 60.0
_DELETION_SECONDS_PER_CHILD = 0.25
_BALLAST_BASE_SECONDS = 120.0
_BALLAST_SECONDS_PER_CRD = 2.0
CLEANUP_ALLOWANCE_SECONDS = 180.0
RUN_ALLOWANCE_SECONDS = 600.0

VARIANT_START_SECONDS = 120.0
"""Time in which kro must start with a variant's settings, and become the leader."""


@dataclass(frozen=True)
class Creator:
    """The iteration that created RGDs which later ones reuse."""

    test: int
    """Index of its test's plan."""
    iteration: int


@dataclass(frozen=True)
class Existing:
    """What earlier iterations have left in place: smaller cumulative sizes, or RGDs that stay."""

    instances: int
    rgds: int
    creator: Creator | None
    """Which iteration created the RGDs to which instances are added; None if RGDs are added."""


@dataclass(frozen=True)
class TestPlan:
    """A test with all defaults resolved."""

    __test__ = False  # pytest would collect a class of this name

    index: int
    """Position among all plans; each variant of a test has its own."""
    field_prefix: str
    """Path of its fields in the spec, such as ``tests[0].``; empty in a scale test, whose
    phases share the spec's own."""
    name: str
    """The test's name; with variants, followed by a dot and the variant's name."""
    variant: str | None
    """The variant of kro that it measures; None for kro as it is."""
    visits: tuple[int, ...]
    """Measured iterations of each visit. With variants, each block is a visit of one, which begins
    with a restart of kro; without, there is one visit."""
    workload: Workload
    iterations: int
    """Measured iterations; with a precision, the fewest."""
    precision: Precision | None
    warmup: int
    """Iterations before the measured ones of each visit."""
    detects_warmup: bool
    """Whether measured iterations may be classified as warm-up afterwards."""
    concurrency: int
    timeout_seconds: float
    namespace: str | None
    """None for the run's own namespace."""
    load: Load
    phases: tuple[PhasePlan, ...]
    target: Target
    thresholds: tuple[str, ...]
    profiles: tuple[ProfileKind, ...] = ()
    profile_window_seconds: float | None = None
    """None: as long as the run phase takes."""
    soak_seconds: float = 0.0
    """The soak: how long all that is ready is kept, and kro sampled, before it is deleted."""
    steady_window_seconds: float | None = None
    """How long kro must be steady at least for the soak to end early; None if it never does."""
    timeout_is_result: bool = False
    """Whether objects that are not ready in time are a result, not a failure of the test."""
    existing: Existing | None = None
    """What exists before it begins, and counts as part of its workload."""
    leaves_objects: bool = False
    """Whether its objects stay: for a larger cumulative size, or until kro restarts."""
    keeps_rgds: bool = False
    """Whether its RGDs stay for all iterations of a visit."""

    @property
    def created_instances(self) -> int:
        """Instances that an iteration creates, in all phases."""
        return count_created(self.phases)

    @property
    def replaces_kro(self) -> bool:
        """Whether a phase replaces kro's pods."""
        return any(phase.operation.replaces_kro for phase in self.phases)

    @property
    def upgrade(self) -> Variant | None:
        """The variant of kro to which a phase changes it; None without such a phase.

        Tests with the same image have the same.
        """
        image = next((phase.image for phase in self.phases if phase.image), None)
        if image is None:
            return None
        return Variant(name=f"upgrade-{sha256(image.encode()).hexdigest()[:8]}", image=image)

    @property
    def created_at_most(self) -> int:
        """The most instances that an iteration creates, whatever chance decides."""
        return most_created(self.phases)

    @property
    def prerequisites(self) -> Iterator[Prerequisite]:
        """What must exist before its RGDs and instances, in the order of creation."""
        path = f"{self.field_prefix}workload"
        return prerequisites_of(self.workload, self._indexes, path)

    @property
    def prerequisite_count(self) -> int:
        return count_prerequisites(self.workload, self._indexes)

    @property
    def ballast(self) -> Ballast:
        """The CRDs beside its load."""
        return self.workload.ballast or Ballast()

    @property
    def cloud(self) -> Cloud | None:
        """The cloud that its scenario simulates."""
        return self.workload.simulated_cloud

    @property
    def ballast_seconds(self) -> float:
        """Time that creating and deleting its ballast may take."""
        count = self.ballast.crds
        return 2 * (_BALLAST_BASE_SECONDS + count * _BALLAST_SECONDS_PER_CRD) if count else 0.0

    @property
    def _indexes(self) -> int:
        """How many indexes its instances have, with those that exist before."""
        return self.created_at_most + (self.existing.instances if self.existing else 0)

    @property
    def workload_name(self) -> str:
        """Name of the scenario, or ``rgd`` or ``generator``."""
        return source_name(self.workload)

    @property
    def ready(self) -> Ready:
        """What shows that an instance is ready."""
        rgd = self.workload.rgd
        if rgd is None or rgd.inline is None:
            return Ready()
        path = f"{self.field_prefix}workload.rgd.readiness"
        return readiness(rgd.inline, rgd.readiness, path)

    @property
    def api_groups(self) -> frozenset[str]:
        """API groups of the kinds that its RGDs define."""
        rgd = self.workload.rgd
        if rgd is None:
            return frozenset({LOAD_GROUP})
        manifests = [each.inline for each in (rgd, *rgd.requires) if each.inline is not None]
        groups = {own_group(each["spec"]["schema"]) for each in manifests}
        return frozenset(groups or {LOAD_GROUP})

    @property
    def total_iterations(self) -> int:
        """The most iterations that may run, including warm-up."""
        return self.warmup * len(self.visits) + self.most_iterations

    @property
    def most_iterations(self) -> int:
        """The most measured iterations that may run."""
        return self.precision.max_iterations if self.precision else self.iterations

    def is_warmup(self, index: int) -> bool:
        """Whether the results of the iteration with this index are kept apart."""
        return self._place(index)[1] < self.warmup

    def visit_of(self, index: int) -> int:
        """Return the visit of the iteration with this index, from 0."""
        return self._place(index)[0]

    def first_of_visit(self, index: int) -> int:
        """Return the index of the first iteration of the same visit."""
        return index - self._place(index)[1]

    def _place(self, index: int) -> tuple[int, int]:
        """Return the visit of an iteration, and its position there."""
        for visit, measured in enumerate(self.visits):
            if index < self.warmup + measured:
                return visit, index
            index -= self.warmup + measured
        return len(self.visits), self.warmup + index

    @property
    def profiled_index(self) -> int:
        """Index of the iteration in which kro is profiled, after all others."""
        return self.total_iterations

    @property
    def deletion_timeout_seconds(self) -> float:
        """Time that deleting one iteration's instances may take.

        kro deletes an instance's children one per requeue (3 s by default), reads all of them
        each time, and has one worker for all instances.
        """
        count = children(self.workload)
        requeues = count * _REQUEUE_SECONDS
        existing = self.existing.instances if self.existing else 0
        instances = self.created_at_most + existing
        work = instances * count * _DELETION_SECONDS_PER_CHILD
        return _DELETION_BASE_SECONDS + requeues + work


def on_kept_rgds(plan: TestPlan, index: int) -> TestPlan:
    """Return the test as an iteration runs it that uses the RGDs of its visit's first one."""
    creator = Creator(plan.index, plan.first_of_visit(index))
    return replace(plan, existing=Existing(0, 0, creator))


def as_run(plan: TestPlan, index: int) -> TestPlan:
    """Return the test as one of its iterations runs it: on RGDs of an earlier one if it keeps
    them."""
    if index >= plan.profiled_index:
        return replace(plan, leaves_objects=False, keeps_rgds=False)
    first = index == plan.first_of_visit(index)
    return on_kept_rgds(plan, index) if plan.keeps_rgds and not first else plan


def plan_tests(spec: KroBenchmarkSpec) -> tuple[TestPlan, ...]:
    """Resolve the suite's defaults into each test.

    Raises:
        WorkloadError: if a phase of a test needs instances that do not exist.
    """
    names: list[str | None] = [variant.name for variant in spec.variants]
    plans: list[TestPlan] = []
    for spec_index, test in enumerate(spec.tests):
        for variant in names or [None]:
            plan = _plan_test(len(plans), f"tests[{spec_index}]", test, spec)
            if spec.decide is not None and spec_index and plan.detects_warmup:
                plan = replace(plan, warmup=0)  # in a block, the first test has warmed kro up
            if variant is not None:
                count = plan.most_iterations if spec.decide is None else MOST_BLOCKS
                plan = replace(
                    plan,
                    name=f"{plan.name}.{variant}",
                    variant=variant,
                    iterations=count if spec.decide else plan.iterations,
                    precision=None if spec.decide else plan.precision,
                    visits=(1,) * count,
                )
            plans.append(plan)
    check_prerequisites(
        (plan.workload, plan.namespace, f"{plan.field_prefix}workload") for plan in plans
    )
    return tuple(plans)


def longest_run_seconds(spec: KroBenchmarkSpec) -> float:
    """Return the longest time that a run of this spec can take if nothing is wrong."""
    tests = sum(
        (test.total_iterations + bool(test.profiles))
        * (test.timeout_seconds + test.deletion_timeout_seconds + CLEANUP_ALLOWANCE_SECONDS)
        + (test.profile_window_seconds or 0.0)
        + test.ballast_seconds * len(test.visits)
        + (len(test.visits) * VARIANT_START_SECONDS if test.variant is not None else 0.0)
        + (test.total_iterations * VARIANT_START_SECONDS if test.upgrade is not None else 0.0)
        for test in plan_tests(spec)
    )
    if spec.decide is not None:
        # The last block may begin just before the time is over.
        tests = duration_seconds(spec.decide.max_duration) + tests / MOST_BLOCKS
    return RUN_ALLOWANCE_SECONDS + tests


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
        phases=plan_phases(test, resolved("concurrency"), field_path),
        target=test.target or spec.target,
        thresholds=tuple(test.thresholds),
        profiles=tuple(spec.collect.profiles),
        profile_window_seconds=duration_seconds(window) if window else None,
        keeps_rgds=test.workload.keep_rgds,
    )
    check_own_rgd(test, plan.created_at_most, field_path)
    return replace(plan, visits=(plan.most_iterations,))


DEFAULT_MAX_OBJECTS = 50_000

TOO_MANY_OBJECTS = "TooManyObjects"
INVALID_SPEC = "InvalidSpec"


def objects_at_once(test: TestPlan, *, drawn: bool = True) -> int:
    """Return how many objects an iteration has at its peak.

    These are its RGDs, its instances, what kro creates for each instance, prerequisites and the
    ballast. A collection (forEach) in an RGD of the user's own counts as one object, as its size is
    not known. If random choices are not ``drawn``, the result is the fewest that they allow.
    """
    workload = test.workload
    instances = peak_instances(test.phases, drawn=drawn) * (1 + children(workload))
    return instances + workload.rgds + test.prerequisite_count + test.ballast.crds


def check_objects(
    tests: Iterable[TestPlan], max_objects: int, *, drawn: bool = True
) -> list[ErrorInfo]:
    """Return which tests would have more than ``max_objects`` objects at once.

    If random choices are not ``drawn``, only those that would whatever is drawn.
    """
    return [
        ErrorInfo(
            reason=TOO_MANY_OBJECTS,
            message=f"test {test.name} would create {count} objects at once "
            f"({peak_instances(test.phases, drawn=drawn)} instances with "
            f"{children(test.workload)} children each, {test.workload.rgds} RGDs, "
            f"{test.prerequisite_count} prerequisites, {test.ballast.crds} CRDs of ballast), and "
            f"{max_objects} are allowed: lower "
            f"spec.{test.field_prefix}workload.instances, or have the operator's chart value "
            "load.maxObjects raised",
        )
        for test in tests
        if (count := objects_at_once(test, drawn=drawn)) > max_objects
    ]


def check_schedules(tests: Iterable[TestPlan], *, drawn: bool = True) -> list[ErrorInfo]:
    """Return which tests could not end within their timeout, as requests or children come later.

    If random choices are not ``drawn``, only those that could not whatever is drawn.
    """
    errors = []
    for test in tests:
        needed = sum(phase.last_seconds(drawn=drawn) or 0.0 for phase in test.phases)
        if needed >= test.timeout_seconds:
            operations = sum(phase.count.operations.least for phase in test.phases)
            errors.append(
                ErrorInfo(
                    reason=INVALID_SPEC,
                    message=f"spec.{test.field_prefix}load: the last of {operations} "
                    f"operations would be sent after {needed:.4g}s, and the timeout is "
                    f"{test.timeout_seconds:g}s: raise spec.{test.field_prefix}timeout, or "
                    "ask for a higher rate or fewer instances",
                )
            )
        delay = test.cloud.delay_seconds if test.cloud is not None else 0.0
        if delay >= test.timeout_seconds:
            errors.append(
                ErrorInfo(
                    reason=INVALID_SPEC,
                    message=f"spec.{test.field_prefix}workload.cloud: an instance takes at least "
                    f"{delay:.4g}s, and the timeout is {test.timeout_seconds:g}s: raise "
                    f"spec.{test.field_prefix}timeout, or lower resources or readyAfter",
                )
            )
    return errors
