from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.workload.plans import first_plan

from krobench.api.specs.cel import CelWorkload
from krobench.workload.blueprint import WorkloadError
from krobench.workload.cel.expression import UnknownTypeError, schema_of
from krobench.workload.cel.selection import Opinion, cross_check, expressions_of


def own(**fields: Any) -> dict[str, Any]:
    expression = {"name": "mine", "expression": "schema.spec.a", "expected": "x"} | fields
    return {"cel": {"suite": "none", "expressions": [expression]}}


def schema_spec(workload: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = first_plan(workload).rgds[-1].manifest["spec"]["schema"]
    return schema


def test_types_are_taken_from_the_values() -> None:
    values = {
        "a": "x",
        "n": 1,
        "f": 0.5,
        "on": True,
        "tree": {"leaf": 2},
        "list": [1, 2],
        "items": [{"name": "a"}, {"name": "b", "port": 1}],
    }
    schema = schema_spec(own(values=values))
    assert schema["spec"] == {
        "a": "string",
        "n": "integer",
        "f": "float",
        "on": "boolean",
        "tree": {"leaf": "integer"},
        "list": "[]integer",
        "items": "[]T0",
        "round": "integer | default=0",
    }
    assert schema["types"] == {"T0": {"name": "string", "port": "integer"}}


def test_a_stated_type_wins() -> None:
    schema = schema_spec(own(values={"a": {"k": "v"}}, types={"a": "map[string]string"}))
    assert schema["spec"]["a"] == "map[string]string"


@pytest.mark.parametrize("value", [[], {}, None, [1, "a"]])
def test_a_value_without_a_type_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(WorkloadError, match=r"cel.expressions\[mine\].values.a"):
        first_plan(own(values={"a": value}))


@pytest.mark.parametrize(
    ("expected", "text", "string"),
    [
        ("x", "schema.spec.a", "x"),
        (3, "string(schema.spec.a)", "3"),
        (True, "string(schema.spec.a)", "true"),
        (1.5, "string(schema.spec.a)", "1.5"),
        ([1, "b"], "json.marshal(schema.spec.a)", '[1,"b"]'),
        ({"b": 1, "a": 2}, "json.marshal(schema.spec.a)", '{"a":2,"b":1}'),
    ],
)
def test_a_value_that_a_config_map_cannot_hold_is_converted(
    expected: Any, text: str, string: str
) -> None:
    workload = CelWorkload.model_validate(own(expected=expected)["cel"])
    expression = expressions_of(workload)[-1]
    assert (expression.text, expression.expected) == (text, string)


def test_celpy_contradicts_a_wrong_expected_value() -> None:
    workload = CelWorkload.model_validate(own(values={"a": "y"})["cel"])
    checked = cross_check(expressions_of(workload)[-1])
    assert (checked.opinion, checked.value) == (Opinion.DIFFERS, "y")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1), JSON, max_size=4))
def test_any_values_have_a_field_each_or_are_refused(values: dict[str, Any]) -> None:
    try:
        schema = schema_of(values, {})
    except UnknownTypeError:
        return
    assert schema["spec"].keys() == values.keys()
