"""The sizes of a scale test: which there are, and the test that measures each."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from krobench.api.notation import duration_seconds
from krobench.api.refusal import refusals
from krobench.api.specs.load import Arrival, Load, LoadPhase, Operation
from krobench.api.specs.scaletest import MAX_SIZES, Axis, KroScaleTestSpec, ScaleSizes
from krobench.api.specs.suite import Test
from krobench.api.specs.workload import Ballast, Workload
from krobench.findings.scaling import BeyondBudget, SizeRefused, SizesLeftOut, TooManyObjects
from krobench.workload.blueprint import WorkloadError
from krobench.workload.checks import check_own_rgd
from krobench.workload.generator import check, resolve
from krobench.workload.phases import peak_instances, plan_phases
from krobench.workload.prerequisites import check_prerequisites
from krobench.workload.testplan import (
    CLEANUP_ALLOWANCE_SECONDS,
    RUN_ALLOWANCE_SECONDS,
    VARIANT_START_SECONDS,
    Creator,
    Existing,
    TestPlan,
    check_schedules,
    objects_at_once,
)

ModelT = TypeVar("ModelT", bound=BaseModel)

_RATE_DIGITS = 4
"""Significant digits of a rate."""
_INCREMENTS = 10
_WORKLOAD = "workload"
_GENERATOR = "workload.generator"
_BALLAST = "workload.ballast"
_LOAD = "load"
_GENERATOR_FIELDS = {
    Axis.RESOURCES_PER_RGD: "resources",
    Axis.DEPENDENCY_DEPTH: "depth",
    Axis.CEL_EXPRESSIONS: "cel_expressions",
    Axis.COLLECTION_SIZE: "for_each_size",
}


Unusable = BeyondBudget | TooManyObjects | SizeRefused


@dataclass(frozen=True)
class Sizes:
    """The sizes of a scale test that may be run."""

    usable: tuple[float, ...]
    left_out: SizesLeftOut | None
    """The larger ones; None if all of the spec's may be run."""


def sizes_of(sizes: ScaleSizes, axis: Axis) -> tuple[float, ...]:
    """Return the sizes that a spec names, ascending; the last is always ``to``.

    There may be more than MAX_SIZES of them.
    """
    named = sizes.values if sizes.values is not None else _grown(sizes)
    return tuple(dict.fromkeys(rounded(size, axis) for size in named))


def usable_sizes(spec: KroScaleTestSpec, max_objects: int, *, drawn: bool = True) -> Sizes:
    """Return the sizes up to the first that must not be run.

    If random arrivals are not ``drawn``, a size whose schedule may be too long counts as usable.

    Raises:
        WorkloadError: if not even the smallest may be run, or there are too many.
    """
    sizes = sizes_of(spec.sizes, spec.axis)
    if len(sizes) > MAX_SIZES:
        raise WorkloadError(
            f"sizes: more than {MAX_SIZES} sizes lie between from and to: let them grow faster"
        )
    if spec.adds_at_once and not adds_alike(sizes):
        raise WorkloadError(
            "sizes: each size must add as many as the first has if sizes.cumulative is set with "
            "axis rgds or load.arrival burst, because how long these take depends on how many are "
            "added: set values such as [10, 20, 30], or growth linear with an increment equal to "
            "from"
        )
    usable: list[float] = []
    for size in sizes:
        why_not = why_unusable(spec, size, max_objects, drawn=drawn)
        if why_not is None:
            usable.append(size)
        elif usable:
            left = [other for other in sizes if other >= size]
            return Sizes(tuple(usable), SizesLeftOut(sizes=left, why=why_not))
        else:
            raise WorkloadError(
                f"sizes: the smallest size, {size:.12g}, cannot be run: {_refusal(why_not)}"
            )
    return Sizes(tuple(usable), None)


def why_unusable(
    spec: KroScaleTestSpec, size: float, max_objects: int, *, drawn: bool = True
) -> Unusable | None:
    """Return why a size must not be run, or None."""
    try:
        plan = plan_size(spec, 0, size)
    except WorkloadError as error:
        return SizeRefused(refusal=f"spec.{error}")
    instances, objects = peak_instances(plan.phases), objects_at_once(plan)
    if instances > spec.budget.max_instances:
        return BeyondBudget(instances=instances, most=spec.budget.max_instances)
    if objects > max_objects:
        return TooManyObjects(objects=objects, most=max_objects)
    late = check_schedules([plan], drawn=drawn)
    return SizeRefused(refusal=late[0].message) if late else None


