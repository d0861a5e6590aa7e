"""Instances of users' own RGDs: what is generated, and what is refused before anything is made."""

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.workload.plans import RUN, suite

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.yaml import load
from krobench.workload.blueprint import Manifest, WorkloadError
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.testplan import plan_tests

BY_INSTANCE = "${schema.metadata.name}"


def config_map(name: str = BY_INSTANCE, **data: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def rgd(spec: Any, *templates: Manifest, **schema: Any) -> Manifest:
    resources = [{"id": f"r{at}", "template": each} for at, each in enumerate(templates)]
    if isinstance(spec, str):
        spec = load(spec)
    return {"spec": {"schema": {"kind": "App", "spec": spec} | schema, "resources": resources}}


def planned(manifest: Manifest, instances: int = 3, **workload: Any) -> IterationPlan:
    own = {"rgd": {"inline": manifest}, "instances": instances} | workload
    return plan_iteration(RUN, plan_tests(suite(test={"workload": own}))[0], 0)


def specs(manifest: Manifest, instances: int = 3, **workload: Any) -> list[Manifest]:
    plan = planned(manifest, instances, **workload)
    return [plan.instance(index)[1]["spec"] for index in range(instances)]


def names(manifest: Manifest, **workload: Any) -> list[str]:
    return [instance["name"] for instance in specs(manifest, **workload)]


@pytest.mark.parametrize(
    ("declared", "valid"),
    [
        ("string | required=true", lambda v: isinstance(v, str) and v),
        ("string | required=true minLength=30", lambda v: len(v) >= 30),
        ("string | required=true maxLength=3", lambda v: 0 < len(v) <= 3),
        ('string | required=true enum="small,large"', lambda v: v in ("small", "large")),
        (
            'string | required=true pattern="^[A-Z]{2}-[0-9]{3,4}(x|y)$"',
            lambda v: re.fullmatch("[A-Z]{2}-[0-9]{3,4}(x|y)", v),
        ),
        ("integer | required=true", lambda v: type(v) is int),
        ("integer | minimum=7 required=true maximum=9", lambda v: 7 <= v <= 9),
        ('integer | required=true enum="4,5"', lambda v: v in (4, 5)),
        ("float | required=true minimum=0.5", lambda v: v >= 0.5),
        ("boolean | required=true", lambda v: v is True),
        ("object | required=true", lambda v: v == {}),
        ("[]string | required=true minItems=2 uniqueItems=true", lambda v: len(set(v)) == 2),
        ("[]integer | required=true", lambda v: type(v[0]) is int),
        ("map[string]string | required=true", lambda v: v == {}),
        ("named", lambda v: set(v) == {"b"}),
        ("[]named | required=true", lambda v: set(v[0]) == {"b"}),
    ],
)
def test_required_fields_are_generated_by_their_schema(declared: str, valid: Any) -> None:
    named = {"a": "string", "b": "string | required=true"}
    manifest = rgd({"x": declared}, config_map(), types={"named": named})
    if declared == "named":
        manifest["spec"]["schema"]["spec"] = {"x": {"a": "string", "b": "string | required=true"}}
        manifest["spec"]["resources"][0]["template"]["data"] = {"b": "${schema.spec.x.b}"}
    found = specs(manifest)[0]["x"]
    assert valid(found), found


def test_optional_fields_and_defaults_are_left_to_kro() -> None:
    manifest = rgd("{a: string, b: string | default=x, c: {d: integer | default=1}}", config_map())
    assert specs(manifest) == [{}] * 3


def test_a_field_without_default_is_set_if_an_expression_needs_it() -> None:
    needed = config_map(a="${schema.spec.a}", b="${schema.spec.deep.b + 'x'}")
    guarded = config_map(
        BY_INSTANCE + "-2",
        c="${schema.spec.?c.orValue('none')}",
        d="${has(schema.spec.d) ? schema.spec.d : 'none'}",
        e="schema.spec.e",
    )
    spec = {"a": "string", "deep": {"b": "string"}} | dict.fromkeys("cde", "string")
    assert specs(rgd(spec, needed, guarded))[0] == {"a": "a", "deep": {"b": "b"}}


def test_a_condition_guards_its_whole_resource_and_no_other() -> None:
    optional = config_map(BY_INSTANCE + "-2", a="${schema.spec.a.b}")
    manifest = rgd({"a": {"b": "string"}}, config_map(), optional)
    assert specs(manifest)[0] == {"a": {"b": "b"}}
    manifest["spec"]["resources"][1]["includeWhen"] = ["${has(schema.spec.a)}"]
    assert specs(manifest)[0] == {}
    manifest["spec"]["resources"][0]["template"]["data"] = {"a": "${schema.spec.a.b}"}
    assert specs(manifest)[0] == {"a": {"b": "b"}}


@pytest.mark.parametrize(
    "name",
    [
        "${schema.spec.name}",
        "${schema.spec.name}-settings",
        "${'a-' + schema.spec.name.lowerAscii()}",
        '${schema.spec["name"]}',
        "${[schema.spec.name, 'x'].join('-')}",
    ],
)
def test_fields_in_the_names_of_children_vary(name: str) -> None:
    found = names(rgd("{name: string | default=app}", config_map(name)))
    assert len(set(found)) == 3
    assert all(re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", each) for each in found)


def test_names_are_followed_through_other_resources_and_collections() -> None:
    by_other = config_map("${r0.metadata.name}-more")
    manifest = rgd("{name: string}", config_map("${schema.spec.name}"), by_other)
    assert len(set(names(manifest))) == 3
    collection = {
        "id": "each",
        "forEach": [{"tenant": "${schema.spec.tenants}"}],
        "template": config_map("${tenant}"),
    }
    manifest = rgd("{tenants: '[]string'}")
    manifest["spec"]["resources"] = [collection]
    assert len({tuple(each["tenants"]) for each in specs(manifest)}) == 3


def test_a_name_that_has_the_instances_own_needs_nothing_else_to_vary() -> None:
    name = f"{BY_INSTANCE}-${{schema.spec.tier}}"
    found = specs(rgd("{tier: string | required=true}", config_map(name)))
    assert [each["tier"] for each in found] == ["tier"] * 3


def test_names_keep_to_their_schema() -> None:
    declared = "{name: 'string | required=true maxLength=8', number: 'integer | minimum=5'}"
    name = "${schema.spec.name + string(schema.spec.number)}"
    found = specs(rgd(declared, config_map(name)), instances=12)
    assert len({each["name"] for each in found}) == 12
    assert all(len(each["name"]) <= 8 for each in found)
    assert [each["number"] for each in found] == list(range(5, 17))


def test_a_field_for_a_namespace_is_that_of_the_instances_unless_the_rgd_creates_it() -> None:
    inside = config_map("${schema.metadata.name}") | {}
    inside["metadata"] = inside["metadata"] | {"namespace": "${schema.spec.where}"}
    plan = planned(rgd("{where: string}", inside))
    assert plan.instance(1)[1]["spec"] == {"where": plan.namespace}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "${schema.spec.where}"}}
    assert len({each["where"] for each in specs(rgd("{where: string}", made, inside))}) == 3


