"""CEL expressions: what a resource says of others, and what it computes.

All are strings, as that is what every property can hold. Each operation takes the text before it
once, so that the number of operations decides the work and the size does not explode.
"""

import random
from collections.abc import Callable

from krobench.workload.generator.graph import Node

_Operation = Callable[[str, str], str]


def reference(target: Node) -> str:
    """Return an expression that depends on ``target``: its name, or the names of its objects."""
    if target.collection:
        return f'{target.resource_id}.map(o, o.metadata.name).join(",")'
    return f"{target.resource_id}.metadata.name"


def computed(operations: int, rng: random.Random) -> str:
    """Return an expression over the instance's spec with this many operations."""
    expression = "schema.spec.value"
    for step in range(operations):
        # Nested macros need variables of their own.
        expression = rng.choice(_OPERATIONS)(expression, f"v{step}")
    return expression


def _upper(text: str, _variable: str) -> str:
    return f"{text}.upperAscii()"


def _lower(text: str, _variable: str) -> str:
    return f"{text}.lowerAscii()"


def _replaced(text: str, _variable: str) -> str:
    return f'{text}.replace("l", "L")'


def _split(text: str, _variable: str) -> str:
    return f'{text}.split("o").join("0")'


def _formatted(text: str, _variable: str) -> str:
    return f'"%s-%s".format([{text}, schema.metadata.name])'


def _filtered(text: str, variable: str) -> str:
    return f'[{text}, "x"].filter({variable}, {variable}.size() > 1).join("/")'


def _mapped(text: str, variable: str) -> str:
    return f'(lists.range(2).map({variable}, string({variable})).join("-") + {text})'


def _shortened(text: str, variable: str) -> str:
    return (
        f"cel.bind({variable}, {text}, "
        f"{variable}.size() > 40 ? {variable}.substring(0, 40) : {variable})"
    )


def _encoded(text: str, _variable: str) -> str:
    return f"base64.encode(bytes({text}))"


_OPERATIONS: tuple[_Operation, ...] = (
    _upper,
    _lower,
    _replaced,
    _split,
    _formatted,
    _filtered,
    _mapped,
    _shortened,
    _encoded,
)