def _refusal(why: Unusable) -> str:
    """Return the refusal of a spec of which no size can be run."""
    match why:
        case BeyondBudget():
            return f"spec.budget.maxInstances is {why.most}, and it has {why.instances} instances"
        case TooManyObjects():
            return (
                f"the chart value load.maxObjects is {why.most}, and it has {why.objects} objects"
            )
        case SizeRefused():
            return why.refusal


def plan_size(spec: KroScaleTestSpec, index: int, size: float) -> TestPlan:
    """Return the test that measures a size; ``index`` counts the sizes of a run.

    Raises:
        WorkloadError: if such a test is not possible.
    """
    workload = _workload(spec, size)
    concurrency = int(size) if spec.axis is Axis.CONCURRENCY else spec.concurrency
    load = _load(spec, size, workload)
    if spec.axis is Axis.CONCURRENCY and concurrency > workload.instances:
        raise WorkloadError(
            f"workload.instances is {workload.instances}: {concurrency} cannot be in flight at once"
        )
    name, window = f"{spec.axis.value}-{size:.12g}", spec.collect.profile_window
    # A test's own rules on its name are for users; only what is planned of it counts here.
    test = Test.model_construct(name=name, workload=workload, load=load, phases=[])
    check_own_rgd(test, workload.instances, "")
    check_prerequisites([(workload, spec.namespace, "workload")])
    return TestPlan(
        index=index,
        field_prefix="",
        name=name,
        variant=None,
        visits=(0,),
        workload=workload,
        iterations=0,
        precision=None,
        warmup=0,
        detects_warmup=False,
        concurrency=concurrency,
        timeout_seconds=duration_seconds(spec.timeout),
        namespace=spec.namespace,
        load=load,
        phases=plan_phases(test, concurrency, ""),
        target=spec.target,
        thresholds=tuple(spec.slo),
        profiles=tuple(spec.collect.profiles),
        profile_window_seconds=duration_seconds(window) if window else None,
        soak_seconds=spec.sizes.soak_seconds,
        steady_window_seconds=spec.steady_window_seconds,
        timeout_is_result=True,
    )


def on_top_of(
    spec: KroScaleTestSpec, plan: TestPlan, below: float | None, creator: Creator
) -> TestPlan:
    """Return the plan of a size on top of a smaller cumulative one.

    It creates what its size has more than ``below``, or everything if that is None, and leaves it
    in place. If instances are added to existing RGDs, ``creator`` created these.
    """
    existing = None
    if below is not None:
        smaller = _workload(spec, below)
        used_again = None if spec.axis is Axis.RGDS else creator
        existing = Existing(smaller.instances, smaller.rgds, used_again)
    return _creating(replace(plan, existing=existing, leaves_objects=True))


def standalone(plan: TestPlan) -> TestPlan:
    """Return the plan of a size that uses nothing of smaller sizes."""
    return _creating(replace(plan, existing=None, leaves_objects=False))


def _creating(plan: TestPlan) -> TestPlan:
    """Return a plan that creates those of its instances that do not exist."""
    added = plan.workload.instances - (plan.existing.instances if plan.existing else 0)
    create = LoadPhase(operation=Operation.CREATE, count=added)
    test = Test.model_construct(
        name=plan.name, workload=plan.workload, load=plan.load, phases=[create]
    )
    return replace(plan, phases=plan_phases(test, plan.concurrency, ""))


def fewest_observations(spec: KroScaleTestSpec, sizes: Sequence[float]) -> tuple[int, int]:
    """Return the fewest instances and RGDs that an iteration of these sizes creates."""
    workloads = [_workload(spec, size) for size in sizes]
    first = workloads[0]
    if not spec.sizes.cumulative:
        return first.instances, first.rgds
    added = [
        (larger.instances - smaller.instances, larger.rgds - smaller.rgds)
        for smaller, larger in pairwise(workloads)
    ]
    counts = [(first.instances, first.rgds), *added]
    return min(instances for instances, _ in counts), min(rgds for _, rgds in counts)


