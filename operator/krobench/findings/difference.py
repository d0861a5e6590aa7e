"""What a test costs beyond another one."""

from typing import Literal

from krobench.api.common import ApiModel

DifferenceUnit = Literal["bytes", "seconds", "number"]


class CostDifference(ApiModel):
    """A figure of a test minus that of another: what the first costs beyond the second."""

    test: str
    minus: str
    figure: str
    unit: DifferenceUnit
    points: int
    """Measured iterations of the test that have the figure."""
    minus_points: int
    value: float | None = None
    """Median over these iterations."""
    minus_value: float | None = None
    difference: float | None = None
    """Hodges-Lehmann: the median over all pairs of an iteration of each; None where a test has no
    iteration with the figure."""
    low: float | None = None
    """Lower end of its interval at 95 %; None where a test has fewer than two iterations."""
    high: float | None = None
    each: float | None = None
    """The difference for one instance; None for what does not grow with each."""
