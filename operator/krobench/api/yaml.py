"""YAML for people: keys in the given order, no anchors."""

import re
from typing import Any

import yaml


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
