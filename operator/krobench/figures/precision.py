"""How well the headline figure of a test is known, and whether it has come to a steady state."""

from typing import Literal

from krobench.api.common import ApiModel

Observed = Literal["iterations", "instances"]


class Headline(ApiModel):
    """The figure that stands for a test, with its measured iterations as the replicates."""

    iterations: int
    """Those that have a median time until ready."""
    mean_seconds: float
    """Mean of these medians."""
    low_seconds: float | None = None
    """Lower end of the 95% interval of that mean; null for fewer than three iterations."""
    high_seconds: float | None = None
    """Its upper end."""
    half_width_ratio: float | None = None
    """How far the upper end is above the mean, over the mean: the precision reached."""


class Stop(ApiModel):
    """Why a test that asks for a precision was not repeated further."""

    reason: Literal["PrecisionReached", "MaxIterations"]
    iterations: int | None = None
    """Measured ones, by then."""
    half_width_ratio: float | None = None
    """The precision reached; null if it is unknown."""
    target_ratio: float | None = None
    text: str | None = None
    """The sentence that an older krobench stored."""


class SteadyState(ApiModel):
    """The result of MSER for a sequence; see ``krobench.analysis.statistics.steadystate``."""

    of: Observed
    """What the sequence consists of."""
    observations: int
    needed: int | None = None
    """How many observations it takes to decide; null if there are enough."""
    gaps: bool = False
    """Whether some iterations have no median, so it cannot be decided."""
    cut: int | None = None
    """Observations at the beginning that are not of the steady state; null if undecided."""
    steady: bool | None = None
    """False if the observations keep changing; null if undecided."""
    halves_ratio: float | None = None
    """Median of the second half over that of the first; null if undecided."""
    outrun: "Outrun | None" = None
    """How far the load outruns kro; null if it does not."""
    text: str | None = None
    """The sentence that an older krobench stored."""


class Outrun(ApiModel):
    """An open loop that asks for more than kro can make; see ``steadystate.Pace``."""

    waiting: int
    """Instances that were not ready when the last was due."""
    due_per_second: float
    ready_per_second: float
