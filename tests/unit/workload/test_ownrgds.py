"""Several RGDs of a user's own: found, ordered, linked, counted and copied."""

from typing import Any

import pytest
from unit.workload.plans import RUN, suite

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.yaml import dump
from krobench.workload.blueprint import Manifest, WorkloadError
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.source import children, with_rgds_inline
from krobench.workload.testplan import plan_tests

NAME = "${schema.metadata.name}"


def rgd(kind: str, *used: str, group: str | None = None, version: str = "v1alpha1") -> Manifest:
    """Return an RGD with a ConfigMap, and an instance of each of these kinds."""
    schema: Manifest = {"kind": kind, "apiVersion": version}
    if group is not None:
        schema["group"] = group
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}}
    templates = [plain]
    for each in used:
        api_version, _, of = each.rpartition("/")
        templates.append({"apiVersion": api_version, "kind": of, "metadata": {"name": NAME}})
    resources = [{"id": f"r{at}", "template": each} for at, each in enumerate(templates)]
    about = {"kind": "ResourceGraphDefinition", "metadata": {"name": kind.lower()}}
    return about | {"spec": {"schema": schema, "resources": resources}}


OUTER = rgd("Outer", "kro.run/v1alpha1/Middle", "kro.run/v1alpha1/Inner")
MIDDLE = rgd("Middle", "kro.run/v1alpha1/Inner")
INNER = rgd("Inner")


def spec(outer: Manifest, *required: Manifest, **workload: Any) -> KroBenchmarkSpec:
    source = {"inline": outer, "requires": [{"inline": each} for each in required]}
    return suite(test={"workload": {"rgd": source, "instances": 2} | workload})


def planned(spec: KroBenchmarkSpec) -> IterationPlan:
    return plan_iteration(RUN, plan_tests(spec)[0], 0)


def test_rgds_are_created_after_those_whose_kinds_they_use() -> None:
    plan = planned(spec(OUTER, MIDDLE, INNER))
    assert [[rgd.kind for rgd in stage] for stage in plan.stages] == [
        ["Inner"],
        ["Middle"],
        ["Outer"],
    ]
    assert {each["kind"] for each in plan.targets[0].instances} == {"Outer"}
    assert len({rgd.name for rgd in plan.rgds}) == 3


def test_templates_name_the_kinds_in_the_group_of_the_run_and_carry_its_labels() -> None:
    plan = planned(spec(OUTER, MIDDLE, INNER))
    _, middle, inner = plan.rgds[-1].manifest["spec"]["resources"]
    for item, kind in ((middle, "Middle"), (inner, "Inner")):
        assert item["template"]["apiVersion"] == "load.bench.kro.run/v1alpha1"
        assert item["template"]["kind"] == kind
        assert item["template"]["metadata"]["labels"] == plan.labels
    plain = plan.rgds[-1].manifest["spec"]["resources"][0]
    assert "labels" not in plain["template"]["metadata"]


def test_rgds_that_were_exported_name_kros_default_group() -> None:
    exported = [
        rgd("Outer", "kro.run/v1alpha1/Inner", group="kro.run"),
        rgd("Inner", group="kro.run"),
    ]
    [test] = plan_tests(spec(*exported))
    plan = plan_iteration(RUN, test, 0)
    assert test.api_groups == {"load.bench.kro.run"}
    assert {each.manifest["spec"]["schema"]["group"] for each in plan.rgds} == test.api_groups
    inner = plan.rgds[1].manifest["spec"]["resources"][1]["template"]
    assert inner["apiVersion"] == "load.bench.kro.run/v1alpha1"


def test_groups_of_ones_own_stay() -> None:
    inner = rgd("Inner", group="parts.example.org", version="v1")
    [test] = plan_tests(spec(rgd("Outer", "parts.example.org/v1/Inner"), inner))
    assert test.api_groups == {"load.bench.kro.run", "parts.example.org"}
    plan = plan_iteration(RUN, test, 0)
    assert plan.rgds[1].manifest["spec"]["resources"][1]["template"]["apiVersion"] == (
        "parts.example.org/v1"
    )


def test_nested_objects_are_counted() -> None:
    [test] = plan_tests(spec(OUTER, MIDDLE, INNER))
    # A ConfigMap; a Middle with a ConfigMap, and an Inner with a ConfigMap; an Inner with one.
    assert children(test.workload) == 1 + (1 + 1 + 2) + 2


def test_copies_of_several_rgds_use_each_others_kinds() -> None:
    plan = planned(spec(OUTER, MIDDLE, INNER, rgds=2))
    assert sorted(rgd.kind for rgd in plan.rgds) == [
        "Inner0", "Inner1", "Middle0", "Middle1", "Outer0", "Outer1",
    ]  # fmt: skip
    for each in plan.targets:
        used = [item["template"]["kind"] for item in each.manifest["spec"]["resources"]]
        assert used == ["ConfigMap", f"Middle{each.kind[-1]}", f"Inner{each.kind[-1]}"]


@pytest.mark.parametrize(
    ("outer", "required"),
    [
        (rgd("A", "kro.run/v1alpha1/B"), [rgd("B"), rgd("B")]),
        (rgd("A"), [rgd("B", "kro.run/v1alpha1/A")]),
        (rgd("A"), [rgd("B", "kro.run/v1alpha1/C"), rgd("C", "kro.run/v1alpha1/B")]),
    ],
)
def test_rgds_that_cannot_be_created_together_are_refused(
    outer: Manifest, required: list[Manifest]
) -> None:
    with pytest.raises(WorkloadError, match=r"tests\[0\].workload.rgd.requires"):
        planned(spec(outer, *required))


def from_config_map(*manifests: Manifest) -> KroBenchmarkSpec:
    source = {"configMapKeyRef": {"name": "rgds", "key": "all.yaml"}}
    referring = suite(test={"workload": {"rgd": source, "instances": 2}})
    data = {"all.yaml": "---\n".join(map(dump, manifests))}
    return with_rgds_inline(referring, {"rgds": {"data": data}}, "team")


def test_a_key_may_have_all_rgds_in_any_order() -> None:
    together = planned(spec(OUTER, MIDDLE, INNER))
    for order in ((OUTER, MIDDLE, INNER), (INNER, OUTER, MIDDLE)):
        found = planned(from_config_map(*order))
        assert [rgd.manifest for rgd in found.rgds] == [rgd.manifest for rgd in together.rgds]


def test_rgds_of_a_key_of_which_none_uses_the_others_are_refused_by_name() -> None:
    with pytest.raises(WorkloadError, match=r"Outer, Other"):
        from_config_map(rgd("Outer"), rgd("Other"))


def test_a_required_rgd_may_be_in_a_config_map() -> None:
    required = {"configMapKeyRef": {"name": "rgds", "key": "inner.yaml"}}
    source = {"inline": rgd("Outer", "kro.run/v1alpha1/Inner"), "requires": [required]}
    referring = suite(test={"workload": {"rgd": source, "instances": 2}})
    read = with_rgds_inline(referring, {"rgds": {"data": {"inner.yaml": dump(INNER)}}}, "team")
    assert [rgd.kind for rgd in planned(read).rgds] == ["Inner", "Outer"]
    with pytest.raises(WorkloadError, match=r"requires\[0\].configMapKeyRef"):
        with_rgds_inline(referring, {}, "team")
