"""What the controller can do, as data: decisions are made apart from being carried out."""

from dataclasses import dataclass
from enum import StrEnum

from krobench.api.status import RunStatus
from krobench.report.events import RunEvent


class JobKind(StrEnum):
    """The Jobs of a run."""

    LOAD = "load"
    CLEANUP = "cleanup"


@dataclass(frozen=True)
class AddFinalizer:
    """Hold the resource until what its run makes is gone again."""


@dataclass(frozen=True)
class RemoveFinalizer:
    """Let the resource go."""


@dataclass(frozen=True)
class CreateJob:
    """Create a Job; one that exists already is as good."""

    kind: JobKind
    attempt: int = 1


@dataclass(frozen=True)
class DeleteJob:
    """Delete the load Job and its pods; one that is gone already is as good."""


@dataclass(frozen=True)
class PatchStatus:
    """Write the status, where it differs from what is there."""

    status: RunStatus


Action = AddFinalizer | RemoveFinalizer | CreateJob | DeleteJob | PatchStatus | RunEvent
