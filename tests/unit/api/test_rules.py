"""Rules of the specs, which krobench and API servers evaluate alike."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import Field

from krobench.api.common import SpecModel
from krobench.api.crd import crd
from krobench.api.kinds import RunKind
from krobench.api.refusal import FieldError
from krobench.api.rules import Rule, every, has, implies, this

Schema = dict[str, Any]


class Part(SpecModel):
    from_: int = Field(alias="from")
    rate: int = 1


class Whole(SpecModel):
    a: str | None = None
    b: int | None = None
    to_rate: int
    arrival: str = "closed"
    items: list[Part] = Field(default_factory=list)
    part: Part = Field(default_factory=lambda: Part.model_validate({"from": 0}))


def cel_of(rule: Rule) -> str:
    return rule.validation(Whole)["rule"]


def test_expressions_are_written_with_the_parentheses_that_cel_needs() -> None:
    either = has(this.a) | has(this.b)
    assert cel_of(Rule(implies(either, this.to_rate > 0), "")) == (
        "!(has(self.a) || has(self.b)) || self.toRate > 0"
    )
    assert cel_of(Rule((this.a == "x") == has(this.b), "")) == "(self.a == 'x') == has(self.b)"
    assert cel_of(Rule(this.a + this.b * 2 == 3, "")) == "self.a + self.b * 2 == 3"
    assert cel_of(Rule(~((this.a == 1) & either), "")) == (
        "!(self.a == 1 && (has(self.a) || has(self.b)))"
    )
    assert cel_of(Rule(every(this.items, lambda item: item.from_ < 2), "")) == (
        "self.items.all(item, item.from < 2)"
    )


def test_a_field_with_a_default_may_be_absent() -> None:
    assert cel_of(Rule(this.arrival == "x", "")) == (
        "(has(self.arrival) ? self.arrival : 'closed') == 'x'"
    )
    assert cel_of(Rule(this.part.rate > 2, "")) == (
        "(has(self.part) && has(self.part.rate) ? self.part.rate : 1) > 2"
    )
    assert cel_of(Rule(every(this.items, lambda item: item.rate > 2), "")) == (
        "self.items.all(item, (has(item.rate) ? item.rate : 1) > 2)"
    )
    with pytest.raises(TypeError, match=r"self.arrival has a default"):
        cel_of(Rule(has(this.arrival), ""))


def test_a_rule_over_a_list_names_the_item() -> None:
    class Item(SpecModel):
        size: int

    class Items(SpecModel):
        items: list[Item]

    rule = Rule(every(this.items, lambda item: item.size < 3), "must be small", "items[].size")
    with pytest.raises(FieldError, match=r"items\[1\].size: must be small"):
        rule.check(Items.model_validate({"items": [{"size": 1}, {"size": 5}]}))
    assert rule.validation(Items)["fieldPath"] == ".items"


@pytest.mark.parametrize("kind", RunKind)
def test_the_path_of_a_rule_is_a_field_of_the_schema(kind: RunKind) -> None:
    """An API server refuses a CRD with a rule that names a field that does not exist."""

    def walk(schema: Schema) -> Iterator[tuple[Schema, str]]:
        for rule in schema.get("x-kubernetes-validations", ()):
            if "fieldPath" in rule:
                yield schema, rule["fieldPath"]
        inner = [schema["items"]] if "items" in schema else []
        for child in (*schema.get("properties", {}).values(), *inner):
            yield from walk(child)

    version = crd(kind)["spec"]["versions"][0]
    for schema, path in walk(version["schema"]["openAPIV3Schema"]):
        inner = schema
        for name in path.split(".")[1:]:
            inner = inner["properties"][name]
