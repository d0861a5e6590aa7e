from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.model.specs.scaletest import KroScaleTestSpec
from krobench.workload.blueprint import WorkloadError
from krobench.workload.identity import RunIdentity
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.scaleplan import plan_step, usable_sizes

RUN = RunIdentity("far", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")


def spec_of(axis: str, **fields: Any) -> KroScaleTestSpec:
    workload = {"scenario": "single"} | fields.pop("workload", {})
    if "generator" in workload:
        del workload["scenario"]
    spec = {
        "axis": axis,
        "steps": {"from": 1, "to": 64},
        "slo": ["errors.total == 0"],
        "workload": workload,
    }
    return KroScaleTestSpec.model_validate(spec | fields)


def test_a_step_is_a_test_of_its_size() -> None:
    plan = plan_step(spec_of("instances", concurrency=7), 3, 50)
    assert (plan.name, plan.index, plan.concurrency) == ("instances-50", 3, 7)
    assert (plan.workload.instances, plan.created_instances) == (50, 50)
    assert plan_iteration(RUN, plan, 0).instance_count == 50


@pytest.mark.parametrize(("instances", "rgds", "size", "expected"), [(1, 1, 8, 8), (30, 3, 8, 80)])
def test_each_rgd_keeps_its_instances(instances: int, rgds: int, size: int, expected: int) -> None:
    workload = {"instances": instances, "rgds": rgds}
    plan = plan_step(spec_of("rgds", workload=workload), 0, size)
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
    plan = plan_step(spec_of(axis, workload={"generator": generator}), 0, size)
    assert plan.workload.generator is not None
    assert getattr(plan.workload.generator, field) == size
    assert plan.workload.generator.seed == 3


def test_concurrency_and_rate_are_those_of_the_load() -> None:
    plan = plan_step(spec_of("concurrency", workload={"instances": 100}), 0, 16)
    assert (plan.concurrency, plan.created_instances) == (16, 100)
    load = {"arrival": "poisson", "rate": 1, "seed": 5}
    plan = plan_step(spec_of("arrivalRate", load=load), 0, 2.5)
    assert (plan.name, plan.load.rate, plan.load.seed) == ("arrivalRate-2.5", 2.5, 5)


@pytest.mark.parametrize(("burst", "expected"), [(10, 40), (50, 40), (4, 4)])
def test_a_burst_that_was_the_whole_load_still_is(burst: int, expected: int) -> None:
    load = {"arrival": "burst", "burst": {"size": burst, "interval": "5s"}}
    spec = spec_of("instances", load=load, workload={"instances": 10})
    plan = plan_step(spec, 0, 40)
    assert plan.load.burst is not None
    assert plan.load.burst.size == expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"axis": "instances", "budget": {"maxInstances": 10}}, "spec.budget.maxInstances is 10"),
        ({"axis": "rgds", "workload": {"instances": 20, "rgds": 2}}, "load.maxObjects is 100"),
        ({"axis": "concurrency", "workload": {"instances": 5}}, "workload.instances is 5"),
        ({"axis": "dependencyDepth", "workload": {"generator": {"resources": 5}}}, "depth is 8"),
        (
            {"axis": "instances", "timeout": "5s", "load": {"arrival": "constant", "rate": 2}},
            "the timeout is 5s",
        ),
    ],
)
def test_sizes_from_the_first_that_may_not_be_run_are_left_out(
    fields: dict[str, Any], reason: str
) -> None:
    if fields["axis"] == "dependencyDepth":
        fields = fields | {"steps": {"from": 2, "to": 64}}
    sizes = usable_sizes(spec_of(**fields), max_objects=100)
    assert sizes.usable[-1] < 64
    assert sizes.left_out is not None
    assert reason in sizes.left_out
    assert " 64 were left out" in sizes.left_out


def test_more_sizes_than_there_may_be_are_refused() -> None:
    spec = spec_of("instances", steps={"from": 1, "to": 64, "growth": "linear", "increment": 1})
    with pytest.raises(WorkloadError, match="more than 32 sizes"):
        usable_sizes(spec, 50_000)


@given(st.integers(1, 500), st.integers(1, 40), st.integers(1, 500))
def test_instances_spread_over_all_rgds_whatever_the_size(
    instances: int, rgds: int, size: int
) -> None:
    spec = spec_of("rgds", workload={"instances": max(instances, rgds), "rgds": rgds})
    try:
        workload = plan_step(spec, 0, size).workload
    except WorkloadError:
        assert size * max(instances, rgds) / rgds > 10_000
        return
    assert workload.instances >= workload.rgds == size
