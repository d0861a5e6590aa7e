"""What a comparison of two scale tests gives, in the form in which it is printed."""

from pydantic import Field

from krobench.model.common import ApiModel, ErrorInfo
from krobench.model.comparison import Difference, MetricComparison, MetricVerdict
from krobench.model.scaling import Axis, Limit


class ScaleComparison(ApiModel):
    """One run of a ``KroScaleTest`` against another."""

    old: str
    """What the old side is called."""
    new: str
    old_run: str
    """The run that was compared, as namespace/name (UID)."""
    new_run: str
    axis: Axis | None = None
    """What both grow; None where that differs, and the limits are not compared."""
    minimum_effect: float
    """A change of less than this share is none."""
    refused: ErrorInfo | None = None
    """Why there is no comparison."""
    differences: list[Difference] = Field(default_factory=list)
    left_out: list[str] = Field(default_factory=list)
    """What was not compared, and why."""
    old_limit: Limit | None = None
    new_limit: Limit | None = None
    ratio: float | None = None
    """The new limit over the old one; None where one of them is not known with an interval."""
    ratio_low: float | None = None
    """Lower end of the ratio's 95 % interval; with ratio None, what it is at least."""
    ratio_high: float | None = None
    """Upper end; with ratio None, what it is at most."""
    verdict: MetricVerdict | None = None
    """On the limit; None where there is no comparison."""
    note: str | None = None
    """Why the verdict is inconclusive, and what would do."""
    metrics: list[MetricComparison] = Field(default_factory=list)
    """Exploratory: key figures at the sizes that both have measured repeatedly."""

    @property
    def undecided(self) -> bool:
        """Whether nothing can be said of what a verdict was asked for."""
        return self.verdict is MetricVerdict.INCONCLUSIVE
