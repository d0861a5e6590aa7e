"""Where kro runs, and variants of its configuration that a run compares."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.config import JsonDict

from krobench.api.common import DNS_LABEL_PATTERN, ApiModel, FieldError, Namespace

LabelValue = Annotated[str, StringConstraints(max_length=63)]


LabelKey = Annotated[str, StringConstraints(max_length=253)]


class Target(ApiModel):
    """Where kro runs and how its pods are told apart."""

    namespace: Namespace = "kro-system"
    """Namespace of the kro controller."""
    match_labels: Annotated[dict[LabelKey, LabelValue], Field(min_length=1, max_length=16)] = Field(
        default_factory=lambda: {"app.kubernetes.io/name": "kro"},
        json_schema_extra={"default": {"app.kubernetes.io/name": "kro"}},
    )
    """Labels that kro's pods carry."""
    container: Annotated[str, StringConstraints(min_length=1, max_length=63)] = "kro"
    """Name of the controller's container in these pods."""
    metrics_port: Annotated[int, Field(ge=1, le=65535)] = 8078
    """Port of kro's /metrics endpoint."""
    pprof_port: Annotated[int, Field(ge=1, le=65535)] = 6060
    """Port of kro's /debug/pprof endpoints, in a kro that has them."""


VARIANTS_RULE: JsonDict = {
    "rule": "!has(self.variants) || self.variants.size() == 0 || self.variants.size() > 1",
    "message": "variants must be at least two: the others are compared with the first, which may "
    "be one that only has a name, for kro as it is",
}
VARIANTS_TARGET_RULE: JsonDict = {
    "rule": "!has(self.variants) || self.variants.size() == 0 "
    "|| self.tests.all(test, !has(test.target))",
    "message": "a test may have no target of its own with variants: they are of spec.target",
}
VARIANTS_CEL_RULE: JsonDict = {
    "rule": "!has(self.variants) || self.variants.size() == 0 "
    "|| self.tests.exists(test, !has(test.workload.cel))",
    "message": "variants need a test whose workload is not cel: tests of expressions are measured "
    "under each variant, and not compared",
}
MAX_TESTS = 32
VARIANTS_COUNT_RULE: JsonDict = {
    "rule": "!has(self.variants) || self.variants.size() == 0 "
    f"|| self.tests.size() * self.variants.size() <= {MAX_TESTS}",
    "message": f"tests times variants must not exceed {MAX_TESTS}",
}

Flag = Annotated[
    str, StringConstraints(pattern=r"^--?[a-zA-Z0-9][-.a-zA-Z0-9]*(=.*)?$", max_length=512)
]
EnvName = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$", max_length=128)]
EnvValue = Annotated[str, StringConstraints(max_length=1024)]
ResourceName = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Quantity = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?([eE][0-9]+|[KMGTPE]i?|[numk])?$", max_length=32),
]


class VariantResources(ApiModel):
    """Resources of kro's container; those that are not named stay as they are."""

    limits: Annotated[dict[ResourceName, Quantity], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """Limits by resource, such as cpu: 500m."""
    requests: Annotated[dict[ResourceName, Quantity], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """Requests by resource."""


class Variant(ApiModel):
    """How kro is to be run; what is not named is as in its Deployment."""

    name: Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=20)]
    """Name of the variant, unique in the suite."""
    args: Annotated[list[Flag], Field(max_length=32)] = Field(default_factory=list)
    """Flags as --name=value or --name, which take the place of the Deployment's own of this
    name, or are added."""
    env: Annotated[dict[EnvName, EnvValue], Field(max_length=32)] = Field(default_factory=dict)
    """Environment variables, which take the place of the Deployment's own of this name, or are
    added."""
    resources: VariantResources | None = None
    """Resources of kro's container."""
    image: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = None
    """Image of kro's container."""


def check_variants(
    names: Sequence[str], tests: int, *, own_targets: bool, only_expressions: bool
) -> None:
    """Check what the rules above check, where a CRD without them is installed.

    Raises:
        ValueError: if one of them is broken.
    """
    if not names:
        return
    if len(names) == 1:
        raise ValueError(VARIANTS_RULE["message"])
    if own_targets:
        raise ValueError(VARIANTS_TARGET_RULE["message"])
    if only_expressions:
        raise ValueError(VARIANTS_CEL_RULE["message"])
    if tests * len(names) > MAX_TESTS:
        raise ValueError(VARIANTS_COUNT_RULE["message"])
    for name in names:
        if names.count(name) > 1:
            raise FieldError("variants", f"the name {name!r} is used more than once")
