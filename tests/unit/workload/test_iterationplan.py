import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.workload.plans import RUN, first_plan, suite

from krobench.api.common import LOAD_GROUP, RUN_LABEL
from krobench.api.specs.workload.workload import Scenario
from krobench.workload.blueprint import WorkloadError
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.testplan import plan_tests


@given(instances=st.integers(1, 200), rgds=st.integers(1, 50), index=st.integers(0, 5))
def test_instances_are_spread_evenly_and_named_apart(instances: int, rgds: int, index: int) -> None:
    rgds = min(rgds, instances)
    workload = {"scenario": "wide", "instances": instances, "rgds": rgds}
    plan = plan_iteration(RUN, plan_tests(suite(test={"workload": workload}))[0], index)
    shares = [len(rgd.instances) for rgd in plan.rgds]
    assert sum(shares) == plan.instance_count == instances
    assert max(shares) - min(shares) <= 1
    names = [item["metadata"]["name"] for rgd in plan.rgds for item in rgd.instances]
    assert len(set(names)) == instances
    assert len({rgd.kind for rgd in plan.rgds}) == rgds


def test_equal_arguments_give_equal_objects() -> None:
    test = plan_tests(suite())[0]
    assert plan_iteration(RUN, test, 1) == plan_iteration(RUN, test, 1)


@pytest.mark.parametrize("scenario", list(Scenario))
def test_everything_of_a_run_can_be_found_by_label_or_prefix(scenario: Scenario) -> None:
    workload = {"scenario": scenario, "instances": 2}
    plan = first_plan(workload)
    for rgd in plan.rgds:
        assert rgd.name.startswith(RUN.prefix)
        assert rgd.group == LOAD_GROUP
        for item in (rgd.manifest, *rgd.instances):
            assert item["metadata"]["labels"][RUN_LABEL] == RUN.uid


def test_values_are_laid_over_the_scenarios_own() -> None:
    workload = {"scenario": "web-app", "instances": 1, "values": {"replicas": 3}}
    plan = first_plan(workload)
    assert plan.rgds[0].instances[0]["spec"]["replicas"] == 3
    assert plan.rgds[0].instances[0]["spec"]["ingressEnabled"] is True


def test_an_rgd_of_ones_own_keeps_its_kind_and_group() -> None:
    inline = {"spec": {"schema": {"kind": "App", "group": "acme.io"}, "resources": []}}
    workload = {"rgd": {"inline": inline}, "instances": 1, "values": {"size": 2}}
    rgd = first_plan(workload).rgds[0]
    assert (rgd.kind, rgd.group) == ("App", "acme.io")
    assert rgd.instances[0]["apiVersion"] == "acme.io/v1alpha1"
    assert "metadata" not in inline, "the user's spec was changed"


def test_an_rgd_without_a_kind_is_refused_with_the_fields_path() -> None:
    workload = {"rgd": {"inline": {"spec": {}}}, "instances": 1}
    test = plan_tests(suite(test={"workload": workload}))[0]
    with pytest.raises(WorkloadError, match=r"tests\[0\]\.workload\.rgd\.inline\.spec\.schema"):
        plan_iteration(RUN, test, 0)


def test_profiles_take_one_more_iteration_that_is_not_summarised() -> None:
    defaults = {"iterations": 2, "warmup": 1}
    [plan] = plan_tests(suite(defaults=defaults, collect={"profiles": ["cpu"]}))
    assert (plan.total_iterations, plan.profiled_index) == (3, 3)
    iterations = [plan_iteration(RUN, plan, index) for index in range(4)]
    assert [item.profiled for item in iterations] == [False, False, False, True]
    assert [item.warmup for item in iterations] == [True, False, False, True]
    [plain] = plan_tests(suite(defaults=defaults))
    assert plain.profiles == ()
