"""What an API server admits: specs drawn from the CRDs, whatever else they may lack in sense.

Rules (CEL) are left out: an API server with an older CRD admits what they refuse today.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from krobench.api.kinds import RunKind

Schema = dict[str, Any]
Values = st.SearchStrategy[Any]

_ROOT = Path(__file__).parents[2]
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_KEYS = "x-kubernetes-list-map-keys"
_TYPE = "x-kubernetes-list-type"

# An API server decodes other numbers as floats, and refuses those that do not fit.
_WHOLE = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 1, -1, 2**31, 2**63 - 1, -(2**63)])
)
_NUMBERS = st.one_of(
    _WHOLE,
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e308, 5e-324, -0.0]),
)
_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["", "\0", "{{index}}", "${schema.spec.x}", "1e308", "9" * 400]),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)
_OBJECTS = st.dictionaries(_TEXTS, ANYTHING, max_size=3)


@cache
def spec_schema(kind: RunKind) -> Schema:
    """Return the schema of specs in the CRD that is shipped."""
    text = (_ROOT / "crds" / f"{kind.plural}.bench.kro.run.yaml").read_text()
    [version] = yaml.load(text, yaml.CSafeLoader)["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


@cache
def examples(kind: RunKind) -> tuple[Any, ...]:
    """Return the specs of the examples, which reach all that plans."""
    documents = (
        document
        for path in sorted((_ROOT / "manifests/examples").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    )
    return tuple(item["spec"] for item in documents if item and item["kind"] == kind.value)


def specs(kind: RunKind) -> Values:
    """Draw specs that the CRD admits."""
    return _values(spec_schema(kind))


@st.composite
def changed_examples(draw: st.DrawFn, kind: RunKind) -> Any:
    """Draw examples of which some fields have other values that the CRD admits."""
    spec = deepcopy(draw(st.sampled_from(examples(kind))))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(spec, spec_schema(kind)))
        owner, key, schema = draw(st.sampled_from(places))
        owner[key] = draw(_strategies(json.dumps(schema, sort_keys=True)))
    return spec


def _places(value: Any, schema: Schema) -> Iterator[tuple[Any, str | int, Schema]]:
    """Yield each field that an object has or may have: its owner, its name and its schema."""
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            yield value, name, child
            yield from _places(value.get(name), child)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield value, index, schema["items"]
            yield from _places(item, schema["items"])


def _values(schema: Schema) -> Values:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return ANYTHING
    draws: dict[str, Callable[[Schema], Values]] = {
        "object": _objects,
        "array": _lists,
        "string": _strings,
        "integer": _integers,
        "number": _floats,
        "boolean": lambda _: st.booleans(),
    }
    return draws[schema["type"]](schema)


@cache
def _strategies(text: str) -> Values:
    return _values(json.loads(text))


def _objects(schema: Schema) -> Values:
    properties = schema.get("properties")
    if properties is None:
        if schema.get(_PRESERVE):
            return _OBJECTS
        values = _values(schema.get("additionalProperties", {}))
        return st.dictionaries(_TEXTS, values, max_size=min(3, schema.get("maxProperties", 3)))
    required = schema.get("required", [])
    drawn = {name: st.deferred(_later(child)) for name, child in properties.items()}
    known = st.fixed_dictionaries(
        {name: drawn[name] for name in required},
        optional={name: each for name, each in drawn.items() if name not in required},
    )
    if not schema.get(_PRESERVE):
        return known
    return st.builds(lambda fields, further: further | fields, known, _OBJECTS)


def _later(schema: Schema) -> Any:
    text = json.dumps(schema, sort_keys=True)
    return lambda: _strategies(text)


def _lists(schema: Schema) -> Values:
    keys = schema.get(_KEYS)
    unique_by: Any = json.dumps if schema.get(_TYPE) == "set" else None
    if keys:

        def unique_by(item: Mapping[str, Any]) -> str:
            return json.dumps([item.get(key) for key in keys])

    return st.lists(
        _values(schema["items"]),
        min_size=schema.get("minItems", 0),
        max_size=max(schema.get("minItems", 0), min(3, schema.get("maxItems", 3))),
        unique_by=unique_by,
    )


def _strings(schema: Schema) -> Values:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1024)
    if "pattern" in schema:
        # In Go, $ is the end of the text; in Python, it may also be before its last line's end.
        pattern = schema["pattern"].removesuffix("$") + (
            r"\Z" if schema["pattern"].endswith("$") else ""
        )
        texts = st.from_regex(pattern)
    else:
        texts = st.one_of(_TEXTS, st.just("x" * most))
    return texts.map(lambda text: text[:most] if "pattern" not in schema else text).filter(
        lambda text: least <= len(text) <= most
    )


def _bounds(schema: Schema) -> tuple[float, float]:
    least = [each["minimum"] for each in [schema, *schema.get("allOf", [])] if "minimum" in each]
    return max(least, default=-math.inf), schema.get("maximum", math.inf)


def _integers(schema: Schema) -> Values:
    least, most = _bounds(schema)
    first = math.ceil(max(least, -(2**63))) + bool(schema.get("exclusiveMinimum"))
    last = int(min(most, 2**63 - 1))
    return st.one_of(st.integers(first, last), st.sampled_from([first, last]))


def _floats(schema: Schema) -> Values:
    least, most = _bounds(schema)
    allowed: Mapping[str, Any] = {
        "min_value": None if math.isinf(least) else least,
        "max_value": None if math.isinf(most) else most,
        "exclude_min": bool(schema.get("exclusiveMinimum")) and "allOf" not in schema,
    }
    return st.floats(**allowed, allow_nan=False, allow_infinity=False)
