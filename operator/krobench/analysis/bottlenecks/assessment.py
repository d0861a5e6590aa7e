"""What a cause's module says of it, before it is ranked."""

from dataclasses import dataclass, field
from enum import Enum, auto

from krobench.findings.bottleneck import BottleneckKind, Evidence, EvidenceUnit


class Of(Enum):
    """Of which part of the time in question a cause explains a share."""

    LOAD = auto()
    """Of the load that was asked for."""
    WORK = auto()
    """Of the time that reconciles take, and so of the time that instances queue for them."""
    QUEUE = auto()
    """Of the time that instances wait for a worker, as far as nothing in the work explains it."""
    IDLE = auto()
    """Of the time in which nobody is at an instance."""
    SET_UP = auto()
    """Of the time that the set-up takes."""
    SET_UP_QUEUE = auto()
    """Of the time that RGDs wait for a worker, as far as nothing else explains it."""


@dataclass(frozen=True)
class Assessment:
    """How much of something a cause explains."""

    kind: BottleneckKind
    of: Of
    share: float
    message: str
    evidence: list[Evidence] = field(default_factory=list)
    subject: str | None = None
    at_least: float = 0.0
    """A score that it has whatever it explains."""


def evidence(
    figure: str, value: float | None, unit: EvidenceUnit, expected: str, *, speaks_for: bool
) -> list[Evidence]:
    """Return a figure as evidence; none where it was not measured."""
    if value is None:
        return []
    return [
        Evidence(
            figure=figure,
            value=round(value, 6),
            unit=unit,
            expected=expected,
            speaks_for=speaks_for,
        )
    ]


def ramp(value: float, low: float, high: float) -> float:
    """Return how far a value is on its way from ``low``, which is zero, to ``high``, one."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
