"""Rules of a spec, each declared once: as CEL for the API server and as Python for krobench.

A rule is an expression over :data:`this`, the object that it belongs to. Fields have their Python
names and appear in CEL in camelCase::

    Rule(
        has(this.rate) == one_of(this.arrival, "constant", "poisson", "ramp"),
        "set rate with arrival constant, poisson or ramp, and only then",
        field="rate",
    )

The API server checks rules when a resource is applied. krobench checks them too: specs may come
from a file, or from a cluster whose CRDs are older.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from krobench.api.notation import duration
from krobench.api.refusal import FieldError

VALIDATIONS = "x-kubernetes-validations"

_OR, _AND, _RELATION, _SUM, _PRODUCT, _UNARY, _ATOM = range(7)
"""How strongly CEL's operators bind."""

Scope = Mapping[str, Any]
"""Values by the names of CEL's variables."""


class Expression:
    """A CEL expression, and how to evaluate it on models.

    Its attributes are the fields of its value, so it has no public methods.
    """

    def __init__(self, cel: str, binding: int, evaluate: Callable[[Scope], Any]) -> None:
        self._cel = cel
        self._binding = binding
        self._evaluate = evaluate

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("_"):
            raise AttributeError(name)
        field = to_camel(name.removesuffix("_"))
        return _Field(self, name, f"{self._within(_ATOM)}.{field}")

    def __getitem__(self, index: int) -> Expression:
        cel = f"{self._within(_ATOM)}[{index}]"
        return Expression(cel, _ATOM, lambda scope: self._evaluate(scope)[index])

    def __and__(self, other: Expression) -> Expression:
        cel = f"{self._within(_AND)} && {other._within(_AND)}"
        return Expression(cel, _AND, lambda s: self._evaluate(s) and other._evaluate(s))

    def __or__(self, other: Expression) -> Expression:
        cel = f"{self._within(_OR)} || {other._within(_OR)}"
        return Expression(cel, _OR, lambda s: self._evaluate(s) or other._evaluate(s))

    def __invert__(self) -> Expression:
        return Expression(f"!{self._within(_UNARY)}", _UNARY, lambda s: not self._evaluate(s))

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return _binary(self, "==", _RELATION, other, operator.eq)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return _binary(self, "!=", _RELATION, other, operator.ne)

    __hash__ = object.__hash__

    def __lt__(self, other: object) -> Expression:
        return _binary(self, "<", _RELATION, other, operator.lt)

    def __le__(self, other: object) -> Expression:
        return _binary(self, "<=", _RELATION, other, operator.le)

    def __gt__(self, other: object) -> Expression:
        return _binary(self, ">", _RELATION, other, operator.gt)

    def __ge__(self, other: object) -> Expression:
        return _binary(self, ">=", _RELATION, other, operator.ge)

    def __add__(self, other: object) -> Expression:
        return _binary(self, "+", _SUM, other, operator.add)

    def __mul__(self, other: object) -> Expression:
        return _binary(self, "*", _PRODUCT, other, operator.mul)

    def __mod__(self, other: object) -> Expression:
        return _binary(self, "%", _PRODUCT, other, operator.mod)

    def _within(self, binding: int) -> str:
        return self._cel if self._binding >= binding else f"({self._cel})"


class _Field(Expression):
    """A field of an object: the one kind of expression that may be absent."""

    def __init__(self, owner: Expression, name: str, cel: str) -> None:
        super().__init__(cel, _ATOM, lambda scope: getattr(owner._evaluate(scope), name))
        self._owner = owner
        self._name = name


class _Every(Expression):
    """Whether something holds for each item of a list; the items tell which broke it."""

    def __init__(
        self, items: Expression, variable: str, body: Expression, cel: str, *, wanted: bool
    ) -> None:
        def holds(scope: Scope) -> bool:
            found = (body._evaluate({**scope, variable: item}) for item in items._evaluate(scope))
            return all(found) if wanted else any(found)

        super().__init__(cel, _ATOM, holds)
        self._items = items
        self._variable = variable
        self._body = body


this = Expression("self", _ATOM, lambda scope: scope["self"])
"""The object that a rule belongs to."""


def has(field: Expression) -> Expression:
    """Whether a field is set. An API server also counts fields that have a default."""
    assert isinstance(field, _Field)

    def is_set(scope: Scope) -> bool:
        owner = field._owner._evaluate(scope)
        value = getattr(owner, field._name)
        if value is None:
            return False
        return value not in ([], {}) or field._name in getattr(owner, "model_fields_set", ())

    return Expression(f"has({field._cel})", _ATOM, is_set)


def one_of(value: Expression, *choices: str) -> Expression:
    cel = f"{value._within(_RELATION)} in [{', '.join(map(_literal, choices))}]"
    return Expression(cel, _RELATION, lambda scope: value._evaluate(scope) in choices)


def size(items: Expression) -> Expression:
    return Expression(f"{items._cel}.size()", _ATOM, lambda scope: len(items._evaluate(scope)))


def every(items: Expression, body: Callable[[Expression], Expression]) -> Expression:
    """Whether ``body`` holds for each item; its parameter's name appears in CEL."""
    return _quantified(items, "all", body, wanted=True)


