"""The kinds of custom resources that ask for a run."""

from enum import StrEnum
from typing import NamedTuple

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.status import KroBenchmarkStatus, KroScaleTestStatus, RunStatus

RunSpec = KroBenchmarkSpec | KroScaleTestSpec


class RunKind(StrEnum):
    """What a run is asked for with; ``RunRecord.kind`` is the same in a record."""

    BENCHMARK = "KroBenchmark"
    SCALE_TEST = "KroScaleTest"

    @property
    def singular(self) -> str:
        """The name of one in kubectl's commands."""
        return self.value.lower()

    @property
    def plural(self) -> str:
        """The name of the resource in paths and RBAC rules."""
        return f"{self.singular}s"

    @property
    def spec(self) -> type[RunSpec]:
        """The model of its spec."""
        return KroBenchmarkSpec if self is RunKind.BENCHMARK else KroScaleTestSpec

    @property
    def status(self) -> type[RunStatus]:
        """The model of its status."""
        return KroBenchmarkStatus if self is RunKind.BENCHMARK else KroScaleTestStatus


class RunKey(NamedTuple):
    """What names a run in a cluster."""

    kind: RunKind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"
