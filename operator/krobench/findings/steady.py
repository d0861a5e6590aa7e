"""Whether kro became steady after a load, and what still changed."""

from typing import Annotated, Literal

from pydantic import Field

from krobench.findings.finding import Finding, Quoted


class MemoryChanging(Finding):
    """Resident memory still grew, or fell (negative)."""

    code: Literal["MemoryChanging"] = "MemoryChanging"
    bytes_per_second: float


class CpuChanging(Finding):
    """CPU use still rose, or fell (negative), by so many cores within the window."""

    code: Literal["CpuChanging"] = "CpuChanging"
    cores: float


class QueueNotEmpty(Finding):
    """Instances were still in kro's queue."""

    code: Literal["QueueNotEmpty"] = "QueueNotEmpty"
    instances: int
    """The most in the window."""


class NotSampled(Finding):
    """A metric of kro that the check needs was not sampled."""

    code: Literal["NotSampled"] = "NotSampled"
    metric: str


class WindowTooShort(Finding):
    """There are too few samples since the load, or they cover too little time."""

    code: Literal["WindowTooShort"] = "WindowTooShort"
    samples: int
    seconds: float
    needed_samples: int
    needed_seconds: float


class TooFewCollections(Finding):
    """Garbage was collected fewer than twice since the load."""

    code: Literal["TooFewCollections"] = "TooFewCollections"
    collections: int


AnyUnsteady = Annotated[
    MemoryChanging
    | CpuChanging
    | QueueNotEmpty
    | NotSampled
    | WindowTooShort
    | TooFewCollections
    | Quoted,
    Field(discriminator="code"),
]
