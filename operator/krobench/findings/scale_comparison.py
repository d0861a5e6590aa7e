"""What a comparison of scale tests gives, in the form in which it is printed."""

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.api.specs.scaletest import Axis
from krobench.findings.comparison import (
    AnyInconclusive,
    MetricComparison,
    MetricVerdict,
    Replicates,
)
from krobench.findings.estimates import Difference
from krobench.findings.incomparable import AnyOmission, AnyRefusal
from krobench.findings.scaling import FigureUnit, Limit


class GrowthComparison(ApiModel):
    """How much a figure grows for each further unit of size, on both sides; no verdict."""

    figure: str
    unit: FigureUnit
    old: float
    """Of several runs, their median."""
    new: float
    ratio: float
    """New over old."""
    ratio_low: float | None = None
    """Lower end of its 95 % interval, of single runs with an interval of their slopes."""
    ratio_high: float | None = None


class ScaleComparison(ApiModel):
    """Runs of a ``KroScaleTest`` against others."""

    old: str
    """What the old side is called."""
    new: str
    old_runs: list[str]
    """The runs that were compared, as namespace/name (UID)."""
    new_runs: list[str]
    replicates: Replicates | None = None
    """Iterations of sizes if each side is a single run."""
    axis: Axis | None = None
    """What all grow; None if that differs, so the limits are not compared."""
    minimum_effect: float
    """A change of less than this share is none."""
    fails_run: bool = False
    """Whether the run that was compared fails if its limit is smaller."""
    refused: AnyRefusal | None = None
    """Why there is no comparison."""
    differences: list[Difference] = Field(default_factory=list)
    left_out: list[AnyOmission] = Field(default_factory=list)
    """What was not compared, and why."""
    old_limits: list[Limit] = Field(default_factory=list)
    """Of each run; empty if there is no comparison."""
    new_limits: list[Limit] = Field(default_factory=list)
    ratio: float | None = None
    """The new limit over the old one, of several runs their medians; None if one of them is not
    known: with an interval of its own, of single runs."""
    ratio_low: float | None = None
    """Lower end of the ratio's 95 % interval; with ratio None, what it is at least. None if too
    few runs, or limits beyond the sizes, leave none."""
    ratio_high: float | None = None
    """Upper end; with ratio None, what it is at most."""
    p: float | None = None
    """Of several runs, as a metric's of benchmarks; None of single runs."""
    verdict: MetricVerdict | None = None
    """On the limit; None if there is no comparison."""
    notes: list[AnyInconclusive] = Field(default_factory=list)
    """Why the verdict is inconclusive, and what would give one."""
    metrics: list[MetricComparison] = Field(default_factory=list)
    """Exploratory: key figures at the sizes that all have measured, single runs repeatedly."""

    growth: list[GrowthComparison] = Field(default_factory=list)
    """Exploratory: of figures that grow along a straight line in all runs."""

    @property
    def worse(self) -> bool:
        """Whether the limit is smaller."""
        return self.verdict is MetricVerdict.WORSE

    @property
    def failed(self) -> bool:
        """Whether the run fails by this comparison."""
        return self.fails_run and self.worse

    @property
    def undecided(self) -> bool:
        """Whether nothing can be said of what a verdict was asked for."""
        return self.verdict is MetricVerdict.INCONCLUSIVE
