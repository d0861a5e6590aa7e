from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.findings.scaling import BeyondBudget, SizeRefused, TooManyObjects
from krobench.program.sizes import (
    fewest_observations,
    longest_scale_seconds,
    on_top_of,
    plan_size,
    standalone,
    usable_sizes,
)
from krobench.workload.blueprint import WorkloadError
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.testplan import Creator

RUN = RunRef(RunKind.SCALE_TEST, "default", "far", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")


def spec_of(axis: str, **fields: Any) -> KroScaleTestSpec:
    workload = {"scenario": "single"} | fields.pop("workload", {})
    if "generator" in workload:
        del workload["scenario"]
    spec = {
        "axis": axis,
        "sizes": {"from": 1, "to": 64},
        "slo": ["errors.total == 0"],
        "workload": workload,
    }
    return KroScaleTestSpec.model_validate(spec | fields)


def test_each_size_is_a_test() -> None:
    plan = plan_size(spec_of("instances", concurrency=7), 3, 50)
    assert (plan.name, plan.index, plan.concurrency) == ("instances-50", 3, 7)
    assert (plan.workload.instances, plan.created_instances) == (50, 50)
    assert plan_iteration(RUN, plan, 0).instance_count == 50


@pytest.mark.parametrize(
    ("interval", "window", "samples"),
    [("200ms", 20, 1.2), ("5s", 30, 30), ("3.7s", 22.2, 22.2)],
)
def test_a_size_soaks_until_kro_is_steady_over_some_samples(
    interval: str, window: float, samples: float
) -> None:
    named = {"from": 1, "to": 64, "soak": f"{window}s"}
    collect = {"interval": interval}
    plan = plan_size(spec_of("instances", sizes=named, collect=collect), 0, 2)
    assert (plan.soak_seconds, plan.steady_window_seconds) == (window, None)
    steady = named | {"soakUntil": "Steady"}
    plan = plan_size(spec_of("instances", sizes=steady, collect=collect), 0, 2)
    assert (plan.soak_seconds, plan.steady_window_seconds) == (window, samples)
    with pytest.raises(ValueError, match="too short for soakUntil Steady"):
        spec_of("instances", sizes=steady | {"soak": f"{window - 0.1:g}s"}, collect=collect)
    with pytest.raises(ValueError, match="too short for soakUntil Steady"):
        spec_of("instances", sizes=steady | {"soak": "0s"}, collect=collect)


def test_a_soak_at_the_end_of_the_budget_has_its_time() -> None:
    spec = spec_of("instances")
    soaked = spec_of("instances", sizes={"from": 1, "to": 64, "soak": "1h"})
    assert longest_scale_seconds(soaked) == longest_scale_seconds(spec) + 3600


@pytest.mark.parametrize(("instances", "rgds", "size", "expected"), [(1, 1, 8, 8), (30, 3, 8, 80)])
def test_each_rgd_keeps_its_instances(instances: int, rgds: int, size: int, expected: int) -> None:
    workload = {"instances": instances, "rgds": rgds}
    plan = plan_size(spec_of("rgds", workload=workload), 0, size)
    assert (plan.workload.rgds, plan.workload.instances) == (size, expected)


@pytest.mark.parametrize(
    ("axis", "field", "size"),
    [
        ("resourcesPerRGD", "resources", 20),
        ("dependencyDepth", "depth", 5),
        ("celExpressions", "cel_expressions", 12),
        ("collectionSize", "for_each_size", 9),
    ],
)
def test_an_axis_of_the_generator_is_a_setting_of_it(axis: str, field: str, size: int) -> None:
    generator = {"resources": 10, "seed": 3}
    plan = plan_size(spec_of(axis, workload={"generator": generator}), 0, size)
    assert plan.workload.generator is not None
    assert getattr(plan.workload.generator, field) == size
    assert plan.workload.generator.seed == 3


@given(
    axis=st.sampled_from(["instances", "rgds"]),
    rgds=st.integers(1, 5),
    each=st.integers(1, 4),
    sizes=st.lists(st.integers(5, 60), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_cumulative_sizes_add_up_to_the_whole(
    axis: str, rgds: int, each: int, sizes: list[int]
) -> None:
    workload = {"scenario": "wide", "instances": rgds * each, "rgds": rgds}
    named = {"values": sizes, "cumulative": True}
    spec = spec_of(axis, workload=workload, sizes=named, search={"refine": False})
    below, made = None, []
    for index, size in enumerate(sizes):
        plan = on_top_of(spec, plan_size(spec, index, size), below, Creator(0, 1))
        assert plan.leaves_objects
        iteration = plan_iteration(RUN, plan, 1)
        assert iteration.has_rgds_already == (axis == "instances" and below is not None)
        # As they are sent: each by its place in the order of creation.
        sent = [iteration.instance(number)[1] for number in range(plan.created_instances)]
        assert len(sent) == iteration.instance_count
        made += sent
        below = size
    whole = plan_size(spec, 0, sizes[-1])
    assert len(made) == whole.workload.instances
    assert len({(item["kind"], item["metadata"]["name"]) for item in made}) == len(made)
    assert len({item["kind"] for item in made}) == whole.workload.rgds
    shares = Counter(item["kind"] for item in made).values()
    assert max(shares) - min(shares) <= 1


def test_instances_that_exist_at_once_have_different_indexes() -> None:
    workload = {"instances": 4, "rgds": 2, "values": {"name": "v{{index}}"}}
    for axis in ("instances", "rgds"):
        named = {"values": [2, 5], "cumulative": True}
        spec = spec_of(axis, workload=workload, sizes=named, search={"refine": False})
        first = on_top_of(spec, plan_size(spec, 0, 2), None, Creator(0, 0))
        second = on_top_of(spec, plan_size(spec, 1, 5), 2, Creator(0, 0))
        plans = [plan_iteration(RUN, plan, 0) for plan in (first, second)]
        items = [item for plan in plans for rgd in plan.rgds for item in rgd.instances]
        names = {item["spec"]["name"] for item in items}
        assert names == {f"v{number}" for number in range(len(items))}


def test_a_cumulative_size_can_be_planned_alone() -> None:
    spec = spec_of("instances", sizes={"values": [10, 40], "cumulative": True})
    alone = plan_size(spec, 1, 40)
    upon = on_top_of(spec, alone, 10, Creator(0, 0))
    assert (alone.created_instances, upon.created_instances) == (40, 30)
    assert upon.deletion_timeout_seconds == alone.deletion_timeout_seconds
    assert standalone(upon) == standalone(alone)
    assert not standalone(upon).leaves_objects


@pytest.mark.parametrize(
    ("axis", "keep", "fewest"),
    [
        ("instances", False, (100, 2)),
        ("instances", True, (20, 0)),
        ("rgds", False, (500, 100)),
        ("rgds", True, (100, 20)),
    ],
)
def test_the_fewest_observations_are_of_the_smallest_addition(
    axis: str, keep: bool, fewest: tuple[int, int]
) -> None:
    named = {"values": [100, 120, 200], "cumulative": keep}
    workload = {"instances": 10, "rgds": 2}
    spec = spec_of(axis, workload=workload, sizes=named, search={"refine": False})
    assert fewest_observations(spec, [100, 120, 200]) == fewest


@pytest.mark.parametrize(
    ("axis", "workload", "field"),
    [
        ("concurrency", {"instances": 100}, "sizes.cumulative"),
        ("rgds", {"instances": 3, "rgds": 2}, "workload.instances"),
        ("rgds", {"instances": 2, "rgds": 2}, "search.refine"),
    ],
)
def test_sizes_that_cannot_be_cumulative_are_refused(
    axis: str, workload: dict[str, int], field: str
) -> None:
    with pytest.raises(ValidationError, match=field):
        spec_of(axis, workload=workload, sizes={"values": [1, 2], "cumulative": True})


@pytest.mark.parametrize(
    ("axis", "arrival", "sizes", "sound"),
    [
        ("instances", "closed", [10, 20, 40], True),
        ("instances", "burst", [10, 20, 40], False),
        ("instances", "burst", [10, 20, 30], True),
        ("rgds", "closed", [20, 30, 40], False),
    ],
)
def test_what_comes_all_at_once_is_added_in_equal_numbers(
    axis: str, arrival: str, sizes: list[int], sound: bool
) -> None:
    load: dict[str, Any] = {"arrival": arrival}
    if arrival == "burst":
        load["burst"] = {"size": 1, "interval": "1s"}
    named = {"values": sizes, "cumulative": True}
    spec = spec_of(axis, sizes=named, load=load, search={"refine": False})
    if sound:
        assert usable_sizes(spec, 1000).usable == tuple(sizes)
    else:
        with pytest.raises(WorkloadError, match="each size must add as many"):
            usable_sizes(spec, 1000)


def test_concurrency_and_rate_are_those_of_the_load() -> None:
    plan = plan_size(spec_of("concurrency", workload={"instances": 100}), 0, 16)
    assert (plan.concurrency, plan.created_instances) == (16, 100)
    load = {"arrival": "poisson", "rate": 1, "seed": 5}
    plan = plan_size(spec_of("arrivalRate", load=load), 0, 2.5)
    assert (plan.name, plan.load.rate, plan.load.seed) == ("arrivalRate-2.5", 2.5, 5)


@pytest.mark.parametrize(("burst", "expected"), [(10, 40), (50, 40), (4, 4)])
def test_a_burst_that_was_the_whole_load_still_is(burst: int, expected: int) -> None:
    load = {"arrival": "burst", "burst": {"size": burst, "interval": "5s"}}
    spec = spec_of("instances", load=load, workload={"instances": 10})
    plan = plan_size(spec, 0, 40)
    assert plan.load.burst is not None
    assert plan.load.burst.size == expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"axis": "instances", "budget": {"maxInstances": 10}},
            BeyondBudget(instances=16, most=10),
        ),
        (
            {"axis": "rgds", "workload": {"instances": 20, "rgds": 2}},
            TooManyObjects(objects=168, most=100),
        ),
        ({"axis": "concurrency", "workload": {"instances": 5}}, "workload.instances is 5"),
        (
            {"axis": "dependencyDepth", "workload": {"generator": {"resources": 5}}},
            "depth: must not exceed resources",
        ),
        (
            {"axis": "instances", "timeout": "5s", "load": {"arrival": "constant", "rate": 2}},
            "the timeout is 5s",
        ),
    ],
)
def test_sizes_from_the_first_that_may_not_be_run_are_left_out(
    fields: dict[str, Any], reason: BeyondBudget | TooManyObjects | str
) -> None:
    if fields["axis"] == "dependencyDepth":
        fields = fields | {"sizes": {"from": 2, "to": 64}}
    sizes = usable_sizes(spec_of(**fields), max_objects=100)
    assert sizes.usable[-1] < 64
    assert sizes.left_out is not None
    if isinstance(reason, str):
        assert isinstance(sizes.left_out.why, SizeRefused)
        assert reason in sizes.left_out.why.refusal
    else:
        assert sizes.left_out.why == reason
    assert sizes.left_out.sizes[-1] == 64
    assert sizes.usable[-1] < sizes.left_out.sizes[0]


def test_more_sizes_than_there_may_be_are_refused() -> None:
    spec = spec_of("instances", sizes={"from": 1, "to": 64, "growth": "linear", "increment": 1})
    with pytest.raises(WorkloadError, match="more than 32 sizes"):
        usable_sizes(spec, 50_000)


@given(st.integers(1, 500), st.integers(1, 40), st.integers(1, 500))
def test_instances_spread_over_all_rgds_whatever_the_size(
    instances: int, rgds: int, size: int
) -> None:
    spec = spec_of("rgds", workload={"instances": max(instances, rgds), "rgds": rgds})
    try:
        workload = plan_size(spec, 0, size).workload
    except WorkloadError:
        assert size * max(instances, rgds) / rgds > 10_000
        return
    assert workload.instances >= workload.rgds == size
