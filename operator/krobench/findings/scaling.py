"""What a scale test found: its sizes, the limit, and how figures grow with size."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from krobench.api.common import ApiModel, ErrorInfo
from krobench.api.specs.scaletest import Axis
from krobench.figures.reasons.figures import AnyReason
from krobench.findings.finding import Finding, Quoted, quoted
from krobench.findings.validity import AnyCause

FigureUnit = Literal["seconds", "bytes", "cores", "per_second", "number"]


class SizeVerdict(StrEnum):
    """Whether kro met the SLOs at a size."""

    MET = "Met"
    BREACHED = "Breached"
    INVALID = "Invalid"
    FAILED = "Failed"
    """It could not be measured: the test's error says why."""


class SloMissed(Finding):
    """An SLO was evaluated and not met."""

    code: Literal["SloMissed"] = "SloMissed"
    slo: str
    measured: dict[str, float]
    """What decided it, by figure."""


class KroKilled(Finding):
    """kro was killed because it ran out of memory."""

    code: Literal["KroKilled"] = "KroKilled"
    cause: AnyCause


class NotReadyInTime(Finding):
    """Not all objects were ready before the timeout."""

    code: Literal["NotReadyInTime"] = "NotReadyInTime"
    error: ErrorInfo


AnyBreach = Annotated[SloMissed | KroKilled | NotReadyInTime | Quoted, Field(discriminator="code")]
"""Why an iteration counts as a breach."""


class InvalidIteration(Finding):
    """The iteration's numbers are invalid."""

    code: Literal["InvalidIteration"] = "InvalidIteration"
    causes: list[AnyCause]


class SloUndecided(Finding):
    """An SLO uses a number that is not available, or could not be evaluated."""

    code: Literal["SloUndecided"] = "SloUndecided"
    missing: dict[str, AnyReason | None]
    """The metric or SLO, and why; null if that is unknown."""


class BudgetUsedUp(Finding):
    """``spec.budget.duration`` ran out."""

    code: Literal["BudgetUsedUp"] = "BudgetUsedUp"
    duration: str


AnyDoubt = Annotated[
    InvalidIteration | SloUndecided | BudgetUsedUp | Quoted, Field(discriminator="code")
]
"""Why an iteration counts neither as met nor as a breach."""


class SizeIteration(ApiModel):
    """One iteration of a size."""

    iteration: int
    """Index of the iteration in the size's test."""
    met: bool | None
    """Whether all SLOs were met; None if undecided: it counts neither way then."""
    undecided: AnyDoubt | None = None
    """Why it is undecided."""
    breached: list[AnyBreach] = Field(default_factory=list)
    """Why it is a breach."""
    values: dict[str, float | None] = Field(default_factory=dict)
    """Of the names that the SLOs use."""
    upon: float | None = None
    """The size that existed already and was added to; None if it began from nothing."""


class SizeRecord(ApiModel):
    """A size at which kro was measured."""

    size: float
    test: str
    """Name of the test record that holds its numbers."""
    refined: bool = False
    """Whether the search added it between the last good and the first bad size."""
    decisive: bool = False
    """Whether the limit depends on it, so that it was repeated."""
    iterations: list[SizeIteration] = Field(default_factory=list)
    verdict: SizeVerdict | None = None
    """None before its first iteration has ended."""


class BeyondBudget(Finding):
    """A size has more instances than ``spec.budget.maxInstances``."""

    code: Literal["BeyondBudget"] = "BeyondBudget"
    instances: int
    most: int


class TooManyObjects(Finding):
    """A size has more objects at once than the chart's ``load.maxObjects``."""

    code: Literal["TooManyObjects"] = "TooManyObjects"
    objects: int
    most: int


class SizeRefused(Finding):
    """A size makes a test that the rules for specs refuse."""

    code: Literal["SizeRefused"] = "SizeRefused"
    refusal: str
    """It names the field and what to do."""


