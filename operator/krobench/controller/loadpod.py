"""What an administrator sets in the pods of load and cleanup Jobs.

The chart passes it in one environment variable, so that a change restarts the operator. What is
inside Kubernetes' own types is left to the API server to check.
"""

from typing import Annotated, Any, Self

from pydantic import Field, ValidationError

from krobench.api.common import ApiModel
from krobench.api.refusal import refusals

Object = dict[str, Any]

_RESTRICTED: Object = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


class LoadPodError(ValueError):
    """The text is not what it should be; the message names the field."""


class EnvVar(ApiModel):
    """An environment variable of a container."""

    name: Annotated[str, Field(pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")]
    value: str | None = None
    value_from: Object | None = None


class LoadPod(ApiModel):
    """The settings; the names are those of a pod's fields."""

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    resources: Object = Field(default_factory=dict)
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: list[Object] = Field(default_factory=list)
    affinity: Object = Field(default_factory=dict)
    topology_spread_constraints: list[Object] = Field(default_factory=list)
    priority_class_name: str = ""
    env: list[EnvVar] = Field(default_factory=list)
    security_context: Object = Field(default_factory=lambda: dict(_RESTRICTED))

    @classmethod
    def parse(cls, text: str, source: str) -> Self:
        """Read JSON.

        Raises:
            LoadPodError: if it has something else than the fields above; it names the source.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise LoadPodError("; ".join(refusals(error, source))) from error

    @property
    def scheduling(self) -> Object:
        """The fields of a pod's spec that decide where and as whom it runs."""
        return self._set_fields(exclude={"labels", "annotations", "resources", "env"})

    @property
    def container(self) -> Object:
        """The fields of its container."""
        return self._set_fields(include={"resources", "env"})

    def _set_fields(self, **which: Any) -> Object:
        dumped = self.model_dump(by_alias=True, exclude_none=True, **which)
        return {name: value for name, value in dumped.items() if value}
