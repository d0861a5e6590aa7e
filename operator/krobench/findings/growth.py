"""How figures grow with the size of a workload, and what a test costs beyond another one."""

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
    """Its name in the catalogue; its title if an older krobench stored it."""
    unit: SlopeUnit
    points: int
    """Measured iterations that have the figure."""
    per_one: float
    """Theil-Sen: the median over all pairs of iterations of different size."""
    low: float | None = None
    """Lower end of its interval at 95 %; None if a size has too few iterations: fewer than two,
    or with more than two sizes, fewer than five."""
    high: float | None = None


class CostDifference(ApiModel):
    """A figure of a test minus that of another: what the first costs beyond the second."""

    test: str
    minus: str
    figure: str
    """Its name in the catalogue; its title if an older krobench stored it."""
    unit: SlopeUnit
    points: int
    """Measured iterations of the test that have the figure."""
    minus_points: int
    value: float | None = None
    """Median over these iterations."""
    minus_value: float | None = None
    difference: float | None = None
    """Hodges-Lehmann: the median over all pairs of an iteration of each; None if a test has no
    iteration with the figure."""
    low: float | None = None
    """Lower end of its interval at 95 %; None if a test has fewer than two iterations."""
    high: float | None = None
    each: float | None = None
    """The difference for one instance; None for what does not grow with each."""
