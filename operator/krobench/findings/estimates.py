"""What comparisons need of each run, and in what runs differ."""

from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field, field_validator

from krobench.api.common import ApiModel
from krobench.api.specs.results import DifferenceKind
from krobench.figures.environment import Environment
from krobench.findings.incomparable import AnyUnusable

_BEFORE_THERE_WAS = {"workload.seed": "0"}
"""What a workload did before there was a setting for it."""


class TestEstimates(ApiModel):
    """The estimates of one test of a run."""

    __test__ = False  # pytest would collect a class of this name

    name: str
    workload: dict[str, str]
    """What was done, by the name of the setting: must be alike in runs that are compared."""
    iterations: list[dict[str, float | None]]
    """Of each measured iteration that went well, its numbers by name; never raw lines."""

    @field_validator("workload", mode="before")
    @classmethod
    def _with_current_names(cls, stored: Any) -> Any:
        """Read older baselines: they call phases ``steps``, and lack settings that came later."""
        if not isinstance(stored, dict):
            return stored
        return _BEFORE_THERE_WAS | {
            "phases" if name == "steps" else name: stored[name] for name in stored
        }


class RunEstimates(ApiModel):
    """What comparisons need of a run."""

    id: str
    """UID of the custom resource."""
    name: str
    namespace: str
    start_time: str
    environment: Environment
    unusable: AnyUnusable | None = None
    """Why the run must not be compared."""
    tests: list[TestEstimates] = Field(default_factory=list)


class DifferenceSubject(StrEnum):
    """What runs can differ in."""

    KROBENCH = "Krobench"
    KUBERNETES = "Kubernetes"
    NODES = "Nodes"
    KRO_VERSION = "KroVersion"
    KRO_IMAGE = "KroImage"
    KRO_REPLICAS = "KroReplicas"
    KRO_FLAG = "KroFlag"
    KRO_ENV = "KroEnv"
    KRO_REQUEST = "KroRequest"
    KRO_LIMIT = "KroLimit"
    SETTING = "Setting"
    """A field of the spec."""


class NodeShape(ApiModel):
    """What a node is made of; nodes of other names may be alike."""

    model_config = ConfigDict(frozen=True)

    cpu: str | None = None
    memory: str | None = None
    """In whole Gi, as the memory of equal machines differs by a little."""
    kernel: str | None = None
    kubelet: str | None = None


DifferenceValue = str | tuple[NodeShape, ...] | None
"""None: absent or unknown. Of a flag without a value, it is empty."""


class Difference(ApiModel):
    """Something in which the runs differ."""

    kind: DifferenceKind
    test: str | None = None
    """None if it does not concern a single test."""
    subject: DifferenceSubject | None = None
    """None if an older krobench stored it in words."""
    name: str | None = None
    """Of the flag, variable, resource or setting."""
    what: str | None = None
    """What an older krobench stored instead of subject and name."""
    old: list[DifferenceValue]
    """All values on the old side."""
    new: list[DifferenceValue]
    allowed: bool
