from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.workload.plans import suite

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.load import Load
from krobench.workload.arrivals import last_arrival_seconds, schedule
from krobench.workload.testplan import (
    TestPlan,
    check_objects,
    check_schedules,
    longest_run_seconds,
    objects_at_once,
    plan_tests,
)


def test_a_test_overrides_the_defaults_field_by_field() -> None:
    plans = plan_tests(
        suite(
            defaults={"iterations": 7, "timeout": "2m", "concurrency": 3},
            test={"iterations": 2, "namespace": "mine"},
        )
    )
    assert (plans[0].iterations, plans[0].timeout_seconds) == (2, 120.0)
    assert (plans[0].concurrency, plans[0].namespace) == (3, "mine")


def test_warm_up_of_zero_overrides_a_default_of_one() -> None:
    assert plan_tests(suite(test={"warmup": 0}))[0].warmup == 0


def test_a_run_is_given_more_time_than_its_timeouts() -> None:
    spec = suite(defaults={"iterations": 2, "warmup": 1, "timeout": "1m"})
    assert longest_run_seconds(spec) > 3 * 60


def plans_of_tests(*tests: dict[str, Any]) -> tuple[TestPlan, ...]:
    return plan_tests(KroBenchmarkSpec.model_validate({"tests": list(tests)}))


def a_test(name: str, instances: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "workload": {"scenario": "single", "instances": instances}} | more


def by_rgd(resources: int) -> dict[str, Any]:
    schema = {"kind": "App"}
    inline = {"spec": {"schema": schema, "resources": [{}] * resources}}
    return {"name": "own", "workload": {"rgd": {"inline": inline}, "instances": 10}}


def test_instances_their_children_and_rgds_are_counted() -> None:
    [own] = plans_of_tests(by_rgd(resources=4))
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
    fine, long = plans_of_tests(
        a_test("fine", 30, load=load, timeout="30s"), a_test("long", 31, load=load, timeout="30s")
    )
    assert check_schedules([fine]) == []
    [error] = check_schedules([fine, long])
    assert error.reason == "InvalidSpec"
    assert error.message.startswith("spec.tests[1].load: the last of 31 operations")
    assert "spec.tests[1].timeout" in error.message


def test_a_closed_loop_has_no_schedule() -> None:
    assert check_schedules(plans_of_tests(a_test("closed", 10_000, timeout="1s"))) == []


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
