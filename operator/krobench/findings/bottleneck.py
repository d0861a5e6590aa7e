"""What held kro back in a test, ranked, with the numbers that speak for and against."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from krobench.api.common import ApiModel


class BottleneckKind(StrEnum):
    """What can hold a test back. ``docs/explanation/bottlenecks.md`` says how each is found."""

    GENERATOR = "Generator"
    KRO_WORKERS = "KroWorkers"
    KRO_CPU = "KroCPU"
    KRO_MEMORY = "KroMemory"
    REQUEUE_WAIT = "RequeueWait"
    API_SERVER = "APIServer"
    WATCH_REINITIALISATION = "WatchReinitialisation"
    ADMISSION = "Admission"
    ETCD = "Etcd"
    POISONED_RGD = "PoisonedRGD"


EvidenceUnit = Literal["seconds", "bytes", "ratio", "number", "per_second"]


class Evidence(ApiModel):
    """A measured number that speaks for or against something."""

    figure: str
    """What was measured, in words such as 'utilisation of the instance workers'."""
    value: float
    unit: EvidenceUnit
    expected: str = ""
    """What it is compared with, such as 'above 90 %'; empty where it speaks for itself."""
    speaks_for: bool
    """Whether it speaks for the finding; otherwise against it."""


class Bottleneck(ApiModel):
    """One of the causes that held kro back."""

    kind: BottleneckKind
    subject: str | None = None
    """What exactly, such as a worker pool or an RGD's name."""
    score: float = Field(ge=0, le=1)
    """How much speaks for it: about the share of the time that it explains. It orders causes,
    and is no probability."""
    message: str
    """A sentence for users."""
    evidence: list[Evidence] = Field(default_factory=list)
    """Weightiest first."""


class Attribution(ApiModel):
    """What held a test back."""

    bottlenecks: list[Bottleneck] = Field(default_factory=list)
    """Ranked, the first one first; empty where nothing stands out."""
    unavailable: dict[BottleneckKind, str] = Field(default_factory=dict)
    """Causes that could be neither found nor ruled out, and why."""
