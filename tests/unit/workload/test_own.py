import re
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from unit.workload.plans import RUN, first_plan, suite

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.workload.blueprint import WorkloadError
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.source import with_rgds_inline
from krobench.workload.testplan import longest_run_seconds, plan_tests

RGD = """
apiVersion: kro.run/v1alpha1
kind: ResourceGraphDefinition
metadata: {name: app}
spec:
  schema: {apiVersion: v1alpha1, kind: App}
  resources: []
"""


def referring(**ref: Any) -> KroBenchmarkSpec:
    source = {"configMapKeyRef": {"name": "rgds", "key": "app.yaml"} | ref}
    return suite(test={"workload": {"rgd": source, "instances": 3}})


def config_map(text: str) -> dict[str, Any]:
    return {"rgds": {"data": {"app.yaml": text}}}


def test_an_rgd_of_a_config_map_is_planned_like_one_of_the_spec() -> None:
    spec = with_rgds_inline(referring(), config_maps=config_map(RGD), namespace="team")
    [rgd] = plan_iteration(RUN, plan_tests(spec)[0], 0).rgds
    assert rgd.kind == "App"
    assert rgd.name.startswith(RUN.prefix)
    assert len(rgd.instances) == 3


def test_the_time_of_a_run_is_known_before_its_rgd_is_read() -> None:
    assert longest_run_seconds(referring()) > longest_run_seconds(suite())


@pytest.mark.parametrize(
    ("config_maps", "message"),
    [
        ({}, ".name: ConfigMap team/rgds does not exist"),
        ({"rgds": {}}, ".key: ConfigMap team/rgds has no key app.yaml"),
        ({"rgds": {"data": {"other": ""}}}, ".key: ConfigMap team/rgds has no key app.yaml"),
        (config_map("a: b: c"), ": key app.yaml of ConfigMap team/rgds must be YAML of one object"),
        (
            config_map("a: ["),
            "must be YAML of one object: line 1, column 5: expected the node content",
        ),
        (
            config_map(RGD + "---" + RGD),
            ": key app.yaml of ConfigMap team/rgds must be YAML of one",
        ),
        (config_map("- a list"), ": key app.yaml of ConfigMap team/rgds must be a ResourceGraph"),
        (config_map("kind: ConfigMap"), "team/rgds must be a ResourceGraphDefinition"),
        (config_map(RGD.replace("kind: App", "a: b")), "spec.schema.kind: must be set"),
        (
            config_map(RGD.replace("resources: []", "resources: {}")),
            "spec.resources: must be a list",
        ),
        (config_map(RGD.replace("kind: Resource", "kind: X")), "must be a ResourceGraphDefinition"),
    ],
)
def test_a_config_map_without_an_rgd_is_refused_by_name(
    config_maps: dict[str, Any], message: str
) -> None:
    with pytest.raises(WorkloadError, match=re.escape(message)) as raised:
        with_rgds_inline(referring(), config_maps, "team")
    assert str(raised.value).startswith("tests[0].workload.rgd.configMapKeyRef")


@pytest.mark.parametrize(
    "source",
    [{}, {"inline": yaml.safe_load(RGD), "configMapKeyRef": {"name": "rgds", "key": "app.yaml"}}],
)
def test_an_rgd_has_exactly_one_source(source: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of inline and configMapKeyRef"):
        suite(test={"workload": {"rgd": source, "instances": 1}})


def test_values_vary_by_the_index_over_all_rgds() -> None:
    values = {"name": "tenant-{{index}}", "tags": ["a", {"t": "{{index}}/{{index}}"}], "size": 3}
    workload = {"scenario": "single", "instances": 5, "rgds": 2, "values": values}
    plan = first_plan(workload)
    specs = [plan.instance(index)[1]["spec"] for index in range(5)]
    assert [spec["name"] for spec in specs] == [f"tenant-{index}" for index in range(5)]
    assert specs[4]["tags"] == ["a", {"t": "4/4"}]
    assert specs[4]["size"] == 3