def some(items: Expression, body: Callable[[Expression], Expression]) -> Expression:
    """Whether ``body`` holds for at least one item."""
    return _quantified(items, "exists", body, wanted=False)


def time(text: Expression | str) -> Expression:
    """A duration, such as ``90s``, as a value that can be compared and added."""
    if isinstance(text, str):
        return Expression(f"duration('{text}')", _ATOM, lambda _: duration(text))
    return Expression(
        f"duration({text._cel})", _ATOM, lambda scope: duration(text._evaluate(scope))
    )


def choose(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """CEL's ``condition ? then : otherwise``."""
    return Expression(
        f"({condition._within(_OR)} ? {then._within(_OR)} : {otherwise._within(_OR)})",
        _ATOM,
        lambda scope: (then if condition._evaluate(scope) else otherwise)._evaluate(scope),
    )


def implies(condition: Expression, consequence: Expression) -> Expression:
    return ~condition | consequence


def exactly_one(*fields: Expression) -> Expression:
    """Whether exactly one of some fields is set."""
    given = [has(field) for field in fields]
    listed = ", ".join(each._cel for each in given)
    return Expression(
        f"[{listed}].filter(given, given).size() == 1",
        _RELATION,
        lambda scope: sum(each._evaluate(scope) for each in given) == 1,
    )


def _quantified(
    items: Expression, macro: str, body: Callable[[Expression], Expression], *, wanted: bool
) -> Expression:
    [variable] = inspect.signature(body).parameters
    inner = body(Expression(variable, _ATOM, lambda scope: scope[variable]))
    cel = f"{items._cel}.{macro}({variable}, {inner._cel})"
    return _Every(items, variable, inner, cel, wanted=wanted)


def _binary(
    left: Expression, symbol: str, binding: int, right: object, apply: Callable[[Any, Any], Any]
) -> Expression:
    # CEL's relations do not associate: both sides bind more strongly.
    other = right if isinstance(right, Expression) else _constant(right)
    sides = [left._within(binding + (binding == _RELATION)), other._within(binding + 1)]
    return Expression(
        f" {symbol} ".join(sides),
        binding,
        lambda scope: apply(left._evaluate(scope), other._evaluate(scope)),
    )


def _constant(value: object) -> Expression:
    return Expression(_literal(value), _ATOM, lambda _: value)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


@dataclass(frozen=True, eq=False)
class Rule:
    """What must hold for an object, and what to say if it does not."""

    holds: Expression
    message: str
    """Says what to do. It does not repeat the path of the field, which stands before it."""
    field: str = ""
    """The field to change, as in YAML. ``tests[].minus``: of the first item that breaks the rule,
    which is a rule with :func:`every`."""

    def check(self, value: Any) -> None:
        """Check an object.

        Raises:
            ValueError: if it breaks this rule.
        """
        scope = {"self": value}
        if self.holds._evaluate(scope):
            return
        field = self.field
        if "[]" in field:
            assert isinstance(self.holds, _Every)
            rule, items = self.holds, self.holds._items._evaluate(scope)
            broken = (
                index
                for index, item in enumerate(items)
                if not rule._body._evaluate({**scope, rule._variable: item})
            )
            field = field.replace("[]", f"[{next(broken)}]")
        raise FieldError(field, self.message) if field else ValueError(self.message)

    @property
    def validation(self) -> dict[str, str]:
        """The rule in a CRD, where the path of a field cannot lead into a list."""
        path, _, inner = self.field.partition("[]")
        where = {"fieldPath": f".{path}"} if path else {}
        message = f"{self.field}: {self.message}" if inner else self.message
        return {"rule": self.holds._cel, "message": message} | where


@dataclass(frozen=True)
class Between:
    """In the annotation of a duration: the shortest and the longest that it may be."""

    shortest: str
    longest: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), VALIDATIONS: [self._rule.validation]}

    def _checked(self, text: str) -> str:
        self._rule.check(text)
        return text

    @property
    def _rule(self) -> Rule:
        within = (time(this) >= time(self.shortest)) & (time(this) <= time(self.longest))
        return Rule(within, f"must be between {self.shortest} and {self.longest}")


@dataclass(frozen=True)
class Keyed:
    """In the annotation of a list: its items have different values of a field."""

    key: str = "name"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            **handler(schema),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [self.key],
        }

    def _checked(self, items: Sequence[Any]) -> Sequence[Any]:
        repeated = _repeated([getattr(item, self.key) for item in items])
        if repeated is not None:
            raise ValueError(f"the {self.key} {repeated!r} is used more than once")
        return items


@dataclass(frozen=True)
class Unique:
    """In the annotation of a list: its items differ."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "x-kubernetes-list-type": "set"}

    def _checked(self, items: Sequence[Any]) -> Sequence[Any]:
        repeated = _repeated(items)
        if repeated is not None:
            raise ValueError(f"{str(repeated)!r} is listed more than once")
        return items


def _repeated(values: Sequence[Any]) -> Any:
    return next((value for i, value in enumerate(values) if value in values[:i]), None)
