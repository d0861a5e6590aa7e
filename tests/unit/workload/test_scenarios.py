from pathlib import Path
from typing import Any

import pytest
from unit.workload.plans import first_plan

from krobench.api.common import RUN_LABEL
from krobench.api.specs.workload import Scenario
from krobench.workload.iterationplan import IterationPlan
from krobench.workload.scenarios import SCENARIOS

ROOT = Path(__file__).parents[3]


def scenario_plan(scenario: Scenario, **workload: Any) -> IterationPlan:
    return first_plan({"scenario": scenario, "instances": 4} | workload)


@pytest.mark.parametrize("scenario", list(Scenario))
def test_every_scenario_is_documented_as_it_describes_itself(scenario: Scenario) -> None:
    spec = SCENARIOS[scenario]
    text = (ROOT / "docs/reference/workloads.md").read_text()
    described, measured = text.split("### What they take")
    [line] = [line for line in described.splitlines() if line.startswith(f"| `{scenario}` |")]
    assert f"| `{scenario}` |" in measured
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == str(spec.children)
    assert cells[2] == spec.stands_for
    assert cells[3].split(",")[0] == spec.stresses.split(",")[0]


@pytest.mark.parametrize("scenario", list(Scenario))
def test_every_scenario_has_an_example(scenario: Scenario) -> None:
    examples = (ROOT / "manifests/examples").glob("*.yaml")
    assert any(f"scenario: {scenario}\n" in each.read_text() for each in examples)


@pytest.mark.parametrize("scenario", list(Scenario))
def test_ids_are_unique_in_each_rgd(scenario: Scenario) -> None:
    for rgd in scenario_plan(scenario).rgds:
        ids = [resource["id"] for resource in rgd.manifest["spec"]["resources"]]
        assert len(set(ids)) == len(ids)


def test_the_inner_rgd_of_a_platform_comes_first_and_has_no_instances() -> None:
    plan = scenario_plan(Scenario.PLATFORM, rgds=2)
    inner, outer = plan.stages
    assert len(inner) == len(outer) == 2
    assert [len(rgd.instances) for rgd in inner] == [0, 0]
    assert [len(rgd.instances) for rgd in outer] == [2, 2]
    assert plan.instance_count == 4


def test_each_outer_rgd_uses_the_kind_of_an_inner_one_of_its_own() -> None:
    inner, outer = scenario_plan(Scenario.PLATFORM, rgds=2).stages
    for below, above in zip(inner, outer, strict=True):
        templates = [item["template"] for item in above.manifest["spec"]["resources"]]
        used = {item["kind"] for item in templates if item["kind"] != "ConfigMap"}
        assert used == {below.kind}
        assert below.name.startswith(above.name)


def test_instances_that_are_children_carry_the_runs_label() -> None:
    plan = scenario_plan(Scenario.PLATFORM)
    resources = plan.stages[-1][0].manifest["spec"]["resources"]
    components = [r["template"] for r in resources if r["template"]["kind"] != "ConfigMap"]
    assert len(components) == 2
    for component in components:
        assert component["metadata"]["labels"][RUN_LABEL] == plan.run.uid
