"""The state of a cluster at a moment, as far as a run's validity depends on it; never stored."""

from dataclasses import dataclass

from krobench.figures.environment import KroFingerprint


@dataclass(frozen=True)
class KroPodState:
    """One of kro's pods."""

    uid: str
    name: str
    restarts: int
    """Of kro's container."""
    last_end: str | None
    """How the container ended the last time, as 'OOMKilled, exit code 137'; None: it never did."""
    fingerprint: KroFingerprint
    """Its settings."""


@dataclass(frozen=True)
class Moment:
    """kro and the clocks at one moment."""

    seconds: float
    """On the run's clock, which is monotonic."""
    zero_epoch_seconds: float
    """When the run's clock stood at zero, by what the wall clock says now."""
    pods: tuple[KroPodState, ...] = ()
    """Those that are not on their way out."""
    leader: str | None = None
    """Who holds kro's lease; None if there is none."""
