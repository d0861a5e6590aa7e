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


def dump(data: Any) -> str:
    """Return a YAML document."""
    return yaml.dump(data, Dumper=_PlainDumper, sort_keys=False, width=100)
