"""An expression as an RGD: one ConfigMap that carries it many times.

kro evaluates equal texts once in a reconcile, and keeps what it has compiled by the text. So the
copies are told apart by white space, which changes neither the parsed expression nor its value.
"""

from itertools import product

from krobench.workload.blueprint import Manifest, RgdParts, WorkloadError, config_map
from krobench.workload.cel.expression import Expression
from krobench.workload.cel.simpleschema import UnknownTypeError, schema_of

ROUND_FIELD = "round"
"""A field of every instance that no expression uses: a change of it makes kro reconcile."""

_NODE = "rendered"


def expression_parts(expression: Expression, name: str, field_path: str) -> RgdParts:
    """Return the RGD that measures an expression; ``name`` is that of the ConfigMap.

    Raises:
        WorkloadError: if the type of one of its values is not known.
    """
    try:
        schema = schema_of(expression.values, expression.types)
    except UnknownTypeError as error:
        raise WorkloadError(
            f"{field_path}.expressions[{expression.name}].values.{error}"
        ) from error
    schema["spec"][ROUND_FIELD] = "integer | default=0"
    return RgdParts(schema, resources(expression, name, 0))


def resources(expression: Expression, name: str, compilation: int) -> list[Manifest]:
    """Return spec.resources with white space that is another for each ``compilation``.

    Nothing else differs, so that kro compiles all of it anew and then changes no object. The
    ConfigMap's name is no expression: kro evaluates the copies and nothing else.
    """
    after = " " * compilation
    data = {
        f"e{index:02d}": f"${{{text}{after}}}" for index, text in enumerate(_copies(expression))
    }
    return [{"id": _NODE, "template": config_map(name, data)}]


def _copies(expression: Expression) -> list[str]:
    if not expression.distinct:
        return [expression.text] * expression.copies
    spaces = product(" \t", repeat=(expression.copies - 1).bit_length())
    return [
        f"({''.join(space)}{expression.text})"
        for space, _ in zip(spaces, range(expression.copies), strict=False)
    ]
