"""Objects of your own that a test creates: ResourceGraphDefinitions and prerequisites."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from krobench.api.annotations import Shaped
from krobench.api.common import ANYTHING, ConfigMapName, SpecModel
from krobench.api.exported import authored, authored_object
from krobench.api.rules import VALIDATIONS, Rule, exactly_one, has, this

MAX_PREREQUISITES = 32


class ConfigMapKeyRef(SpecModel):
    """A key of a ConfigMap in the namespace of the KroBenchmark."""

    name: ConfigMapName
    """Name of the ConfigMap."""
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
    """Key in its data."""


def _open(description: str = "", **properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with these fields, and any others."""
    fields = {"properties": properties} if properties else {}
    described = {"description": description} if description else {}
    return {"type": "object", **ANYTHING, **fields, **described}


def _text(description: str, max_length: int = 253) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": max_length}


def _texts(description: str) -> dict[str, Any]:
    values = {"type": "string", "maxLength": 4096}
    return {
        "type": "object",
        "description": description,
        "additionalProperties": values,
        "maxProperties": 256,
    }


def _only(value: str, why: str) -> dict[str, Any]:
    rule = Rule(this == value, f"must be {value}: {why}")
    return _text(f"{value} by default.") | {VALIDATIONS: [rule]}


_RGD = _open(
    apiVersion=_only("kro.run/v1alpha1", "the API that kro serves; leave it out or set it"),
    kind=_only(
        "ResourceGraphDefinition",
        "kro 0.2.1 renamed ResourceGroup to it: set this kind, and check the fields against the "
        "documentation of your kro",
    ),
    metadata=_open(
        "Its labels and annotations are kept.",
        labels=_texts("Labels of the RGD."),
        annotations=_texts("Annotations of the RGD."),
    ),
    spec=_open(
        "As in kro's own CRD.",
        schema=_open(
            "The kind that it defines.",
            apiVersion=_text("v1alpha1 by default.", 63),
            group=_text("load.bench.kro.run by default, and instead of kro.run."),
            kind=_text("Name of the kind.", 63),
            scope=_text("Namespaced by default.", 63),
            spec=_open("Fields of the spec of an instance."),
            status=_open("Fields of the status of an instance."),
            types=_open("Types that the fields use."),
        )
        | {"required": ["kind"]},
        resources={
            "type": "array",
            "description": "What kro creates for each instance.",
            "maxItems": 1000,
            "items": _open(id=_text("Name in expressions."), template=_open("The object.")),
        },
    )
    | {"required": ["schema"]},
) | {"required": ["spec"]}
"""The fields of an RGD that krobench reads, with the types that they have in kro's own CRD."""


_OBJECT = _open(
    apiVersion=_text("API version, such as v1."),
    kind=_text("Kind.", 63),
    metadata=_open(
        "What the API server or a tool has added is left out.",
        name=_text("Name. With placeholders, there is an object for each instance."),
        namespace=_text("By default, that of the test.", 63),
        labels=_texts("Labels."),
        annotations=_texts("Annotations."),
    )
    | {"required": ["name"]},
) | {"required": ["apiVersion", "kind", "metadata"]}
"""An object of any kind."""


Prerequisite = Annotated[dict[str, Any], BeforeValidator(authored_object), Shaped(_OBJECT)]


class Readiness(SpecModel):
    """What shows that an instance is ready, if it is not what the RGD says."""

    condition: Annotated[str, StringConstraints(min_length=1, max_length=63)] | None = None
    """Type of the condition that must be True for the current generation."""
    state: Literal["ACTIVE"] | None = None
    """The value of status.state. kro sets it before it has seen an update, so updates cannot be
    measured with it."""

    rules = (
        Rule(exactly_one(this.condition, this.state), "set exactly one of condition and state"),
    )


class RequiredRGD(SpecModel):
    """A ResourceGraphDefinition of your own, in the spec or in a ConfigMap."""

    inline: Annotated[dict[str, Any], BeforeValidator(authored), Shaped(_RGD)] | None = None
    """The complete ResourceGraphDefinition. What the API server, Argo CD, Flux or Helm have added
    to its metadata is left out."""
    config_map_key_ref: ConfigMapKeyRef | None = None
    """Where the complete ResourceGraphDefinition is stored as YAML, if need be among other objects.
    It is read when the run starts."""

    rules = (
        Rule(
            has(this.inline) != has(this.config_map_key_ref),
            "set exactly one of inline and configMapKeyRef",
        ),
    )


class RGDSource(RequiredRGD):
    """A ResourceGraphDefinition of your own. The run replaces its metadata.name. If its
    spec.schema.group is not set, or kro.run, its kind gets the group load.bench.kro.run. A key of a
    ConfigMap may have the RGDs that it uses as well."""

    requires: Annotated[list[RequiredRGD], Field(max_length=16)] = Field(default_factory=list)
    """RGDs whose kinds it uses, in any order. They are created before it, each after those that it
    uses itself."""
    readiness: Readiness | None = None
    """By default, the condition Ready; if the RGD declares conditions of its own in
    spec.schema.status.conditions, all of these that mean ready by their names, such as AppReady or
    Available; and if it declares none of that kind, the state ACTIVE."""
