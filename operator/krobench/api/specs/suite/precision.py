"""Repeating a test until its headline figure is known well enough."""

from typing import Annotated

from pydantic import Field
from pydantic.config import JsonDict

from krobench.api.common import ApiModel, Percentage

MIN_ITERATIONS = 3
"""Two replicates have an interval of 13 standard errors, and no use for it."""

_TOO_FEW = f"precision needs iterations of at least {MIN_ITERATIONS}"
_CROSSED = "precision.maxIterations must not be below iterations"

PRECISION_RULES: list[JsonDict] = [
    {
        "rule": f"!has(self.precision) || !has(self.iterations) "
        f"|| self.iterations >= {MIN_ITERATIONS}",
        "message": _TOO_FEW,
    },
    {
        "rule": "!has(self.precision) || !has(self.iterations) "
        "|| self.precision.maxIterations >= self.iterations",
        "message": _CROSSED,
    },
]


class Precision(ApiModel):
    """When a test has been repeated enough. ``iterations`` are the least; more follow until the
    95% interval of the mean of the iterations' median times until ready is narrow enough."""

    target: Percentage = "5%"
    """Half the width of that interval, as a share of the mean."""
    max_iterations: Annotated[int, Field(ge=MIN_ITERATIONS, le=100)] = 20
    """Measured iterations after which the test ends, precise or not."""

    @property
    def target_ratio(self) -> float:
        """``target`` as a ratio."""
        return float(self.target.removesuffix("%")) / 100


def check_precision(iterations: int, precision: Precision | None) -> None:
    """Check that the least iterations fit a precision.

    Raises:
        ValueError: if they do not.
    """
    if precision is None:
        return
    if iterations < MIN_ITERATIONS:
        raise ValueError(_TOO_FEW)
    if precision.max_iterations < iterations:
        raise ValueError(_CROSSED)
