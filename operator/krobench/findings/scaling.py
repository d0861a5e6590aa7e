"""What a scale test found: its steps, the limit, and how figures grow with size."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.api.specs.scaletest import Axis


class StepVerdict(StrEnum):
    """Whether kro met the SLOs at a size."""

    MET = "Met"
    BREACHED = "Breached"
    INVALID = "Invalid"
    FAILED = "Failed"
    """It could not be measured: the test's error says why."""


class Trial(ApiModel):
    """One repetition of a step."""

    iteration: int
    """Index of the iteration in the step's test."""
    met: bool | None
    """Whether all SLOs were met; None where that cannot be told: it counts neither way then."""
    message: str = ""
    """Why it cannot be told; empty where it can."""
    breached: list[str] = Field(default_factory=list)
    """The SLOs that were not, with the measured value and the bound in words."""
    values: dict[str, float | None] = Field(default_factory=dict)
    """Of the names that the SLOs use."""
    upon: float | None = None
    """The size that was there already, and was built upon; None where it began from nothing."""


class ScaleStep(ApiModel):
    """A size at which kro was measured."""

    size: float
    test: str
    """Name of the test record that holds its numbers."""
    refined: bool = False
    """Whether it comes from the search between the last good and the first bad step."""
    decisive: bool = False
    """Whether the limit rests on it, so that it was repeated."""
    trials: list[Trial] = Field(default_factory=list)
    verdict: StepVerdict | None = None
    """None before its first repetition has ended."""


class LimitState(StrEnum):
    """Whether the limit lies within the steps."""

    FOUND = "Found"
    NOT_REACHED = "NotReached"
    """All SLOs were met at the largest step."""
    BELOW_FIRST = "BelowFirst"
    """The SLOs were not met at the smallest step."""
    UNDECIDED = "Undecided"
    """The test was stopped before a breach."""


class Limit(ApiModel):
    """The largest size at which kro meets the SLOs."""

    state: LimitState
    size: float | None = None
    """The estimate. None where the state is neither Found nor NotReached; with NotReached, the
    largest size that was tried."""
    low: float | None = None
    """Lower end of its interval; None where there is none."""
    high: float | None = None
    confidence: float | None = None
    """Of the interval, such as 0.95; None where it only says between which steps the limit lies."""
    method: Literal["crossing", "bracket"] | None = None
    """crossing: where the figure of the breached SLO, against size, crosses its bound; bracket:
    between the last size that met all SLOs and the first that did not."""
    last_met: float | None = None
    """Largest size at which most repetitions met all SLOs, all smaller ones too."""
    first_breach: float | None = None
    """Smallest size at which most repetitions did not."""
    breached: str | None = None
    """The SLO that decides it."""
    message: str = ""
    """A sentence for users."""


class CurvePoint(ApiModel):
    """One repetition."""

    size: float
    value: float


class Parameter(ApiModel):
    """A parameter of a fit with its interval at 95 %."""

    name: str
    value: float
    low: float | None = None
    """None where the points are too few for an interval."""
    high: float | None = None


CurveModel = Literal["linear", "power", "usl", "knee"]


class CurveFit(ApiModel):
    """One way to describe a curve."""

    model: CurveModel
    """linear: intercept + slope * size, by Theil-Sen; power: factor * size ** exponent; usl:
    Universal Scalability Law; knee: flat, then rising, in two straight pieces."""
    parameters: list[Parameter]
    error_ratio: float | None = None
    """Median of the deviations of points from it, left out in turns, over their values."""


class Curve(ApiModel):
    """How a figure grows with size."""

    figure: str
    """Its name, as thresholds use it, such as memory.residentMaxBytes."""
    unit: Literal["seconds", "bytes", "cores", "per_second", "number"]
    axis: Axis
    points: list[CurvePoint]
    fits: list[CurveFit] = Field(default_factory=list)
    """The one that describes it best first; empty where there are too few points."""
    peak: Parameter | None = None
    """usl: the size of the greatest throughput; knee: the size at which the curve bends. None
    where there is none within the range."""
    message: str = ""
    """What it shows, in a sentence for users."""


class Prediction(ApiModel):
    """The limit as predicted from the steps below it alone."""

    figure: str
    """The figure of the SLO that the prediction is for."""
    bound: float
    model: CurveModel
    largest_used: float
    """Largest size that the fit rests on; what lies beyond is extrapolated."""
    size: float
    low: float | None = None
    high: float | None = None
    extrapolated: bool
    measured: float | None = None
    """The limit that was measured afterwards; None where it was not."""
    error_ratio: float | None = None
    """(predicted - measured) / measured."""
    message: str = ""


class ScaleRecord(ApiModel):
    """What a ``KroScaleTest`` found."""

    axis: Axis
    sizes: list[float] = Field(default_factory=list)
    """Those of the spec that may be run, ascending; none before that has been checked."""
    steps: list[ScaleStep] = Field(default_factory=list)
    """In the order in which they were run."""
    stopped: str | None = None
    """Why it ended before its steps were done, such as a time budget; None where it did not."""
    limit: Limit | None = None
    """As far as it is known by now; None before a step has breached, or the test has ended."""
    curves: list[Curve] = Field(default_factory=list)
    predictions: list[Prediction] = Field(default_factory=list)
    next_to_try: str | None = None
    """A sentence: what would tell more, or help most."""