def test_values_override_field_by_field_and_null_removes() -> None:
    spec = "{name: string, size: {cpu: string | required=true, ram: string | required=true}}"
    data = {"cpu": "${schema.spec.size.cpu}"}
    manifest = rgd(spec, config_map("${schema.spec.name}", **data))
    found = specs(manifest, values={"size": {"cpu": "2", "ram": None}, "extra": [1]})
    assert found[0]["size"] == {"cpu": "2"}
    assert found[0]["extra"] == [1]
    assert len({each["name"] for each in found}) == 3


def test_a_value_that_cannot_be_generated_is_refused_by_its_field() -> None:
    declared = 'string | required=true pattern="(?=a)b"'
    with pytest.raises(WorkloadError, match=r"tests\[0\].workload.values.x: .*: set it"):
        planned(rgd({"x": declared}, config_map()))


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        ("integer", "<index>", [0, 1, 2]),
        ("integer", "30{{index}}80", [30080, 30180, 30280]),
        ("integer", "<index+30000>", [30000, 30001, 30002]),
        ("integer", "<index-1>", [-1, 0, 1]),
        ("float", "<index>.5", [0.5, 1.5, 2.5]),
        ("boolean", "<each:true,false>", [True, False, True]),
        ("string", "a<index>b{{index}}", ["a0b0", "a1b1", "a2b2"]),
        ("string", "<each:eu-1, us-1>", ["eu-1", "us-1", "eu-1"]),
        ("integer", "<each:5..6>", [5, 6, 5]),
        ("string", "<html> ${x} $(y) <index", ["<html> ${x} $(y) <index"] * 3),
    ],
)
def test_placeholders_have_the_type_of_the_schema(
    declared: str, value: str, expected: list[Any]
) -> None:
    manifest = rgd({"x": declared, "l": f"[]{declared}"}, config_map())
    found = specs(manifest, values={"x": value, "l": [value]})
    assert [each["x"] for each in found] == expected
    assert [each["l"] for each in found] == [[each] for each in expected]
    assert [type(each["x"]) for each in found] == [type(each) for each in expected]


