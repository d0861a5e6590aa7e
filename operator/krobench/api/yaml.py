"""YAML as kubectl reads it, and written for people: keys in the given order, no anchors.

kubectl turns YAML into JSON with sigs.k8s.io/yaml, which rests on go-yaml v2. Its scalars are
those of YAML 1.2 with the booleans and octal numbers of 1.1: dates and times of day are strings,
yes and off are booleans, and 010 is 8.
"""

import base64
import math
import re
from typing import Any, ClassVar

import yaml


def _tag(name: str) -> str:
    return f"tag:yaml.org,2002:{name}"


_TAGS = {
    str: _tag("str"),
    bool: _tag("bool"),
    int: _tag("int"),
    float: _tag("float"),
    type(None): _tag("null"),
}
_WORDS: dict[str, Any] = {"": None, "~": None} | {
    form: value
    for words, value in (
        (("y", "yes", "true", "on"), True),
        (("n", "no", "false", "off"), False),
        (("null",), None),
    )
    for word in words
    for form in (word, word.capitalize(), word.upper())
}
_PREFIXED = re.compile(r"([-+]?)0([xXbBoO]?)([0-9a-fA-F]+)")
_BASES = {"": 8, "x": 16, "b": 2, "o": 8}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def _plain(text: str) -> Any:
    """Return the value of a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        return float(text.lower().replace(".", "", 1))
    number = _parsed(text.replace("_", "")) if text[0] in "+-0123456789" else _parsed(text)
    return text if number is None else number


def _parsed(digits: str) -> int | float | None:
    """Return the number that go-yaml reads here; None if it reads a string."""
    if _INTEGER.fullmatch(digits):
        return _number(int(digits))
    prefixed = _PREFIXED.fullmatch(digits)
    if prefixed is not None:
        sign, base, rest = prefixed.groups()
        try:
            value = _number(int(sign + rest, _BASES[base.lower()]))
        except ValueError:
            pass  # such as 0189, which is decimal
        else:
            return value if isinstance(value, int) else None
    if not _FLOAT.fullmatch(digits) or math.isinf(float(digits)):
        return None
    return _number(float(digits))


def _number(value: float) -> int | float:
    """Return a number as it is after JSON: 1.0 is 1, and what no integer of Go holds is a float."""
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else float(value)
    return int(value) if value.is_integer() and abs(value) < 2**63 else value


class _Loader(yaml.SafeLoader):
    """Reads what JSON has, and keys as strings."""

    yaml_constructors: ClassVar[dict[Any, Any]] = {}

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode or not implicit[0]:
            resolved: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
            return resolved
        return _tag("merge") if value == "<<" else _TAGS[type(_plain(value))]

    def scalar(self, node: yaml.ScalarNode) -> Any:
        value = _plain(node.value)
        numbers = {_tag("int"), _tag("float")}
        fits = node.tag == _TAGS[type(value)] or {node.tag, _TAGS[type(value)]} == numbers
        if not fits or (isinstance(value, float) and not math.isfinite(value)):
            name = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"JSON has no {name} {node.value}", node.start_mark
            )
        return value

    def binary(self, node: yaml.ScalarNode) -> str:
        return base64.b64decode(node.value).decode()

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        self.flatten_mapping(node)
        return {
            _key(self.construct_object(key, deep=True), key): self.construct_object(
                value, deep=True
            )
            for key, value in node.value
        }


def _key(key: Any, node: yaml.Node) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if not isinstance(key, str | int | float):
        problem = "a key must be a string, a number or a boolean"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return f"{key:.8g}" if isinstance(key, float) else str(key)


_CONSTRUCTORS: dict[str | None, Any] = {
    **dict.fromkeys(map(_tag, ("str", "timestamp", "merge")), _Loader.construct_scalar),
    **dict.fromkeys(map(_tag, ("bool", "int", "float", "null")), _Loader.scalar),
    _tag("binary"): _Loader.binary,
    _tag("seq"): lambda loader, node: loader.construct_sequence(node, deep=True),
    _tag("map"): _Loader.mapping,
    None: _Loader.construct_undefined,
}
_Loader.yaml_constructors.update(_CONSTRUCTORS)


def load_all(text: str | bytes) -> list[Any]:
    """Return the documents of a text that are not empty; bytes are UTF-8, or UTF-16 with its mark.

    Raises:
        yaml.YAMLError: if it is not YAML, or has what JSON cannot have.
    """
    return [item for item in yaml.load_all(text, _Loader) if item is not None]


def load(text: str | bytes) -> Any:
    """Return the only document of a text; None if it has none. As :func:`load_all`."""
    documents = load_all(text)
    if len(documents) > 1:
        raise yaml.YAMLError(f"expected one document, but found {len(documents)}")
    return documents[0] if documents else None


class _PlainDumper(yaml.SafeDumper):
    """Writes equal parts in full, because anchors are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


# PyYAML follows YAML 1.1 and does not quote such strings. kubectl and other Go programs read them
# as numbers or booleans: 0189, 1e5, 0o17, y.
_MISREAD_BY_GO = re.compile(r"^([-+]?(0[ob])?[0-9._]+([eE][-+]?[0-9]+)?|[yYnN])$")
_PlainDumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", _MISREAD_BY_GO, list("-+.0123456789yYnN")
)


def yaml_error(error: yaml.YAMLError) -> str:
    """Return why a text is not YAML, in one line."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def dump(data: Any) -> str:
    return yaml.dump(data, Dumper=_PlainDumper, sort_keys=False, width=100)
