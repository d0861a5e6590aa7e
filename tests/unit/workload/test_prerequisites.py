from typing import Any

import pytest
from pydantic import ValidationError
from unit.workload.plans import suite

from krobench.api.refusal import refusals
from krobench.workload.blueprint import WorkloadError
from krobench.workload.testplan import TestPlan, objects_at_once, plan_tests


def config_map(name: str = "settings", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name} | metadata}


def plan(*prerequisites: Any, **test: Any) -> TestPlan:
    workload = {"scenario": "single", "instances": 3, "prerequisites": [*prerequisites]}
    return plan_tests(suite(test={"workload": workload} | test))[0]


def names(test: TestPlan) -> list[str]:
    return [each.manifest["metadata"]["name"] for each in test.prerequisites]


def test_objects_keep_their_order_and_say_where_they_are_in_the_spec() -> None:
    test = plan(config_map("b"), config_map("a"))
    assert names(test) == ["b", "a"]
    assert [each.field for each in test.prerequisites] == [
        "tests[0].workload.prerequisites[0]",
        "tests[0].workload.prerequisites[1]",
    ]


def test_a_name_with_a_placeholder_makes_an_object_for_each_instance() -> None:
    test = plan(config_map("all") | {"data": {"at": "<index>"}}, config_map("of-<index+10>"))
    assert names(test) == ["all", "of-10", "of-11", "of-12"]
    assert next(each.manifest.get("data") for each in test.prerequisites) == {"at": "0"}


def test_instances_that_choose_the_same_name_share_an_object() -> None:
    assert names(plan(config_map("zone-<each:a,b>"))) == ["zone-a", "zone-b"]


def test_they_count_as_objects() -> None:
    more = objects_at_once(plan(config_map("one"), config_map("of-<index>")))
    assert more - objects_at_once(plan()) == 4


def test_what_a_cluster_has_added_is_left_out() -> None:
    given = config_map(uid="u", resourceVersion="3", labels={"a": "b", "kro.run/owned": "true"})
    [kept] = plan(given | {"status": {"x": 1}, "data": None}).prerequisites
    assert kept.manifest == config_map(labels={"a": "b"})


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        ({"kind": "ConfigMap", "metadata": {"name": "a"}}, "[0].apiVersion"),
        ({"apiVersion": "v1", "metadata": {"name": "a"}}, "[0].kind"),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, "[0].metadata"),
        (config_map() | {"metadata": {"labels": {}}}, "[0].metadata.name"),
        (config_map() | {"metadata": {"name": 3}}, "[0].metadata.name"),
        ("---", "[0]"),
    ],
)
def test_what_is_not_an_object_is_refused_by_its_field(manifest: Any, field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        plan(manifest)
    assert f"workload.prerequisites{field}" in refusals(raised.value)[0]


@pytest.mark.parametrize(
    ("manifests", "field"),
    [
        ([config_map() | {"apiVersion": "kro.run/v1", "kind": "ResourceGraphDefinition"}], "[0]"),
        ([config_map(namespace="other")], "[0].metadata.namespace"),
        ([config_map(), config_map()], "[1]"),
        (
            [config_map(namespace="new"), config_map("new") | {"kind": "Namespace"}],
            "[0].metadata.namespace",
        ),
    ],
)
def test_what_no_run_can_create_is_refused_by_its_field(
    manifests: list[dict[str, Any]], field: str
) -> None:
    with pytest.raises(WorkloadError, match=r"^tests\[0\]\.workload\.prerequisites") as raised:
        plan(*manifests)
    assert field in str(raised.value)


def test_an_object_may_be_in_the_tests_namespace_or_in_one_of_its_own() -> None:
    new = config_map("new") | {"kind": "Namespace"}
    plan(config_map(namespace="apps"), new, config_map(namespace="new"), namespace="apps")


def test_tests_in_one_namespace_share_only_what_is_alike() -> None:
    def two(second: dict[str, Any], namespace: str | None = None) -> None:
        workload = {"scenario": "single", "prerequisites": [config_map()]}
        test = {"name": "a", "workload": workload}
        other = {"name": "b", "workload": workload | {"prerequisites": [second]}}
        plan_tests(suite(tests=[test, other | ({"namespace": namespace} if namespace else {})]))

    two(config_map())
    two(config_map(labels={"a": "b"}), "elsewhere")
    with pytest.raises(WorkloadError, match=r"tests\[1\]\.workload\.prerequisites\[0\]"):
        two(config_map(labels={"a": "b"}))
