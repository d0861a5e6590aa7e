"""``workload.cel``: expressions whose cost in kro is measured one by one."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from krobench.api.common import DNS_LABEL_PATTERN, ApiModel, FieldError

MAX_EXPRESSIONS = 50
MAX_RESTARTS = 10

_SET: JsonDict = {"x-kubernetes-list-type": "set"}
_ANYTHING: JsonDict = {"x-kubernetes-preserve-unknown-fields": True}
_EXPRESSIONS_RULE: JsonDict = {
    "rule": "self.suite == 'standard' || (has(self.expressions) && self.expressions.size() > 0)",
    "message": "with suite none, name at least one of expressions",
}
_NAMED: JsonDict = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}

ExpressionName = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=40)]
SimpleSchemaType = Annotated[str, StringConstraints(min_length=1, max_length=256)]
FieldName = Annotated[str, StringConstraints(max_length=63)]


class CelSuite(StrEnum):
    """Which expressions are measured beside those of the spec."""

    STANDARD = "standard"
    NONE = "none"


class CelFamily(StrEnum):
    """What an expression of the standard suite is made of."""

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
    """How much an expression does."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"


class CelExpression(ApiModel):
    """An expression of the user's own."""

    name: ExpressionName
    """Name of the expression, unique among these."""
    expression: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    """The expression without ${ and }; it refers to values as schema.spec.NAME."""
    complexity: CelLevel = CelLevel.MEDIUM
    """What you hold it for; it only groups the results."""
    values: Annotated[dict[str, Any], Field(json_schema_extra=_ANYTHING)] = Field(
        default_factory=dict
    )
    """The spec of the instance that it is evaluated for."""
    types: Annotated[dict[FieldName, SimpleSchemaType], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """SimpleSchema types of fields of values where they cannot be taken from the values, as
    labels: "map[string]string"; an object is taken for a struct otherwise."""
    expected: Annotated[Any, Field(json_schema_extra=_ANYTHING)]
    """The value that it must have. One that is no string is measured together with its
    conversion, by string() or, for lists and maps, json.marshal()."""


class CelWorkload(ApiModel):
    """Expressions whose evaluation and compilation is measured in kro, one RGD for each."""

    suite: CelSuite = CelSuite.STANDARD
    """standard: the ready-made expressions; none: only those of this spec."""
    families: Annotated[
        list[CelFamily], Field(max_length=len(CelFamily), json_schema_extra=_SET)
    ] = Field(default_factory=list)
    """Families of the standard suite to be measured; all when empty."""
    levels: Annotated[list[CelLevel], Field(max_length=len(CelLevel), json_schema_extra=_SET)] = (
        Field(default_factory=list)
    )
    """Levels of the standard suite to be measured; all when empty."""
    expressions: Annotated[
        list[CelExpression], Field(max_length=MAX_EXPRESSIONS, json_schema_extra=_NAMED)
    ] = Field(default_factory=list)
    """Expressions of your own."""
    restarts: Annotated[int, Field(ge=0, le=MAX_RESTARTS)] = 0
    """How often kro is restarted after the iterations, to measure what it then compiles and
    evaluates anew; its pod is deleted for it, and the chart must be installed with
    variants.enabled. Within the test's timeout."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [expression.name for expression in self.expressions]
        for name in names:
            if names.count(name) > 1:
                raise FieldError("expressions", f"the name {name!r} is used more than once")
        if self.suite is CelSuite.NONE and not self.expressions:
            raise ValueError(_EXPRESSIONS_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [_EXPRESSIONS_RULE]}
    }
