"""The times of a cron schedule in a time zone, as cronsim calculates them.

cronsim does what Debian's cron does when clocks change: a time that is skipped is made up for at
once, and one that comes twice starts one run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from krobench.api.refusal import FieldError

MOST_COUNTED = 1000
"""Missed times are counted up to this number."""

_SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_WINDOWS = (timedelta(hours=2), timedelta(days=2), timedelta(days=70), timedelta(days=3000))
"""Ever longer, so that few times are calculated. Leap days are eight years apart at most."""
_DAY = "day of month"
_MONTH = 3
_FIELDS = ("minute", "hour", _DAY, "month", "day of week")


@dataclass(frozen=True)
class Cron:
    """A cron schedule in a time zone; its times are in UTC."""

    expression: str
    zone: ZoneInfo

    @classmethod
    def parse(cls, expression: str, time_zone: str) -> Self:
        """Read a schedule.

        Raises:
            FieldError: if cron cannot read it, no date matches it, or there is no such zone.
        """
        try:
            zone = ZoneInfo(time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise FieldError(
                "spec.timeZone",
                f"there is no time zone {time_zone!r}: use a name of the IANA database, such as "
                "Europe/Berlin or Etc/UTC",
            ) from error
        why = _why_not(expression)
        if why is not None:
            raise FieldError("spec.schedule", why)
        cron = cls(expression, zone)
        if cron.next_after(datetime.now(UTC)) is None:
            raise FieldError("spec.schedule", _no_date(expression))
        return cron

    def times(self, after: datetime) -> Iterator[datetime]:
        """Yield all times after a moment."""
        for found in CronSim(_in_fields(self.expression), after.astimezone(self.zone)):
            moment = found.astimezone(UTC)
            if moment > after:  # an hour that comes twice would yield times of the first one
                yield moment

    def next_after(self, moment: datetime) -> datetime | None:
        return next(self.times(moment), None)

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """Return the latest time after one moment and not after another; None if there is none."""
        for window in _WINDOWS:
            begin = max(after, until - window)
            latest = None
            for moment in self.times(begin):
                if moment > until:
                    break
                latest = moment
            if latest is not None or begin == after:
                return latest
        return None

    def count(self, after: datetime, until: datetime) -> int:
        """Count the times after one moment and not after another, up to :data:`MOST_COUNTED`."""
        count = 0
        for moment in self.times(after):
            if moment > until or count == MOST_COUNTED:
                break
            count += 1
        return count


def _in_fields(expression: str) -> str:
    """Return a schedule as cronsim reads it, from what a CronJob takes besides."""
    fields = _SHORTHANDS.get(expression, expression).split()
    return " ".join("*" if each == "?" else each for each in fields)


def _why_not(expression: str) -> str | None:
    """Return what cronsim cannot read in a schedule."""
    message = _refusal(expression)
    if message is None:
        return None
    bad = next((name for name in _FIELDS if name.replace(" ", "-") in message), None)
    if bad == _DAY:
        fields = _in_fields(expression).split()
        # To cronsim, the 31st of February is a wrong day.
        if _refusal(" ".join((*fields[:_MONTH], "*", *fields[_MONTH + 1 :]))) is None:
            return _no_date(expression)
    where = f"its {bad}" if bad is not None else "it"
    return (
        f"cron does not understand {where} in {expression!r}: use numbers, *, ranges (1-5), steps "
        "(*/15), lists (1,15) and names (MON, JAN)"
    )


def _refusal(expression: str) -> str | None:
    try:
        CronSim(_in_fields(expression), datetime.now(UTC))
    except (CronSimError, ValueError) as error:
        return str(error)
    return None


def _no_date(expression: str) -> str:
    return f"no date matches {expression!r}: change its day of month or month"
