"""What kro's flags say of what it does unasked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from krobench.model.common import duration_seconds


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
        flags = _flags(arguments)
        delays = ("rgd-progress-requeue-delay", "instance-requeue-interval")
        return cls(
            kept_revisions=int(flags.get("rgd-max-graph-revisions", cls.kept_revisions)),
            echo_seconds=max(_go_seconds(flags.get(name, "3s")) for name in delays),
        )


def _flags(arguments: Sequence[str]) -> dict[str, str]:
    """Return values by flag, of both ``--flag=value`` and ``--flag value``."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    pairs = pairwise(words)
    return {name.lstrip("-"): value for name, value in pairs if name.startswith("-")}


def _go_seconds(text: str) -> float:
    return 0.0 if text == "0" else duration_seconds(text)
