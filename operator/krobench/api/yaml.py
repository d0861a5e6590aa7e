"""YAML as people read it: in the order given, every part written out in full."""

import re
from typing import Any

import yaml


class _PlainDumper(yaml.SafeDumper):
    """Writes equal parts out in full: anchors are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


# PyYAML follows YAML 1.1 and leaves such strings without quotes. kubectl, which reads YAML as Go
# programs do, takes them for numbers or for truth: 0189, 1e5, 0o17, y.
_MISREAD_BY_GO = re.compile(r"^([-+]?(0[ob])?[0-9._]+([eE][-+]?[0-9]+)?|[yYnN])$")
_PlainDumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", _MISREAD_BY_GO, list("-+.0123456789yYnN")
)


def what_is_wrong(error: yaml.YAMLError) -> str:
    """Return why a text is no YAML, in a line: where, and without a drawing of it."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    problem = getattr(error, "problem", None) or "it cannot be read"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def dump(data: Any) -> str:
    """Return a YAML document."""
    return yaml.dump(data, Dumper=_PlainDumper, sort_keys=False, width=100)
