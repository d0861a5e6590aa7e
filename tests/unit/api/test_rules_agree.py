"""The rules of the specs: krobench and API servers come to the same answer.

Specs are drawn from the schemas of the models, near the values that rules compare with. An API
server may see them with or without defaults: it fills in none inside lists.
"""

import json
import re
from collections.abc import Set
from typing import Any

import celpy
import pytest
from celpy.adapter import json_to_cel
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from thoroughness import at_least

from krobench.api import kinds  # noqa: F401 - imports all models of specs
from krobench.api.common import SpecModel
from krobench.api.rules import Rule

Schema = dict[str, Any]
Values = st.SearchStrategy[Any]

MODELS = sorted(
    (model for model in SpecModel.__subclasses__() if model.rules),
    key=lambda model: model.__name__,
)


def as_stored(value: BaseModel) -> dict[str, Any]:
    """The object as an API server sees it: what is set, and defaults."""
    raw: dict[str, Any] = {}
    for name, field in type(value).model_fields.items():
        child = getattr(value, name)
        if child is None or (child in ([], {}) and name not in value.model_fields_set):
            continue
        if isinstance(child, BaseModel):
            child = as_stored(child)
        elif isinstance(child, list):
            child = [as_stored(each) if isinstance(each, BaseModel) else each for each in child]
        raw[field.alias or name] = child
    return raw


class Draws:
    """Strategies for the values that a schema allows, with the optional fields that rules name."""

    def __init__(self, schema: Schema, named: Set[str]) -> None:
        self._definitions = schema.get("$defs", {})
        self._named = named

    def objects(self, schema: Schema, depth: int) -> Values:
        required, optional = {}, {}
        for name, field in schema["properties"].items():
            if name in schema.get("required", []):
                required[name] = self.values(field, depth - 1)
            elif depth > 0 and name in self._named:
                optional[name] = self.values(field, depth - 1)
        return st.fixed_dictionaries(required, optional=optional)

    def values(self, schema: Schema, depth: int) -> Values:
        if "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
        if "anyOf" in schema:
            return self.values(schema["anyOf"][0], depth)
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        draws = {
            "array": self._lists,
            "string": self._strings,
            "integer": self._numbers,
            # The API server takes 1 as a double where the schema has a number.
            "number": lambda schema, depth: self._numbers(schema, depth).map(float),
            "object": self._maps,
        }
        if schema.get("type") == "boolean":
            return st.booleans()
        return draws[schema["type"]](schema, depth) if "type" in schema else st.just("any")

    def _maps(self, schema: Schema, depth: int) -> Values:
        if "properties" in schema:
            return self.objects(schema, depth)
        return st.just({})

    def _lists(self, schema: Schema, depth: int) -> Values:
        keyed = "x-kubernetes-list-map-keys" in schema
        return st.lists(
            self.values(schema["items"], depth),
            min_size=schema.get("minItems", 0),
            max_size=3,
            unique_by=(lambda item: item["name"]) if keyed else json.dumps,
        )

    def _strings(self, schema: Schema, depth: int) -> Values:
        del depth
        pattern = schema.get("pattern", "")
        if "ms|s|m|h" in pattern:
            return st.sampled_from(["200ms", "1s", "20s", "30s", "1m", "5m"])
        if "http" in pattern:
            return st.just("http://there")
        return st.just("5%") if "%" in pattern else st.sampled_from(["a", "b", "c"])

    def _numbers(self, schema: Schema, depth: int) -> Values:
        del depth
        least = float(schema.get("minimum") or schema.get("exclusiveMinimum") or 0)
        first = int(least) + (least != int(least) or "exclusiveMinimum" in schema)
        return st.integers(first, max(first, min(int(schema.get("maximum", 9)), first + 3)))


class Server:
    """Evaluates a rule as an API server does, but only once for equal fields that it names.

    celpy is slow, and what is drawn differs mostly in other fields.
    """

    def __init__(self, environment: celpy.Environment, cel: str) -> None:
        self._program = environment.program(environment.compile(cel))
        self.named = set(re.findall(r"\.(\w+)", cel))
        self._answers: dict[str, bool] = {}

    def allows(self, value: dict[str, Any]) -> bool:
        seen = self._of_named(value)
        key = json.dumps(seen, sort_keys=True)
        if key not in self._answers:
            self._answers[key] = bool(self._program.evaluate({"self": json_to_cel(seen)}))
        return self._answers[key]

    def _of_named(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._of_named(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {name: self._of_named(value[name]) for name in self.named & value.keys()}


def holds(rule: Rule, value: BaseModel) -> bool:
    try:
        rule.check(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_an_api_server_and_krobench_agree(
    model: type[SpecModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = model.model_json_schema(by_alias=True)
    schema = schema | schema.get("$defs", {}).get(model.__name__, {})
    rules = model.rules
    environment = celpy.Environment()
    servers = [Server(environment, rule.cel(model)) for rule in rules]
    for other in MODELS:
        monkeypatch.setattr(other, "rules", ())
    monkeypatch.setattr("krobench.api.specs.benchmark.check_minus", lambda *_: None)
    seen: list[set[bool]] = [set() for _ in rules]
    named = set().union(*(server.named for server in servers))

    # A model with few rules has few combinations of what they name, which are soon drawn.
    examples = at_least(min(320, 150 + 25 * len(rules)))

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(Draws(schema, named).objects(schema, 3))
    def agree(raw: dict[str, Any]) -> None:
        try:
            value = model.model_validate(raw)
        except ValueError:
            return  # breaks a bound or an order, which the schema of a CRD checks
        stored = as_stored(value)
        for rule, server, answers in zip(rules, servers, seen, strict=True):
            answer = holds(rule, value)
            for each in (stored, raw):
                assert server.allows(each) is answer, (rule.message, raw)
            answers.add(answer)

    agree()
    assert 2 * sum(len(answers) == 2 for answers in seen) >= len(rules), "too few were drawn"
