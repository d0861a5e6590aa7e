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

In CEL, a field with a default is written as ``(has(self.rate) ? self.rate : 1)``: CRDs have no
defaults inside lists.
"""

from __future__ import annotations

import inspect
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from krobench.api.notation import duration
from krobench.api.refusal import FieldError

VALIDATIONS = "x-kubernetes-validations"

_OR, _AND, _RELATION, _SUM, _PRODUCT, _UNARY, _ATOM = range(7)
"""How strongly CEL's operators bind."""

Scope = Mapping[str, Any]
"""Values by the names of CEL's variables."""

Types = Mapping[str, type[BaseModel]]
"""The model that a rule belongs to, by the name of its variable: ``self``."""


class Expression:
    """A CEL expression, and how to evaluate it on models.

    Its attributes are the fields of its value, so it has no public methods.
    """

    def __init__(
        self, binding: int, cel: Callable[[Types], str], evaluate: Callable[[Scope], Any]
    ) -> None:
        self._binding = binding
        self._cel = cel
        self._evaluate = evaluate

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Field(self, name)

    def __getitem__(self, index: int) -> Expression:
        return _Item(self, index)

    def __and__(self, other: Expression) -> Expression:
        sides = ((self, _AND), (other, _AND))
        return _infix("&&", _AND, sides, lambda s: self._evaluate(s) and other._evaluate(s))

    def __or__(self, other: Expression) -> Expression:
        sides = ((self, _OR), (other, _OR))
        return _infix("||", _OR, sides, lambda s: self._evaluate(s) or other._evaluate(s))

    def __invert__(self) -> Expression:
        return Expression(
            _UNARY, lambda types: f"!{self._within(_UNARY, types)}", lambda s: not self._evaluate(s)
        )

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

    def _within(self, binding: int, types: Types) -> str:
        cel = self._cel(types)
        return cel if self._binding >= binding else f"({cel})"

    def _model(self, types: Types) -> type[BaseModel]:
        """Return the model of its value, or of the items of its value."""
        raise TypeError(f"{self._cel(types)} has no fields")

    def _path(self, types: Types) -> str:
        """Return the CEL of its value if all of its fields are set."""
        return self._cel(types)

    def _with_defaults(self, types: Types) -> Iterator[_Field]:  # noqa: ARG002 - a field needs it
        """Yield the fields on its path that have a default, the outermost first."""
        yield from ()


class _Variable(Expression):
    """A variable of CEL."""

    def __init__(self, name: str, items: Expression | None = None) -> None:
        super().__init__(_ATOM, lambda _: name, lambda scope: scope[name])
        self._items = items

    def _model(self, types: Types) -> type[BaseModel]:
        return types["self"] if self._items is None else self._items._model(types)


class _Field(Expression):
    """A field of an object: the one kind of expression that may be absent."""

    def __init__(self, owner: Expression, name: str) -> None:
        super().__init__(_ATOM, self._guarded, lambda scope: getattr(owner._evaluate(scope), name))
        self._owner = owner
        self._name = name

    def _guarded(self, types: Types) -> str:
        """Return its value, or the default where the path to it ends before."""
        default = self._default(types)
        if default is None or isinstance(default, BaseModel):
            return self._path(types)
        present = " && ".join(f"has({each._path(types)})" for each in self._with_defaults(types))
        return f"({present} ? {self._path(types)} : {_literal(default)})"

    def _info(self, types: Types) -> FieldInfo:
        return self._owner._model(types).model_fields[self._name]

    def _model(self, types: Types) -> type[BaseModel]:
        return next(models_in(self._info(types).annotation))

    def _path(self, types: Types) -> str:
        return f"{self._owner._path(types)}.{to_camel(self._name.removesuffix('_'))}"

    def _default(self, types: Types) -> Any:
        """Return its default; None if it has none, or an empty one."""
        info = self._info(types)
        found = None if info.is_required() else info.get_default(call_default_factory=True)
        return None if found in ([], {}) else found

    def _with_defaults(self, types: Types) -> Iterator[_Field]:
        yield from self._owner._with_defaults(types)
        if self._default(types) is not None:
            yield self


class _Item(Expression):
    """An item of a list."""

    def __init__(self, items: Expression, index: int) -> None:
        super().__init__(
            _ATOM,
            lambda types: f"{items._within(_ATOM, types)}[{index}]",
            lambda scope: items._evaluate(scope)[index],
        )
        self._items = items

    def _model(self, types: Types) -> type[BaseModel]:
        return self._items._model(types)


class _Every(Expression):
    """Whether something holds for each item of a list; the items tell which broke it."""

    def __init__(
        self, items: Expression, variable: str, body: Expression, macro: str, *, wanted: bool
    ) -> None:
        def holds(scope: Scope) -> bool:
            found = (body._evaluate({**scope, variable: item}) for item in items._evaluate(scope))
            return all(found) if wanted else any(found)

        super().__init__(
            _ATOM,
            lambda types: f"{items._cel(types)}.{macro}({variable}, {body._cel(types)})",
            holds,
        )
        self._items = items
        self._variable = variable
        self._body = body


this: Expression = _Variable("self")
"""The object that a rule belongs to."""


