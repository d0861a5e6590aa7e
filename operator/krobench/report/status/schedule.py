"""The conditions of a schedule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from krobench.api.common import ErrorInfo
from krobench.api.status import Condition, ConditionType
from krobench.report.status.base import Claims, stamped

WATCHING = "Watching"
"""Reason of KroWatched if nothing is wrong."""


@dataclass(frozen=True)
class ScheduleLine:
    """How a schedule stands, and why."""

    reason: str
    message: str
    stalled: bool = False
    """Whether somebody has to do something."""
    suspended: bool = False
    """Whether it starts no runs by itself."""
    kro: ErrorInfo | None = None
    """Whether kro is watched, with the reason if it is not; None if it need not be."""


def conditions_of(
    old: Sequence[Condition], line: ScheduleLine, generation: int, now: datetime
) -> list[Condition]:
    """Return the conditions; a schedule that waits for its next run is ready."""

    def claim(*, true: bool, message: str = "") -> tuple[str, str, str]:
        return "True" if true else "False", line.reason, message

    claims: Claims = {
        ConditionType.READY: claim(true=not line.stalled, message=line.message),
        ConditionType.RECONCILING: claim(true=False),
        ConditionType.STALLED: claim(
            true=line.stalled, message=line.message if line.stalled else ""
        ),
        ConditionType.SUSPENDED: claim(true=line.suspended),
    }
    if line.kro is not None:
        watched = line.kro.reason == WATCHING
        claims[ConditionType.KRO_WATCHED] = (
            "True" if watched else "False",
            line.kro.reason,
            line.kro.message,
        )
    return stamped(claims, old, generation, now)
