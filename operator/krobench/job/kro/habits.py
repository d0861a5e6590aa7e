"""What kro's flags say of what it does unasked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from krobench.analysis.krosettings import KEPT_REVISIONS, PROGRESS_DELAY, REQUEUE_INTERVAL, Flag
from krobench.api.common import duration_seconds
from krobench.api.notation.flags import flag_values


@dataclass(frozen=True)
class KroHabits:
    """What kro's flags say of what it does unasked."""

    kept_revisions: int
    """--rgd-max-graph-revisions: beyond, an old one goes for each new one."""
    echo_seconds: float
    """The longer of --rgd-progress-requeue-delay and --instance-requeue-interval."""

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> "KroHabits":
        """Read kro's arguments.

        kro's default stands for a flag that is not there, and for a value that is known to kro
        only, as one that a Secret holds, or cannot be read.
        """
        flags = flag_values(arguments)
        return cls(
            kept_revisions=_whole(flags, KEPT_REVISIONS),
            echo_seconds=max(_seconds(flags, PROGRESS_DELAY), _seconds(flags, REQUEUE_INTERVAL)),
        )


def _whole(flags: Mapping[str, str | None], flag: Flag) -> int:
    try:
        return int(flags.get(flag.key) or flag.default)
    except ValueError:
        return int(flag.default)


def _seconds(flags: Mapping[str, str | None], flag: Flag) -> float:
    text = flags.get(flag.key) or flag.default
    try:
        return 0.0 if text == "0" else duration_seconds(text)
    except ValueError:
        return duration_seconds(flag.default)
