"""What kro's flags say of what it does unasked."""

from collections.abc import Sequence
from dataclasses import dataclass

from krobench.model.common import duration_seconds
from krobench.model.flags import flag_values


@dataclass(frozen=True)
class KroHabits:
    """What kro's flags say of what it does unasked."""

    kept_revisions: int = 5
    """--rgd-max-graph-revisions: beyond, an old one goes for each new one."""
    echo_seconds: float = 3.0
    """The longer of --rgd-progress-requeue-delay and --instance-requeue-interval."""

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> "KroHabits":
        """Read kro's arguments; kro's default stands for a flag that is not there."""
        flags = flag_values(arguments)
        delays = ("rgd-progress-requeue-delay", "instance-requeue-interval")
        return cls(
            kept_revisions=int(flags.get("rgd-max-graph-revisions") or cls.kept_revisions),
            echo_seconds=max(_go_seconds(flags.get(name) or "3s") for name in delays),
        )


def _go_seconds(text: str) -> float:
    return 0.0 if text == "0" else duration_seconds(text)
