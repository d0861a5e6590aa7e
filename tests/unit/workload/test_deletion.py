import pytest

from krobench.api.specs.workload import Scenario, Workload
from krobench.workload.deletion import goes_with_namespace

ELSEWHERE = {Scenario.MULTI_TENANT}


@pytest.mark.parametrize("scenario", Scenario)
def test_children_outside_of_the_namespace_of_their_instance_are_known(scenario: Scenario) -> None:
    assert goes_with_namespace(Workload(scenario=scenario)) == (scenario not in ELSEWHERE)


@pytest.mark.parametrize("complexity", ["simple", "medium", "complex"])
def test_all_that_the_generator_makes_goes_with_the_namespace(complexity: str) -> None:
    workload = Workload.model_validate({"generator": {"complexity": complexity}})
    assert goes_with_namespace(workload)


def test_prerequisites_must_not_go_with_the_namespace() -> None:
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    workload = Workload.model_validate({"scenario": "single", "prerequisites": [config_map]})
    assert not goes_with_namespace(workload)


def test_of_an_rgd_of_the_users_own_nothing_is_known() -> None:
    workload = Workload.model_validate(
        {"rgd": {"inline": {"spec": {"schema": {"kind": "App", "apiVersion": "v1"}}}}}
    )
    assert not goes_with_namespace(workload)