def longest_scale_seconds(spec: KroScaleTestSpec) -> float:
    """Return the longest time that a run of this spec can take if nothing is wrong.

    The budget ends the search at any point; after that, only the last size soaks and is deleted,
    and kro is profiled and restored.
    """
    largest = max(
        (
            (plan := plan_size(spec, 0, size)).deletion_timeout_seconds + plan.ballast_seconds
            for size in sizes_of(spec.sizes, spec.axis)[:MAX_SIZES]
            if why_unusable(spec, size, sys.maxsize, drawn=False) is None
        ),
        default=0.0,
    )
    profiling = duration_seconds(spec.timeout) + largest if spec.collect.profiles else 0.0
    variants = VARIANT_START_SECONDS if spec.verify else 0.0
    allowances = RUN_ALLOWANCE_SECONDS + CLEANUP_ALLOWANCE_SECONDS + variants
    return spec.budget.duration_seconds + spec.sizes.soak_seconds + largest + profiling + allowances


def _workload(spec: KroScaleTestSpec, size: float) -> Workload:
    workload = spec.workload
    if spec.axis is Axis.INSTANCES:
        return _changed(workload, _WORKLOAD, instances=int(size))
    if spec.axis is Axis.RGDS:
        each = workload.instances / workload.rgds
        instances = max(int(size), round(size * each))
        return _changed(workload, _WORKLOAD, rgds=int(size), instances=instances)
    if spec.axis is Axis.CRDS:
        ballast = _changed(workload.ballast or Ballast(), _BALLAST, crds=int(size))
        return _changed(workload, _WORKLOAD, ballast=ballast)
    if spec.axis in _GENERATOR_FIELDS:
        assert workload.generator is not None
        fields = {_GENERATOR_FIELDS[spec.axis]: int(size)}
        generator = _changed(workload.generator, _GENERATOR, **fields)
        check(generator, resolve(generator), _GENERATOR)
        return _changed(workload, _WORKLOAD, generator=generator)
    return workload


def _load(spec: KroScaleTestSpec, size: float, workload: Workload) -> Load:
    """Return the load; a burst that was the whole of it still is."""
    load = spec.load
    if spec.axis is Axis.ARRIVAL_RATE:
        return _changed(load, _LOAD, rate=size)
    if load.arrival is Arrival.BURST:
        assert load.burst is not None
        if load.burst.size >= spec.workload.instances:
            burst = _changed(load.burst, f"{_LOAD}.burst", size=workload.instances)
            return _changed(load, _LOAD, burst=burst)
    return load


def _changed(model: ModelT, path: str, **fields: Any) -> ModelT:
    """Return the model, which is the spec's field at ``path``, with other values, checked.

    Raises:
        WorkloadError: if they are out of their bounds.
    """
    values = {name: getattr(model, name) for name in model.model_fields_set}
    try:
        return type(model).model_validate(values | fields)
    except ValidationError as error:
        raise WorkloadError(refusals(error, path)[0]) from error


def way_to(size: float, sizes: Sequence[float]) -> tuple[float, ...]:
    """Return the cumulative sizes that lead to this one, which is the last.

    What a size shows depends on how much it adds, so each size is always added to the same smaller
    one. The way to a size has all smaller sizes of the spec, except those closer than the spec's
    smallest difference: a size of the search then adds no less, and has as many observations.

    ``sizes`` are those of the spec, ascending.
    """
    least = min((high - low for low, high in pairwise(sizes)), default=0.0)
    return (*(below for below in sizes if below < size and below <= size - least), size)


def adds_alike(sizes: Sequence[float]) -> bool:
    """Whether each size, including the first, adds as much as any other."""
    return len({high - low for low, high in pairwise((0.0, *sizes))}) == 1


def next_upon(built: Sequence[float], size: float, sizes: Sequence[float]) -> float | None:
    """Return the next size on the way to a size, on top of those that are built.

    None if these do not lie on its way, so they must be taken down first.
    """
    way = way_to(size, sizes)
    on_the_way = len(built) < len(way) and tuple(built) == way[: len(built)]
    return way[len(built)] if on_the_way else None


def _grown(sizes: ScaleSizes) -> Iterator[float]:
    assert sizes.from_ is not None
    assert sizes.to is not None
    size = sizes.from_
    increment = sizes.increment or (sizes.to - sizes.from_) / _INCREMENTS
    number = 0
    while size < sizes.to and number <= MAX_SIZES:
        yield size
        number += 1
        if sizes.growth == "geometric":
            size = sizes.from_ * sizes.factor**number
        else:
            size = sizes.from_ + increment * number
    yield sizes.to


def rounded(size: float, axis: Axis) -> float:
    if axis.whole:
        return float(max(1, round(size)))
    return float(f"{size:.{_RATE_DIGITS}g}")
