"""What kro's flags say of what it does unasked."""

from collections.abc import Sequence
from dataclasses import dataclass

from krobench.model.common import duration_seconds
from krobench.model.flags import flag_values

_DELAY_SECONDS = 3.0


@dataclass(frozen=True)
class KroHabits:
    """What kro's flags say of what it does unasked."""

    kept_revisions: int = 5
    """--rgd-max-graph-revisions: beyond, an old one goes for each new one."""
    echo_seconds: float = _DELAY_SECONDS
    """The longer of --rgd-progress-requeue-delay and --instance-requeue-interval."""

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> "KroHabits":
        """Read kro's arguments.

        kro's default stands for a flag that is not there, and for a value that is known to kro
        only, as one that a Secret holds, or cannot be read.
        """
        flags = flag_values(arguments)
        delays = ("rgd-progress-requeue-delay", "instance-requeue-interval")
        return cls(
            kept_revisions=_whole(flags.get("rgd-max-graph-revisions"), cls.kept_revisions),
            echo_seconds=max(_go_seconds(flags.get(name), _DELAY_SECONDS) for name in delays),
        )


def _whole(text: str | None, default: int) -> int:
    try:
        return default if text is None else int(text)
    except ValueError:
        return default


def _go_seconds(text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        return 0.0 if text == "0" else duration_seconds(text)
    except ValueError:
        return default