AnyUnusable = Annotated[
    BeyondBudget | TooManyObjects | SizeRefused | Quoted, Field(discriminator="code")
]
"""Why a size must not be run."""


class SizesLeftOut(Finding):
    """Larger sizes of the spec must not be run."""

    code: Literal["SizesLeftOut"] = "SizesLeftOut"
    sizes: list[float]
    why: Annotated[AnyUnusable, BeforeValidator(quoted)]
    """Why the smallest of them must not."""


class SizeNotMeasured(Finding):
    """A size failed."""

    code: Literal["SizeNotMeasured"] = "SizeNotMeasured"
    test: str
    error: ErrorInfo | None


class SizeInvalid(Finding):
    """A size was repeated, and no iteration could be judged."""

    code: Literal["SizeInvalid"] = "SizeInvalid"
    test: str
    iterations: int
    last: AnyDoubt | None
    """Why its last iteration could not be judged."""


class RunAborted(Finding):
    """An error ended the run after some sizes were measured."""

    code: Literal["RunAborted"] = "RunAborted"
    error: ErrorInfo


AnyStop = Annotated[
    BudgetUsedUp | SizesLeftOut | SizeNotMeasured | SizeInvalid | RunAborted | Quoted,
    Field(discriminator="code"),
]
"""Why a scale test ended before it had run all of its sizes."""


class LimitState(StrEnum):
    """Whether the limit lies within the sizes."""

    FOUND = "Found"
    NOT_REACHED = "NotReached"
    """All SLOs were met at the largest size."""
    BELOW_FIRST = "BelowFirst"
    """The SLOs were not met at the smallest size."""
    UNDECIDED = "Undecided"
    """The test ended before a breach."""


class NoInterval(StrEnum):
    """Why a limit is only known to lie between two sizes."""

    NOT_ONE_BOUND = "NotOneBound"
    """The SLO is more than a bound of one figure, or its figure was not measured."""
    NOT_REPEATED = "NotRepeated"
    """The figure has one value at one of the two sizes."""
    SCATTERS = "Scatters"
    """Some size clearly contradicts the crossing."""
    NOT_GROWING = "NotGrowing"
    """The figure does not clearly grow around the two sizes."""


class Limit(ApiModel):
    """The largest size at which kro meets the SLOs."""

    state: LimitState
    size: float | None = None
    """The estimate. None if the state is neither Found nor NotReached; with NotReached, the
    largest size that was tried."""
    low: float | None = None
    """Lower end of its interval; None if there is none."""
    high: float | None = None
    confidence: float | None = None
    """Of the interval, such as 0.95; None if it only says between which sizes the limit lies."""
    method: Literal["crossing", "bracket"] | None = None
    """crossing: where the figure of the breached SLO, against size, crosses its bound; bracket:
    between the last size that met all SLOs and the first that did not."""
    no_interval: NoInterval | None = None
    """Why the method is bracket."""
    figure: str | None = None
    """The figure whose bound was missed."""
    fitted_from: float | None = None
    """crossing: smallest and largest size of the fit."""
    fitted_to: float | None = None
    last_met: float | None = None
    """Largest size at which most iterations met all SLOs, all smaller ones too."""
    first_breach: float | None = None
    """Smallest size at which most iterations did not."""
    met_again: float | None = None
    """Largest size beyond the first breach at which all SLOs were met."""
    breached: str | None = None
    """The SLO that decides it."""
    breach: AnyBreach | None = None
    """What was missed, if it is not an SLO."""
    text: str | None = None
    """The sentence that a record of version 1 has."""


class CurvePoint(ApiModel):
    """One iteration."""

    size: float
    value: float


class Parameter(ApiModel):
    """A parameter of a fit with its interval at 95 %."""

    name: str
    value: float
    low: float | None = None
    """None if there are too few points for an interval."""
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

    def parameter(self, name: str) -> Parameter | None:
        return next((each for each in self.parameters if each.name == name), None)


