"""The environment of a run, which must be alike before two runs may be compared, and kro and the
clocks at a moment, on which a run's validity depends. A moment is never stored."""

from dataclasses import dataclass

from pydantic import Field

from krobench.api.common import ApiModel


class KroFingerprint(ApiModel):
    """The kro that was measured."""

    namespace: str
    pod: str
    node: str | None = None
    image: str | None = None
    image_id: str | None = None
    """What the container runtime pulled for it, with the hash."""
    version: str | None = None
    args: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    requests: dict[str, str] = Field(default_factory=dict)
    limits: dict[str, str] = Field(default_factory=dict)
    replicas: int = 1
    restarts: int = 0


class NodeFingerprint(ApiModel):
    """A node of the cluster."""

    name: str
    cpu: str | None = None
    memory: str | None = None
    kernel: str | None = None
    kubelet: str | None = None


class Environment(ApiModel):
    """What must be alike before two runs may be compared."""

    krobench: str
    kubernetes: str | None = None
    kro: KroFingerprint | None = None
    nodes: list[NodeFingerprint] = Field(default_factory=list)


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
class Replacement:
    """A time in which a phase replaced kro's pods; seconds on the run's clock."""

    started_seconds: float
    ended_seconds: float
    """Infinite if no new pod has led."""
    pods: frozenset[str]
    """Names of the pods that it started."""
    changed: bool = False
    """Whether these are configured otherwise than the pods before."""


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
