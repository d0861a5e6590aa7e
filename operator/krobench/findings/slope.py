"""How a figure grows with the size of a workload."""

from typing import Annotated, Literal

from pydantic import Field

from krobench.api.common import ApiModel

SizeAxis = Literal["instances", "rgds"]
SlopeUnit = Literal["bytes", "seconds", "number"]


class Slope(ApiModel):
    """What one more instance or RGD adds, from tests that differ in nothing but their size."""

    tests: list[str]
    axis: SizeAxis
    sizes: Annotated[list[int], Field(min_length=2)]
    """Of these tests, ascending."""
    figure: str
    unit: SlopeUnit
    points: int
    """Measured iterations that have the figure."""
    per_one: float
    """Theil-Sen: the median over all pairs of iterations of different size."""
    low: float | None = None
    """Lower end of its interval at 95 %; None where a size has too few iterations: fewer than two,
    or with more than two sizes, fewer than five."""
    high: float | None = None
