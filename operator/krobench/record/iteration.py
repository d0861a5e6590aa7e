"""What is recorded of one iteration of a test."""

from pydantic import Field

from krobench.api.common import TIMEOUT, ApiModel, ErrorInfo
from krobench.api.specs.load import Operation
from krobench.figures.catalogue import RUN_SECONDS
from krobench.figures.measures import (
    Counts,
    Figures,
    KroRestart,
    Latencies,
    LoadGenerator,
    OperationCounts,
    PartLists,
)
from krobench.figures.precision import SteadyState
from krobench.findings.steady import AnyUnsteady
from krobench.findings.validity import Validity


class Teardown(ApiModel):
    """The result of a cleanup; it never hides a result of the test."""

    done: bool
    """False when the policy keeps the objects or the cleanup failed."""
    duration_seconds: float = 0.0
    error: ErrorInfo | None = None
    remaining: list[str] = Field(default_factory=list)
    """Objects that are still there, as kind/namespace/name; at most 20."""


class PhaseRecord(ApiModel):
    """One phase of an iteration."""

    index: int
    """Position among the test's phases, from 0."""
    operation: Operation
    duration_seconds: float
    counts: OperationCounts
    latency: Latencies
    """Of this phase's operations alone."""
    generator: LoadGenerator | None = None
    operations_per_second: float | None = None
    """Operations done over the time from the first request to the last effect."""
    kro_cpu_seconds: float | None = None
    kro_api_requests: float | None = None


class Soak(ApiModel):
    """How long all that was ready was kept after the run phase, and kro sampled."""

    seconds: float
    steady: bool | None = None
    """With soakUntil Steady: whether kro was steady at its end; None if that is not known."""
    memory_bytes_per_second: float | None = None
    """With soakUntil Steady: how fast kro's resident memory still grew at its end, or fell."""
    unsteady: list[AnyUnsteady] = Field(default_factory=list)
    """Why kro was not steady, or why that is unknown."""


class IterationRecord(ApiModel):
    """One iteration of a test."""

    index: int
    """Position in the test, warm-up included, from 0."""
    warmup: bool
    """Whether it is not summarised: it warms up, or kro was profiled."""
    profiled: bool = False
    """Whether kro was profiled in it."""
    visit: int = 0
    """With variants: how often kro had been restarted for this one before, from 0."""
    start_time: str
    end_time: str
    duration_seconds: float
    """Set-up and run, without cleanup."""
    soak: Soak | None = None
    """What came after the run phase; None if nothing was asked for, or the run phase failed."""
    success: bool
    error: ErrorInfo | None = None
    validity: Validity = Field(default_factory=Validity)
    counts: Counts
    steady_state: SteadyState | None = None
    """Of the latencies in the order of their requests; None if the load is not meant to be
    steady."""
    generator: LoadGenerator | None = None
    """None in a closed loop, which has no schedule, and if no run phase was reached."""
    latency: Latencies = Field(default_factory=Latencies)
    figures: Figures = Field(default_factory=Figures)
    """By their names in the catalogue. Costs per instance of several phases are those of the first,
    which creates instances and does nothing else."""
    parts: PartLists = Field(default_factory=PartLists)
    """What sums consist of."""
    kro_restarts: list[KroRestart] = Field(default_factory=list)
    """In set-up and run."""
    phases: list[PhaseRecord] = Field(default_factory=list)
    """If the test has several phases; the other numbers are then of all of them together."""
    unavailable: dict[str, str] = Field(default_factory=dict)
    """Why a figure is missing, by its name or that of its source."""
    teardown: Teardown | None = None

    @property
    def run_seconds(self) -> float | None:
        """Length of the run phase; None if it was not reached."""
        return self.figures[RUN_SECONDS]

    @property
    def timed_out(self) -> bool:
        """Whether its only error is that not everything was ready in time."""
        return self.error is not None and self.error.reason == TIMEOUT