def test_random_choices_are_those_of_the_seed() -> None:
    manifest = rgd({"x": "string", "y": "integer"}, config_map())
    values = {"x": "<random:a,b,c>", "y": "<random:10..20>"}
    found = specs(manifest, instances=40, values=values)
    assert {each["x"] for each in found} == {"a", "b", "c"}
    assert all(10 <= each["y"] <= 20 for each in found)
    assert specs(manifest, instances=40, values=values) == found
    assert specs(manifest, instances=40, values=values, seed=1) != found


def test_a_placeholder_that_gives_no_number_is_refused_by_its_field() -> None:
    with pytest.raises(WorkloadError, match=r"tests\[0\].workload.values.x: .*integer"):
        planned(rgd({"x": "integer"}, config_map()), values={"x": "port-<index>"})


def test_instances_have_labels_and_annotations_with_placeholders() -> None:
    wish = {
        "labels": {"tier": "t<index>", "bench.kro.run/run": "other"},
        "annotations": {"order": "<each:first,second>"},
    }
    plan = planned(rgd({}, config_map()), instanceMetadata=wish)
    metadata = plan.instance(1)[1]["metadata"]
    assert metadata["labels"]["tier"] == "t1"
    assert metadata["labels"]["bench.kro.run/run"] == RUN.uid
    assert metadata["annotations"] == {"order": "second"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("shared", {}),
        ("${'a' + 'b'}", {}),
        ("${schema.metadata.namespace}", {}),
        ("${schema.spec.name}", {"name": "one"}),
        ("${schema.spec.name}", {"name": "<each:a,b>"}),
    ],
)
def test_instances_that_would_claim_one_child_are_refused(
    name: str, values: dict[str, Any]
) -> None:
    manifest = rgd("{name: string}", config_map(), config_map(name))
    with pytest.raises(WorkloadError, match="r1"):
        planned(manifest, values=values)
    planned(manifest, instances=1, values=values)


def test_a_child_that_only_some_instances_have_is_left_to_kro() -> None:
    manifest = rgd("{shared: boolean | default=false}", config_map("shared"))
    manifest["spec"]["resources"][0]["includeWhen"] = ["${schema.spec.shared}"]
    planned(manifest)


def test_one_name_in_namespaces_of_their_own_is_no_collision() -> None:
    inside = config_map("settings")
    inside["metadata"]["namespace"] = "${r0.metadata.name}"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": BY_INSTANCE}}
    planned(rgd({}, made, inside))


def updating(values: Manifest | None, schema: Manifest, **changes: Any) -> KroBenchmarkSpec:
    phases = [{"operation": "create"}, {"operation": "update", "values": values} | changes]
    own = {"rgd": {"inline": schema}, "instances": 2, "values": {"size": 1}}
    return suite(test={"workload": own, "phases": phases})


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ({"size": 1}, {}),
        ({"unknown": 2}, {}),
        ({}, {}),
        ({"size": 2}, {"count": 3}),
    ],
)
def test_an_update_that_changes_nothing_is_refused(values: Manifest, changes: Manifest) -> None:
    manifest = rgd("{size: integer}", config_map())
    with pytest.raises(WorkloadError, match=r"tests\[0\].phases\[1\].values"):
        plan_tests(updating(values, manifest, **changes))


