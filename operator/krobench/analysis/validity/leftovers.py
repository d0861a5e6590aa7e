"""Objects of other runs that were there when this one began."""

from collections.abc import Sequence

from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause


def leftover_objects(found: Sequence[str], runs: Sequence[str]) -> list[ErrorInfo]:
    """Return that they were there: kro keeps reconciling them, and its caches hold them.

    ``runs`` are the ids of the runs that made them.
    """
    if not found:
        return []
    commands = ", ".join(f"krobench cleanup --run {run}" for run in runs)
    return [
        Cause.LEFTOVER_OBJECTS.of(
            f"objects of {_runs(len(runs))} were there when this one began: {len(found)}, the "
            f"first is {found[0]}; delete them with {commands}"
        )
    ]


def _runs(count: int) -> str:
    return "an earlier run" if count == 1 else f"{count} earlier runs"
