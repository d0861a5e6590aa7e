"""What the custom resources and the run record share: base models, labels, types of fields."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

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

from krobench.api.descriptions import descriptions
from krobench.api.notation import DURATION_PATTERN
from krobench.api.refusal import DNS_LABEL_PATTERN, PERCENTAGE_PATTERN, FieldError
from krobench.api.rules import VALIDATIONS, Rule, models_in

API_GROUP = "bench.kro.run"
API_VERSION = "v1alpha1"
GROUP_VERSION = f"{API_GROUP}/{API_VERSION}"

# Kinds of generated RGDs have their own group, which RBAC rules, cleanup and the orphan audit name.
LOAD_GROUP = "load.bench.kro.run"

RUN_LABEL = f"{API_GROUP}/run"
TEST_LABEL = f"{API_GROUP}/test"
ITERATION_LABEL = f"{API_GROUP}/iteration"
COMPONENT_LABEL = f"{API_GROUP}/component"
BALLAST_COMPONENT = "ballast"
"""Component of CRDs that exist beside a load."""
BALLAST_GROUP = f"ballast.{API_GROUP}"
"""Ending of their groups."""
CLOUD_COMPONENT = "cloud"
"""Component of the CRD of simulated cloud resources."""
CLOUD_GROUP = f"cloud.{API_GROUP}"
"""Group of their kind."""
PREREQUISITE_LABEL = f"{API_GROUP}/prerequisite"
FINALIZER = f"{API_GROUP}/cleanup"
OPERATOR_ANNOTATION = f"{API_GROUP}/operator"
"""On a custom resource: the namespace of the operator that executes its run."""
ABANDON_ANNOTATION = f"{API_GROUP}/abandon-cleanup"
"""On a custom resource: ``true`` gives up a cleanup that fails, and lets the resource go."""

MAX_MESSAGE_LENGTH = 4096

TIMEOUT = "Timeout"
"""Error reason of something that did not finish in time."""

Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN, max_length=24)]
"""A Go-style duration such as ``90s`` or ``1h30m``."""

Percentage = Annotated[str, StringConstraints(pattern=PERCENTAGE_PATTERN, max_length=8)]
"""Above 0% and below 100%, such as ``5%`` or ``2.5%``."""

ConfigMapName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", max_length=200)
]

Namespace = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=63)]


ANYTHING: JsonDict = {"x-kubernetes-preserve-unknown-fields": True}
"""In the schema of an object: it may have any fields."""

DEFAULT_EMPTY: JsonDict = {"default": {}}
"""In the schema of an object: makes the API server fill in the defaults of its fields."""

RENAMED = "x-renamed"
"""In a model's JSON Schema: :attr:`SpecModel.renamed`, for the generator of the CRDs."""


class ApiModel(BaseModel):
    """Base of everything that is read from or written to an API server: camelCase, closed."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        # Each process uses few of the models by themselves: building all of them as they are
        # imported takes 7 MB and 0.2 s.
        defer_build=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(schema)
        properties = handler.resolve_ref_schema(found).get("properties", {})
        for name, text in descriptions(cls).items():
            properties[cls.model_fields[name].alias or name].setdefault("description", text)
        return found


class SpecModel(ApiModel):
    """Base of everything that users write: an object with rules, and names it used to have."""

    rules: ClassVar[tuple[Rule, ...]] = ()
    """What must hold for the object. The API server checks the same rules."""
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

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        for rule in self.rules:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = super().__get_pydantic_json_schema__(schema, handler)
        resolved = handler.resolve_ref_schema(found)
        if cls.renamed:
            resolved[RENAMED] = dict(cls.renamed)
        if cls.rules:
            resolved[VALIDATIONS] = [rule.validation(cls) for rule in cls.rules]
        return found


def renamed_words(old: str, new: str) -> str:
    """Return the message for a field that is used by its old name."""
    return f"{old} was renamed: use {new}"


def with_current_names(model: type[BaseModel], raw: Any) -> Any:
    """Return a spec from a record of any version, with the names that fields have now.

    Only for stored specs: a user's spec with old names is refused.
    """
    if not isinstance(raw, Mapping):
        return raw
    renamed = model.renamed if issubclass(model, SpecModel) else {}
    named = {renamed.get(name, name): value for name, value in raw.items()}
    for name, field in model.model_fields.items():
        for key in {name, field.alias or name} & named.keys():
            for inner in models_in(field.annotation):
                value = named[key]
                if isinstance(value, list):
                    named[key] = [with_current_names(inner, each) for each in value]
                else:
                    named[key] = with_current_names(inner, value)
    return named


def _cut(text: object) -> object:
    """Shorten a message, so that a quoted text of any length does not make it invalid."""
    if isinstance(text, str) and len(text) > MAX_MESSAGE_LENGTH:
        return text[: MAX_MESSAGE_LENGTH - 1] + "…"
    return text


Message = Annotated[str, BeforeValidator(_cut), StringConstraints(max_length=MAX_MESSAGE_LENGTH)]


class ErrorInfo(ApiModel):
    """Why something failed: a CamelCase reason, and a message that says what to do."""

    reason: Annotated[str, StringConstraints(max_length=64)]
    message: Message


def utc_now() -> datetime:
    """Wall-clock time, for display only: latencies are taken from a monotonic clock."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Format a moment the way ``metav1.Time`` does: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> datetime:
    """Parse a ``metav1.Time`` or ``metav1.MicroTime``."""
    return datetime.fromisoformat(text)
