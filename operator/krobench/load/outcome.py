"""What one iteration came to, before anything is made of it."""

from dataclasses import dataclass, field

from krobench.api.common import ErrorInfo
from krobench.load.probe import WatchLag
from krobench.record.iteration import Hold
from krobench.record.lines import ObjectRecord
from krobench.workload.steps import StepPlan


@dataclass
class StepOutcome:
    """When a step was begun and ended; the end is that of the iteration where it failed."""

    plan: StepPlan
    started_seconds: float
    ended_seconds: float | None = None
    schedule: tuple[float, ...] | None = None
    """When its operations were to be sent; None in a closed loop."""


@dataclass
class Outcome:
    """What an iteration came to; times are seconds on the run's clock."""

    started_seconds: float
    run_started_seconds: float | None = None
    run_ended_seconds: float | None = None
    ended_seconds: float | None = None
    held_until_seconds: float | None = None
    """Until when all that was ready was kept for samples; None where it was not."""
    hold: Hold | None = None
    """What is recorded of that."""
    error: ErrorInfo | None = None
    records: list[ObjectRecord] = field(default_factory=list)
    watch_interruptions: int = 0
    steps: list[StepOutcome] = field(default_factory=list)
    """The steps that were begun."""
    children_unavailable: str | None = None
    """Why the first and last child of instances could not be timed."""
    watch_lag: WatchLag | None = None
    phases_unavailable: str | None = None
    """Why the compilation of RGDs could not be timed."""
    invalid: list[ErrorInfo] = field(default_factory=list)
    """Why what was measured is not what was asked for."""
    metrics: dict[str, float | None] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    """Why a metric is None."""
    requests_elsewhere: int = 0
    """Requests of the run phase that other shards sent."""
    watch_interruptions_elsewhere: int = 0
