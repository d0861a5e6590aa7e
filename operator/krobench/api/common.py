"""Building blocks shared by the custom resources and the run record."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

API_GROUP = "bench.kro.run"
API_VERSION = "v1alpha1"
GROUP_VERSION = f"{API_GROUP}/{API_VERSION}"

# Kinds that our generated ResourceGraphDefinitions define live in a group of their own, so
# that RBAC rules, the orphan audit and the clean-up can all name it.
LOAD_GROUP = "load.bench.kro.run"

RUN_LABEL = f"{API_GROUP}/run"
TEST_LABEL = f"{API_GROUP}/test"
ITERATION_LABEL = f"{API_GROUP}/iteration"
COMPONENT_LABEL = f"{API_GROUP}/component"
FINALIZER = f"{API_GROUP}/cleanup"

_DURATION_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")

MAX_MESSAGE_LENGTH = 4096

TIMEOUT = "Timeout"
"""Reason of the error of what was not done in time."""

DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
DNS_LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN, max_length=24)]
"""A Go-style duration such as ``90s`` or ``1h30m``."""

Percentage = Annotated[
    str, StringConstraints(pattern=r"^(0\.[1-9]|[1-9][0-9]?(\.[0-9])?)%$", max_length=8)
]
"""Above 0 % and below 100 %, as ``5%`` or ``2.5%``."""

ConfigMapName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", max_length=200)
]

Namespace = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=63)]


RENAMED = "x-renamed"
"""In a model's JSON Schema: :attr:`ApiModel.renamed`, for the generator of the CRDs."""


class FieldError(ValueError):
    """A spec breaks a rule, and this field of it is the one to name."""

    def __init__(self, field: str, words: str) -> None:
        """``field`` is a path from the model whose validator raises this."""
        super().__init__(f"{field}: {words}")
        self.field = field
        self.words = words


class ApiModel(BaseModel):
    """Base of everything that is read from or written to an API server: camelCase, closed."""

    renamed: ClassVar[Mapping[str, str]] = {}
    """Old names of fields and their new ones, as in YAML. Both the model and the API server refuse
    an old name with a message that names the new one."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_old_names(cls, raw: Any) -> Any:
        for old, new in cls.renamed.items() if isinstance(raw, Mapping) else ():
            if old in raw:
                raise FieldError(old, renamed_words(old, new))
        return raw

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(schema)
        if cls.renamed:
            handler.resolve_ref_schema(found)[RENAMED] = dict(cls.renamed)
        return found

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )


def renamed_words(old: str, new: str) -> str:
    """Return the message for a field that is used by its old name."""
    return f"{old} was renamed: use {new}"


def with_current_names(model: type[BaseModel], raw: Any) -> Any:
    """Return a stored spec of any age with the names that fields have today.

    Only for what was accepted when it was stored: a user's new spec is refused instead.
    """
    if not isinstance(raw, Mapping):
        return raw
    renamed = model.renamed if issubclass(model, ApiModel) else {}
    named = {renamed.get(name, name): value for name, value in raw.items()}
    for name, field in model.model_fields.items():
        for key in {name, field.alias or name} & named.keys():
            for inner in _models_in(field.annotation):
                value = named[key]
                if isinstance(value, list):
                    named[key] = [with_current_names(inner, each) for each in value]
                else:
                    named[key] = with_current_names(inner, value)
    return named


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in the type of a field, such as ``list[Test]`` or ``Load | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def map_keyed_by(name: str) -> JsonDict:
    """Return what says of a list that its entries are told apart by this field."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [name]}


def _cut(text: object) -> object:
    """Shorten a message: it may quote others' words, of any length, and must never be refused."""
    if isinstance(text, str) and len(text) > MAX_MESSAGE_LENGTH:
        return text[: MAX_MESSAGE_LENGTH - 1] + "…"
    return text


Message = Annotated[str, BeforeValidator(_cut), StringConstraints(max_length=MAX_MESSAGE_LENGTH)]


class ErrorInfo(ApiModel):
    """Why something failed: a CamelCase reason and a sentence that says what to do."""

    reason: Annotated[str, StringConstraints(max_length=64)]
    message: Message


def field_path(location: tuple[int | str, ...]) -> str:
    """Return the path of a field, such as ``tests[0].name``, from pydantic's."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def duration_seconds(text: str) -> float:
    """Convert a Go-style duration to seconds.

    Raises:
        ValueError: if ``text`` is not of the form ``1h30m``, ``90s``, ``250ms``.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 10m or 1h30m")
    return sum(
        float(number) * _DURATION_UNIT_SECONDS[unit]
        for number, unit in _DURATION_PART.findall(text)
    )


def utc_now() -> datetime:
    """Return the current wall-clock time; only for display, never for a latency."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Format a moment the way ``metav1.Time`` does: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> datetime:
    """Parse a ``metav1.Time`` or ``metav1.MicroTime``."""
    return datetime.fromisoformat(text)
