"""CEL expressions to measure."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from krobench.api.annotations import Keyed, Unique
from krobench.api.common import ANYTHING, SpecModel
from krobench.api.refusal import DNS_LABEL_PATTERN
from krobench.api.rules import Rule, has, size, this

MAX_EXPRESSIONS = 50
MAX_RESTARTS = 10
ExpressionName = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=40)]
SimpleSchemaType = Annotated[str, StringConstraints(min_length=1, max_length=256)]
FieldName = Annotated[str, StringConstraints(max_length=63)]


class CelSuite(StrEnum):
    """Which expressions are measured in addition to those of the spec."""

    STANDARD = "standard"
    NONE = "none"


class CelFamily(StrEnum):
    """What an expression of the standard suite exercises."""

    FIELD_ACCESS = "field-access"
    TERNARY = "ternary"
    NESTED_ACCESS = "nested-access"
    LIST_COMPREHENSION = "list-comprehension"
    MAP_COMPREHENSION = "map-comprehension"
    STRING_FUNCTIONS = "string-functions"
    QUANTITY_JSON_HASH = "quantity-json-hash"
    OPTIONAL_TYPES = "optional-types"
    PATTERNS = "patterns"


class CelLevel(StrEnum):
    """How complex an expression is."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"


class CelExpression(SpecModel):
    """A CEL expression to measure."""

    name: ExpressionName
    """Name of the expression, unique in the list."""
    expression: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    """The expression without ${ and }. It refers to values as schema.spec.NAME."""
    complexity: CelLevel = CelLevel.MEDIUM
    """Your estimate of its complexity. It only groups the results."""
    values: Annotated[dict[str, Any], Field(json_schema_extra=ANYTHING)] = Field(
        default_factory=dict
    )
    """The spec of the instance for which the expression is evaluated."""
    types: Annotated[dict[FieldName, SimpleSchemaType], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """SimpleSchema types of fields of values, for fields whose type does not follow from the value,
    such as labels: "map[string]string". Without a type, an object is a struct."""
    expected: Annotated[Any, Field(json_schema_extra=ANYTHING)]
    """The value that the expression must have. A value that is not a string is measured together
    with its conversion to one, by string() or, for lists and maps, json.marshal()."""


class CelWorkload(SpecModel):
    """CEL expressions whose evaluation and compilation in kro is measured, with an RGD for each."""

    suite: CelSuite = CelSuite.STANDARD
    """standard: the built-in expressions; none: only those of this spec."""
    families: Annotated[list[CelFamily], Field(max_length=len(CelFamily)), Unique()] = Field(
        default_factory=list
    )
    """Families of the standard suite to measure; all if empty."""
    levels: Annotated[list[CelLevel], Field(max_length=len(CelLevel)), Unique()] = Field(
        default_factory=list
    )
    """Levels of the standard suite to measure; all if empty."""
    expressions: Annotated[list[CelExpression], Field(max_length=MAX_EXPRESSIONS), Keyed()] = Field(
        default_factory=list
    )
    """Expressions of your own."""
    restarts: Annotated[int, Field(ge=0, le=MAX_RESTARTS)] = 0
    """How often to restart kro after the iterations, to measure what it compiles and evaluates
    when it starts. Deletes kro's pod, and requires the chart value variants.enabled. Restarts count
    towards the timeout of the test."""

    rules = (
        Rule(
            (this.suite == "standard") | (has(this.expressions) & (size(this.expressions) > 0)),
            "set at least one expression with suite none",
            field="expressions",
        ),
    )
