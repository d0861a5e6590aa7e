"""Whether a test has come to a steady state, as far as that can be told."""

from krobench.api.common import ApiModel


class SteadyState(ApiModel):
    """What MSER says of a sequence; ``krobench.analysis.statistics.steadystate`` says how."""

    observations: int
    cut: int | None = None
    """Observations at the beginning that are not of the steady state; null where that cannot be
    told."""
    steady: bool | None = None
    """False where the observations go on changing; null where that cannot be told."""
    message: str
