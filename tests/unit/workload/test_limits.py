from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.suite.load import Load
from krobench.workload.arrivals import last_arrival_seconds, schedule
from krobench.workload.limits import check_objects, check_schedules, objects_at_once
from krobench.workload.testplan import TestPlan, plan_tests


def plans(*tests: dict[str, Any]) -> tuple[TestPlan, ...]:
    return plan_tests(KroBenchmarkSpec.model_validate({"tests": list(tests)}))


def test(name: str, instances: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "workload": {"scenario": "single", "instances": instances}} | more


test.__test__ = False  # type: ignore[attr-defined]


def by_rgd(resources: int) -> dict[str, Any]:
    schema = {"kind": "App"}
    inline = {"spec": {"schema": schema, "resources": [{}] * resources}}
    return {"name": "own", "workload": {"rgd": {"inline": inline}, "instances": 10}}


def test_instances_their_children_and_rgds_are_counted() -> None:
    [own] = plans(by_rgd(resources=4))
    assert objects_at_once(own) == 10 * (1 + 4) + 1
    assert check_objects([own], 51) == []
    [error] = check_objects([own], 50)
    assert error.reason == "TooManyObjects"
    for word in (
        "test own",
        "51 objects",
        "50 are allowed",
        "spec.tests[0].workload",
        "load.maxObjects",
    ):
        assert word in error.message


def test_a_schedule_that_outlasts_the_timeout_is_refused_by_its_field() -> None:
    load = {"arrival": "constant", "rate": 1}
    fine, long = plans(
        test("fine", 30, load=load, timeout="30s"), test("long", 31, load=load, timeout="30s")
    )
    assert check_schedules([fine]) == []
    [error] = check_schedules([fine, long])
    assert error.reason == "InvalidSpec"
    assert error.message.startswith("spec.tests[1].load: the last of 31 operations")
    assert "spec.tests[1].timeout" in error.message


def test_a_closed_loop_has_no_schedule() -> None:
    assert check_schedules(plans(test("closed", 10_000, timeout="1s"))) == []


@pytest.mark.parametrize(
    "load",
    [
        {"arrival": "constant", "rate": 7},
        {"arrival": "burst", "burst": {"size": 3, "interval": "2s"}},
        {"arrival": "ramp", "rate": 1, "toRate": 5, "rampDuration": "10s"},
    ],
)
@given(count=st.integers(1, 200), seed=st.integers(0, 100))
def test_the_last_arrival_is_that_of_the_schedule(
    load: dict[str, Any], count: int, seed: int
) -> None:
    for settings in (load, {"arrival": "poisson", "rate": 3, "seed": seed}):
        model = Load.model_validate(settings)
        times = schedule(model, count)
        assert times is not None
        assert last_arrival_seconds(model, count) == times[-1]
