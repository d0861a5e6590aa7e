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
        (config_map("a: b: c"), ": key app.yaml of ConfigMap team/rgds must be YAML"),
        (
            config_map("a: ["),
            "must be YAML: line 1, column 5: expected the node content",
        ),
        (
            config_map(RGD + "---" + RGD),
            ": key app.yaml of ConfigMap team/rgds has 2 RGDs (kinds App, App)",
        ),
        (config_map("- a list"), ": key app.yaml of ConfigMap team/rgds must be a ResourceGraph"),
        (config_map("kind: ConfigMap"), "team/rgds must be a ResourceGraphDefinition"),
        (config_map(RGD.replace("kind: App", "a: b")), "spec.schema.kind: must be set"),
        (
            config_map(RGD.replace("resources: []", "resources: {}")),
            "spec.resources: must be a list",
        ),
        (config_map(RGD.replace("kind: Resource", "kind: X")), "must be a ResourceGraphDefinition"),
        (config_map("kind: A\n---\nkind: B"), "it has 2 objects"),
        (config_map("---\n---\n"), "it has 0 objects"),
        (config_map(RGD.replace("v1alpha1", "v1", 1)), "apiVersion: must be kro.run/v1alpha1"),
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


EXAMPLE = "apiVersion: kro.run/v1alpha1\nkind: App\nmetadata: {name: example}\n"


def own(text: str) -> dict[str, Any]:
    spec = with_rgds_inline(referring(), config_maps=config_map(text), namespace="team")
    [rgd] = plan_iteration(RUN, plan_tests(spec)[0], 0).rgds
    return rgd.manifest


@pytest.mark.parametrize(
    "text",
    [
        f"{RGD}---\n",
        f"---\n---\n{RGD}---\n# nothing\n---\n",
        f"{RGD}---\n{EXAMPLE}",
        f"{EXAMPLE}---\n{RGD}",
        yaml.safe_dump({"kind": "List", "items": [yaml.safe_load(EXAMPLE), yaml.safe_load(RGD)]}),
        RGD.replace("  resources: []\n", ""),
        RGD.replace("resources: []", "resources: null"),
        RGD.replace("kind: ResourceGraphDefinition", "kind:"),
    ],
)
def test_the_rgd_is_found_in_a_file_as_people_keep_it(text: str) -> None:
    assert own(text)["spec"] == own(RGD)["spec"]


def test_what_servers_and_tools_added_to_an_rgd_is_left_out() -> None:
    manifest = yaml.safe_load(RGD)
    manifest["status"] = {"state": "Active"}
    manifest["metadata"] |= {
        "uid": "u",
        "resourceVersion": "1",
        "generation": 3,
        "creationTimestamp": None,
        "finalizers": ["kro.run/finalizer"],
        "managedFields": [{"manager": "kubectl"}],
        "ownerReferences": [{"kind": "Application"}],
        "labels": {
            "team": "a",
            "app.kubernetes.io/instance": "platform",
            "helm.sh/chart": "platform-1.0.0",
            "kustomize.toolkit.fluxcd.io/name": "platform",
            "gone": None,
        },
        "annotations": {
            "example.org/owner": "a",
            "argocd.argoproj.io/tracking-id": "platform:kro.run/ResourceGraphDefinition:/app",
            "meta.helm.sh/release-name": "platform",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
    }
    made, plain = own(yaml.safe_dump(manifest)), own(RGD)
    assert "status" not in made
    assert made["metadata"] == plain["metadata"] | {
        "labels": plain["metadata"]["labels"] | {"team": "a"},
        "annotations": {"example.org/owner": "a"},
    }


def test_null_is_absent_in_templates_and_left_to_kro_in_the_schema() -> None:
    manifest = yaml.safe_load(RGD)
    template = {
        "kind": "A",
        "metadata": {"creationTimestamp": None, "labels": None},
        "args": [None],
    }
    manifest["spec"]["resources"] = [{"id": "a", "template": template, "includeWhen": None}]
    manifest["spec"]["schema"]["spec"] = {"owner": None}
    spec = own(yaml.safe_dump(manifest))["spec"]
    assert spec["resources"] == [
        {"id": "a", "template": {"kind": "A", "metadata": {}, "args": [None]}}
    ]
    assert spec["schema"]["spec"] == {"owner": None}
