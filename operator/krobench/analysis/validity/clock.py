"""A wall clock that jumped, or a machine that stood still."""

from collections.abc import Sequence
from itertools import pairwise

from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause
from krobench.figures.surroundings import Moment

JUMP_SECONDS = 0.5
"""Half of what timestamps of an API server resolve."""
SLEW_RATIO = 5e-4
"""By how much NTP may make a clock fast or slow (adjtimex: 500 ppm) without its being a jump."""


def clock_jumps(moments: Sequence[Moment]) -> list[ErrorInfo]:
    """Return by how much the wall clock went otherwise than the monotonic one.

    Latencies are by the monotonic clock and bear no harm. But shards agree on their start by the
    wall clock, and so do the kubelet's figures with the run phase; and a machine that was
    suspended stops the monotonic clock, and everybody's timers with it.
    """
    return [
        Cause.CLOCK_JUMPED.of(
            f"the wall clock of the load's node went {jump:+.3f}s against its monotonic clock "
            f"between {before.seconds:.1f}s and {after.seconds:.1f}s of the run"
        )
        for before, after in pairwise(moments)
        if abs(jump := after.zero_epoch_seconds - before.zero_epoch_seconds)
        > JUMP_SECONDS + SLEW_RATIO * (after.seconds - before.seconds)
    ]
