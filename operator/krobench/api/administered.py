"""Settings of an administrator that load Jobs get in an environment variable."""

import os
from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import ValidationError

from krobench.api.common import ApiModel


class VariableError(ValueError):
    """The variable holds no such settings; the message names it."""


class Administered(ApiModel):
    """Settings that the chart passes to the operator, and the operator to its load Jobs."""

    variable: ClassVar[str]
    """Name of the environment variable, which holds JSON."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read them; without the variable, they are the defaults.

        Raises:
            VariableError: if the variable is malformed.
        """
        try:
            return cls.model_validate_json(environment.get(cls.variable) or "{}")
        except ValidationError as error:
            raise VariableError(
                f"environment variable {cls.variable} is malformed: {error}"
            ) from error
