"""What kro needs for a wanted scale, by what a run has measured at smaller ones."""

from typing import Literal

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.findings.recommendation import Setting


class SizedFigure(ApiModel):
    """A figure at the wanted scale."""

    figure: str
    unit: Literal["bytes", "cores", "number"]
    value: float
    low: float | None = None
    """Lower end of what it may be as well; None where the repetitions are too few for one."""
    high: float | None = None
    from_: list[str] = Field(alias="from")
    """What it was reckoned from, in words."""
    extrapolated: bool
    """Whether the scale lies beyond what was measured."""


class Sizing(ApiModel):
    """Requests, limits and flags of a kro for a wanted scale."""

    workload: str
    """The shape for which it holds."""
    kro_version: str | None = None
    rgds: int
    instances: int
    instances_per_second: float
    """That become ready, which CPU and workers are for."""
    memory: SizedFigure
    cpu: SizedFigure
    workers: SizedFigure | None = None
    """None where a worker's time for an instance is not available."""
    settings: list[Setting]
    """Requests, limits and flags; values of kro's chart for them are in ``helmValues``."""
    notes: list[str] = Field(default_factory=list)
    """What a reader has to know before relying on it."""
