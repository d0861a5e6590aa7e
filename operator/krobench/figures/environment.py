"""The environment of a run: what must be alike before two runs may be compared."""

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