def test_an_update_has_the_number_of_its_round() -> None:
    manifest = rgd("{size: integer}", config_map())
    [test] = plan_tests(updating({"size": "<round+10>"}, manifest, count=4))
    plan = plan_iteration(RUN, test, 0)
    assert plan.patch(test.phases[1], 1, 2) == {"spec": {"size": 12}}


OWN = "${runtime.newCondition({type: 'X', 'type': '%s', 'status': 'True'})}"


def with_conditions(*names: str) -> Manifest:
    return rgd({}, config_map(), status={"conditions": [OWN % name for name in names]})


@pytest.mark.parametrize(
    ("manifest", "shown"),
    [
        (rgd({}), ("Ready",)),
        (rgd({}, status={"host": "${r0.metadata.name}"}), ("Ready",)),
        (with_conditions("Degraded", "Ready", "AppReady"), ("Ready",)),
        (with_conditions("AppReady", "Degraded", "Available"), ("AppReady", "Available")),
        (with_conditions("Degraded", "NotReady"), ()),
    ],
)
def test_readiness_is_what_the_author_of_the_rgd_says(
    manifest: Manifest, shown: tuple[str, ...]
) -> None:
    assert planned(manifest, instances=1).targets[0].ready.conditions == shown


def test_readiness_can_be_set_and_is_refused_if_instances_cannot_show_it() -> None:
    source: Manifest = {"inline": with_conditions("AppReady", "Synced")}

    def ready(**readiness: str) -> tuple[str, ...]:
        workload = {"rgd": source | {"readiness": readiness}}
        [test] = plan_tests(suite(test={"workload": workload}))
        return plan_iteration(RUN, test, 0).targets[0].ready.conditions

    assert ready(condition="Synced") == ("Synced",)
    assert ready(state="ACTIVE") == ()
    with pytest.raises(WorkloadError, match=r"tests\[0\].workload.rgd.readiness.condition: .*"):
        ready(condition="Ready")


def test_updates_need_a_readiness_that_shows_them() -> None:
    manifest = with_conditions("Degraded")
    manifest["spec"]["schema"]["spec"] = {"size": "integer"}
    with pytest.raises(WorkloadError, match=r"tests\[0\].phases\[1\]: "):
        plan_tests(updating({"size": 2}, manifest))


def test_copies_of_an_rgd_have_kinds_of_their_own() -> None:
    owner = {"apiVersion": "load.bench.kro.run/v1alpha1", "kind": "App", "name": BY_INSTANCE}
    other = {"apiVersion": "v1", "kind": "App"}
    child = config_map()
    child["metadata"]["ownerReferences"] = [owner, other]
    plan = planned(rgd({}, child), instances=4, rgds=2)
    assert [each.kind for each in plan.targets] == ["App0", "App1"]
    for each in plan.targets:
        [resource] = each.manifest["spec"]["resources"]
        owners = resource["template"]["metadata"]["ownerReferences"]
        assert [owner["kind"] for owner in owners] == [each.kind, "App"]
        assert {instance["kind"] for instance in each.instances} == {each.kind}


_KEYS = st.sampled_from(["a", "b", "name"])
_TYPES = st.sampled_from(
    ["string", "integer", "float", "boolean", "object", "[]string", "map[string]integer", "other"]
)
_FIELDS = st.recursive(
    st.builds(
        lambda kind, marker: f"{kind}{marker}",
        _TYPES,
        st.sampled_from(["", " | required=true", " | default=1", " | minimum=3", " | odd", "|"]),
    )
    | st.none()
    | st.integers(),
    lambda inner: st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
_TEXTS = st.sampled_from(
    [
        "${schema.spec.a}",
        "${schema.spec.name.b}",
        "${r0.data.x}",
        "${",
        "x",
        "${schema}",
        "${a.b(c)}",
    ]
)


@given(st.dictionaries(_KEYS, _FIELDS, max_size=3), _TEXTS, _TEXTS)
def test_whatever_an_rgd_has_it_is_planned_or_refused_by_field(
    spec: Manifest, name: str, text: str
) -> None:
    with contextlib.suppress(WorkloadError):
        planned(rgd(spec, config_map(), config_map(name, x=text)))