class Trend(StrEnum):
    """What a curve shows."""

    TOO_FEW_SIZES = "TooFewSizes"
    UNCHANGED = "Unchanged"
    """No change beyond the scatter."""
    LINEAR = "Linear"
    """Each further unit of size adds or takes off the same."""
    POWER = "Power"
    """Each doubling of size multiplies by the same."""
    PEAK = "Peak"
    """Throughput is greatest within the sizes."""
    PEAK_BEYOND = "PeakBeyond"
    """Throughput was still growing at the largest size."""
    FALLING = "Falling"
    """Throughput falls from the smallest size on."""
    KNEE = "Knee"
    """Flat up to a size, rising beyond."""


class Curve(ApiModel):
    """How a figure grows with size."""

    figure: str
    """Its name, as thresholds use it, such as kro.memory.residentBytes.max."""
    unit: FigureUnit
    axis: Axis
    points: list[CurvePoint]
    fits: list[CurveFit] = Field(default_factory=list)
    """The one that describes it best first; empty if there are too few points."""
    trend: Trend = Trend.TOO_FEW_SIZES
    peak: Parameter | None = None
    """usl: the size of the greatest throughput; knee: the size at which the curve bends. None
    if there is none within the range."""
    text: str | None = None
    """The sentence that a record of version 1 has."""


class Prediction(ApiModel):
    """The limit as predicted from the sizes below it alone."""

    figure: str
    """The figure of the SLO that the prediction is for."""
    bound: float
    model: CurveModel
    largest_used: float
    """Largest size of the fit; what lies beyond is extrapolated."""
    size: float
    low: float | None = None
    high: float | None = None
    extrapolated: bool
    measured: float | None = None
    """The limit that was measured afterwards; None if it was not."""
    error_ratio: float | None = None
    """(predicted - measured) / measured."""


class NextStep(StrEnum):
    """What to change in the spec to learn more about the limit."""

    GO_FURTHER = "GoFurther"
    START_SMALLER = "StartSmaller"
    MAKE_SIZE_VALID = "MakeSizeValid"
    ALLOW_LARGER_SIZES = "AllowLargerSizes"
    ALLOW_MORE_TIME = "AllowMoreTime"
    RUN_AGAIN = "RunAgain"
    REPEAT_MORE = "RepeatMore"
    """The interval is wide."""
    SMALLER_INCREMENTS = "SmallerIncrements"
    REFINE = "Refine"
    REPEAT = "Repeat"
    """An interval needs repeated sizes."""
    FINISH_SEARCH = "FinishSearch"
    """The budget ended the search between two sizes."""
    QUOTED = "Quoted"


class NextToTry(ApiModel):
    """What to try to learn more about the limit."""

    step: NextStep
    size: float | None = None
    """GoFurther: the largest size tried; StartSmaller: the smallest; MakeSizeValid: that size."""
    low: float | None = None
    """Between which sizes the limit lies."""
    high: float | None = None
    iterations: int | None = None
    """RepeatMore: those of the spec; Repeat: those to ask for."""
    figure: str | None = None
    """GoFurther: the figure that is predicted to reach its bound first."""
    predicted: float | None = None
    """GoFurther: at which size."""
    text: str | None = None
    """Quoted: the sentence that a record of version 1 has."""


class ScaleRecord(ApiModel):
    """What a ``KroScaleTest`` found."""

    axis: Axis
    planned: list[float] = Field(default_factory=list)
    """The sizes of the spec that may be run, ascending; empty before that has been checked."""
    sizes: list[SizeRecord] = Field(default_factory=list)
    """In the order in which they were run."""
    stopped: AnyStop | None = None
    """Why it ended early; None if it did not."""
    limit: Limit | None = None
    """As far as it is known; None before a size has breached, or the test has ended."""
    curves: list[Curve] = Field(default_factory=list)
    predictions: list[Prediction] = Field(default_factory=list)
    next_to_try: NextToTry | None = None
