"""Whether a test has come to a steady state, as far as that can be decided."""

from typing import Literal

from krobench.api.common import ApiModel

Observed = Literal["iterations", "instances"]


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
    text: str | None = None
    """The sentence that an older krobench stored."""
