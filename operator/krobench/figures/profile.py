"""What profiling kro came to.

A breakdown is bounded: the groups are few, and of the functions only the costliest are kept;
the raw profile, which has all of them, is stored beside the record.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.figures.reasons.profiles import AnyProfileReason

MAX_FUNCTIONS = 10
"""Functions in each list of a breakdown."""
MAX_FUNCTION_NAME = 160


class ProfileFile(StrEnum):
    """The raw profiles that are kept of a test."""

    CPU = "cpu"
    HEAP_BASE = "heap-base"
    """The heap before the run phase."""
    HEAP = "heap"
    """The heap after it."""

    def key(self, test: str) -> str:
        """Return the name of this file of a test, which is a valid key of a ConfigMap."""
        return f"profile.{test}.{self}.pb.gz"


class GroupShare(ApiModel):
    """What a group of packages costs."""

    group: str
    value: float
    """In the unit of the breakdown."""
    share: float | None = None
    """Of the breakdown's total, from 0 to 1; None if the total is zero."""
    margin: float | None = None
    """CPU, allocations: half the width of the 95 % interval of the share, by samples taken."""
    before: float | None = None
    """In use: the same before the run phase."""


class FunctionCost(ApiModel):
    """What a function costs."""

    function: str
    flat: float
    """Spent in the function itself, in the unit of the breakdown."""
    cumulative: float
    """Spent in it and in all that it called."""


class Breakdown(ApiModel):
    """One cost, by groups of packages and by functions."""

    unit: Literal["seconds", "bytes"]
    total: float
    samples: int
    """Stacks that the profiler saw (CPU: its ticks; heap: sampled places of allocation)."""
    groups: list[GroupShare] = Field(default_factory=list)
    """From the costliest on; their values add up to the total."""
    top_flat: list[FunctionCost] = Field(default_factory=list)
    top_cumulative: list[FunctionCost] = Field(default_factory=list)
    """Of the groups' packages only: that all work was done below a loop of the runtime's or of
    a library's says nothing new."""


class TestProfile(ApiModel):
    """What profiling kro in a test's profiled iteration gave."""

    __test__ = False  # pytest would collect a class of this name

    iteration: int | None = None
    """The iteration that was profiled, from 0; None if there was none."""
    cpu_window_seconds: float | None = None
    """Time over which the CPU was profiled, from the beginning of the run phase."""
    cpu: Breakdown | None = None
    """CPU time within the window."""
    allocated: Breakdown | None = None
    """Bytes allocated in the run phase, those freed again included."""
    in_use: Breakdown | None = None
    """Bytes in use after the run phase, just after a garbage collection."""
    unavailable: dict[str, AnyProfileReason] = Field(default_factory=dict)
    """Why there is none, by ``cpu`` and ``heap``, and why a raw file was not kept, by its name."""
