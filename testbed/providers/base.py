"""What every provider can do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from testbed.image import ImageRequest
from testbed.settings import ClusterSettings, KroSettings


@dataclass(frozen=True)
class UpRequest:
    """What ``up`` was asked for. Without ``kro``, none is to be there."""

    cluster: ClusterSettings
    kro: KroSettings | None
    install_kro: bool = False
    """Whether kro may be installed in a cluster that is not ours."""


@dataclass(frozen=True)
class StatusReport:
    """The state of a cluster, for scripts and for people."""

    healthy: bool
    text: str
    data: dict[str, Any]


class Provider(Protocol):
    """A place to run benchmarks in."""

    def up(self, request: UpRequest) -> None:
        """Make the cluster and kro be there."""

    def down(self) -> None:
        """Remove what ``up`` made."""

    def status(self) -> StatusReport:
        """Look at the cluster."""

    def kubeconfig(self) -> Path:
        """Where the kubeconfig is."""

    def image(self, request: ImageRequest) -> str:
        """Make the operator's image available to pods, and return its reference."""