def has(field: Expression) -> Expression:
    """Whether a field without a default is set. One with a default always has a value."""
    assert isinstance(field, _Field)

    def is_set(scope: Scope) -> bool:
        owner = field._owner._evaluate(scope)
        value = getattr(owner, field._name)
        if value is None:
            return False
        return value not in ([], {}) or field._name in getattr(owner, "model_fields_set", ())

    def cel(types: Types) -> str:
        path = field._path(types)
        if field._default(types) is not None:
            raise TypeError(f"{path} has a default: a rule cannot ask whether it is set")
        parents = [f"has({each._path(types)})" for each in field._with_defaults(types)]
        return f"({' && '.join([*parents, f'has({path})'])})" if parents else f"has({path})"

    return Expression(_ATOM, cel, is_set)


def one_of(value: Expression, *choices: str) -> Expression:
    listed = ", ".join(map(_literal, choices))
    return Expression(
        _RELATION,
        lambda types: f"{value._within(_RELATION, types)} in [{listed}]",
        lambda scope: value._evaluate(scope) in choices,
    )


def matches(text: Expression, pattern: str) -> Expression:
    """Whether a text has a regular expression; the pattern must mean the same in RE2."""
    return Expression(
        _ATOM,
        lambda types: f"{text._cel(types)}.matches('{pattern}')",
        lambda scope: re.search(pattern, text._evaluate(scope)) is not None,
    )


def size(items: Expression) -> Expression:
    return Expression(
        _ATOM,
        lambda types: f"{items._cel(types)}.size()",
        lambda scope: len(items._evaluate(scope)),
    )


def every(items: Expression, body: Callable[[Expression], Expression]) -> Expression:
    """Whether ``body`` holds for each item; its parameter's name appears in CEL."""
    return _quantified(items, "all", body, wanted=True)


def some(items: Expression, body: Callable[[Expression], Expression]) -> Expression:
    """Whether ``body`` holds for at least one item."""
    return _quantified(items, "exists", body, wanted=False)


def time(text: Expression | str) -> Expression:
    """A duration, such as ``90s``, as a value that can be compared and added."""
    if isinstance(text, str):
        value = duration(text)
        return Expression(_ATOM, lambda _: f"duration('{text}')", lambda _: value)
    return Expression(
        _ATOM,
        lambda types: f"duration({text._cel(types)})",
        lambda scope: duration(text._evaluate(scope)),
    )


def choose(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    """CEL's ``condition ? then : otherwise``."""

    def cel(types: Types) -> str:
        parts = [part._within(_OR, types) for part in (condition, then, otherwise)]
        return "({} ? {} : {})".format(*parts)

    return Expression(
        _ATOM,
        cel,
        lambda scope: (then if condition._evaluate(scope) else otherwise)._evaluate(scope),
    )


def implies(condition: Expression, consequence: Expression) -> Expression:
    return ~condition | consequence


def exactly_one(*fields: Expression) -> Expression:
    """Whether exactly one of some fields is set."""
    given = [has(field) for field in fields]

    def cel(types: Types) -> str:
        listed = ", ".join(each._cel(types) for each in given)
        return f"[{listed}].filter(given, given).size() == 1"

    return Expression(
        _RELATION, cel, lambda scope: sum(each._evaluate(scope) for each in given) == 1
    )


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in the type of a field, such as ``list[Test]`` or ``Load | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def _quantified(
    items: Expression, macro: str, body: Callable[[Expression], Expression], *, wanted: bool
) -> Expression:
    [variable] = inspect.signature(body).parameters
    return _Every(items, variable, body(_Variable(variable, items)), macro, wanted=wanted)


def _binary(
    left: Expression, symbol: str, binding: int, right: object, apply: Callable[[Any, Any], Any]
) -> Expression:
    # CEL's relations do not associate: both sides bind more strongly.
    other = right if isinstance(right, Expression) else _constant(right)
    sides = ((left, binding + (binding == _RELATION)), (other, binding + 1))
    return _infix(
        symbol, binding, sides, lambda scope: apply(left._evaluate(scope), other._evaluate(scope))
    )


def _infix(
    symbol: str,
    binding: int,
    sides: Sequence[tuple[Expression, int]],
    evaluate: Callable[[Scope], Any],
) -> Expression:
    """Return an operation of two sides, each with how strongly it has to bind."""
    return Expression(
        binding,
        lambda types: f" {symbol} ".join(side._within(least, types) for side, least in sides),
        evaluate,
    )


def _constant(value: object) -> Expression:
    return Expression(_ATOM, lambda _: _literal(value), lambda _: value)


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

    def cel(self, model: type[BaseModel]) -> str:
        """Return the rule of a model in CEL, for objects with and without defaults filled in."""
        return self.holds._cel({"self": model})

    def allows(self, value: Any) -> bool:
        return bool(self.holds._evaluate({"self": value}))

    def check(self, value: Any) -> None:
        """Check an object.

        Raises:
            ValueError: if it breaks this rule.
        """
        scope = {"self": value}
        if self.allows(value):
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

    def validation(self, model: type[BaseModel]) -> dict[str, str]:
        """The rule in the CRD of its model, where the path of a field cannot lead into a list."""
        path, _, inner = self.field.partition("[]")
        where = {"fieldPath": f".{path}"} if path else {}
        message = f"{self.field}: {self.message}" if inner else self.message
        return {"rule": self.cel(model), "message": message} | where
