"""The kinds of custom resources, and references to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from krobench.api.common import GROUP_VERSION
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.specs.schedule import KroBenchmarkScheduleSpec
from krobench.api.status import (
    KroBenchmarkScheduleStatus,
    KroBenchmarkStatus,
    KroScaleTestStatus,
    RunStatus,
)

_SHORT_ID_LENGTH = 8
_NAMESPACE_NAME_LENGTH = 40

RunSpec = KroBenchmarkSpec | KroScaleTestSpec


class ResourceKind(StrEnum):
    """Kind of a custom resource."""

    @property
    def singular(self) -> str:
        """As in ``kubectl get krobenchmark``."""
        return self.value.lower()

    @property
    def plural(self) -> str:
        """As in API paths and RBAC rules."""
        return f"{self.singular}s"


class RunKind(ResourceKind):
    """Kind of the custom resource that requests a run."""

    BENCHMARK = "KroBenchmark"
    SCALE_TEST = "KroScaleTest"

    @property
    def spec(self) -> type[RunSpec]:
        return KroBenchmarkSpec if self is RunKind.BENCHMARK else KroScaleTestSpec

    @property
    def status(self) -> type[RunStatus]:
        return KroBenchmarkStatus if self is RunKind.BENCHMARK else KroScaleTestStatus


class ScheduleKind(ResourceKind):
    """Kind of the custom resource that creates others, each of which requests a run."""

    SCHEDULE = "KroBenchmarkSchedule"

    @property
    def spec(self) -> type[KroBenchmarkScheduleSpec]:
        return KroBenchmarkScheduleSpec

    @property
    def status(self) -> type[KroBenchmarkScheduleStatus]:
        return KroBenchmarkScheduleStatus


TEMPLATES: Mapping[str, RunKind] = {
    "benchmarkTemplate": RunKind.BENCHMARK,
    "scaleTestTemplate": RunKind.SCALE_TEST,
}
"""The kind of the runs that a schedule creates, by the field with their template."""

Kind = RunKind | ScheduleKind
KINDS: tuple[Kind, ...] = (*RunKind, *ScheduleKind)
"""All kinds of custom resources."""


def object_prefix(uid: str) -> str:
    """Return what the names of a run's cluster-scoped objects start with.

    With the run's label, it finds everything that a run leaves behind from its UID alone.
    """
    return f"kb-{short_id(uid)}-"


def short_id(uid: str) -> str:
    """Return the first eight hexadecimal digits of a UID."""
    return uid.replace("-", "")[:_SHORT_ID_LENGTH]


@dataclass(frozen=True, slots=True)
class RunRef:
    """Which run: the custom resource that asks for it."""

    kind: RunKind
    namespace: str
    name: str
    uid: str = ""
    """Empty if only the name is known."""

    @classmethod
    def of(cls, kind: RunKind, metadata: Mapping[str, Any]) -> Self:
        """Return the reference to a resource with this metadata."""
        return cls(kind, metadata["namespace"], metadata["name"], metadata["uid"])

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def short_id(self) -> str:
        return short_id(self.uid)

    @property
    def prefix(self) -> str:
        return object_prefix(self.uid)

    @property
    def own_namespace(self) -> str:
        """The namespace that the run creates for its objects if its spec names none."""
        stem = self.name[:_NAMESPACE_NAME_LENGTH].rstrip("-.")
        return f"kb-{stem}-{self.short_id}".replace(".", "-")

    @property
    def owner_reference(self) -> dict[str, Any]:
        """Makes an object in the same namespace go when the custom resource goes."""
        return _owner_reference(self.kind, self.name, self.uid)


@dataclass(frozen=True, slots=True)
class ScheduleRef:
    """Which schedule."""

    namespace: str
    name: str
    uid: str = ""
    """Empty if only the name is known."""

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """Return the reference to a resource with this metadata."""
        return cls(metadata["namespace"], metadata["name"], metadata["uid"])

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def kind(self) -> ScheduleKind:
        return ScheduleKind.SCHEDULE

    @property
    def owner_reference(self) -> dict[str, Any]:
        """Makes a run in the same namespace go when the schedule goes."""
        return _owner_reference(self.kind, self.name, self.uid)


def _owner_reference(kind: Kind, name: str, uid: str) -> dict[str, Any]:
    return {
        "apiVersion": GROUP_VERSION,
        "kind": kind.value,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def owning_schedule(metadata: Mapping[str, Any]) -> ScheduleRef | None:
    """Return the schedule that created a run with this metadata; None if none did."""
    for owner in metadata.get("ownerReferences") or []:
        if owner["kind"] == ScheduleKind.SCHEDULE and owner["apiVersion"] == GROUP_VERSION:
            return ScheduleRef(metadata["namespace"], owner["name"], owner["uid"])
    return None
