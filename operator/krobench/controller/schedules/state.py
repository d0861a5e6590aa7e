"""What the operator sees of a schedule when it decides: data only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunKind, ScheduleRef
from krobench.api.specs.schedule import KroBenchmarkScheduleSpec
from krobench.api.status import KroBenchmarkScheduleStatus, KroState
from krobench.controller.schedules.cron import Cron
from krobench.controller.state import Run


@dataclass(frozen=True)
class Template:
    """What the runs of a schedule are made from."""

    kind: RunKind
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]
    """As the API server stores it."""


@dataclass(frozen=True)
class ScheduleSpec:
    """A spec that can be carried out."""

    fields: KroBenchmarkScheduleSpec
    cron: Cron | None
    template: Template


@dataclass(frozen=True)
class Schedule:
    """A ``KroBenchmarkSchedule``."""

    ref: ScheduleRef
    version: str
    """Its resourceVersion."""
    generation: int
    created: datetime
    deleting: bool
    spec: ScheduleSpec | None
    """None if it is invalid."""
    error: ErrorInfo | None
    """What is wrong with the spec."""
    status: KroBenchmarkScheduleStatus


@dataclass(frozen=True)
class KroSeen:
    """kro's Deployment as the operator sees it."""

    state: KroState | None = None
    """None while it is rolled out, has the settings of a variant, or is not there."""
    problem: ErrorInfo | None = None
    """Why it is not watched."""


@dataclass(frozen=True)
class ObservedSchedule:
    """Everything that a decision on a schedule rests on."""

    schedule: Schedule
    now: datetime
    runs: tuple[Run, ...] = ()
    """The runs that it has created and that exist."""
    kro: KroSeen = KroSeen()
    refused: ErrorInfo | None = None
    """Why the run that is due was not created a moment ago."""
