"""Where kro's CPU time and memory go, by groups of packages and by functions."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from krobench.analysis.profiling.packagegroups import group_of, is_of_a_group
from krobench.analysis.profiling.pprof import Profile, ProfileError, decode
from krobench.figures.profile import (
    MAX_FUNCTION_NAME,
    MAX_FUNCTIONS,
    Breakdown,
    FunctionCost,
    GroupShare,
)
from krobench.figures.reasons.profiles import HeapsOfTwoProcesses, NoCpuTime, OtherProfile

_Z = 1.96
_BYTES_A_SAMPLE = 512 * 1024
"""Go samples one allocated byte in so many, unless its runtime.MemProfileRate is set otherwise."""

Sums = defaultdict[str, float]


def _sums() -> Sums:
    return defaultdict(float)


@dataclass
class Costs:
    """Sums over the samples of a profile, in the unit of one of its columns."""

    total: float = 0.0
    samples: int = 0
    groups: Sums = field(default_factory=_sums)
    flat: Sums = field(default_factory=_sums)
    cumulative: Sums = field(default_factory=_sums)

    def since(self, earlier: "Costs") -> "Costs":
        """Return what was added since an earlier profile of the same process."""
        later = Costs(self.total - earlier.total, max(0, self.samples - earlier.samples))
        for mine, theirs, result in (
            (self.groups, earlier.groups, later.groups),
            (self.flat, earlier.flat, later.flat),
            (self.cumulative, earlier.cumulative, later.cumulative),
        ):
            result.update({name: mine[name] - theirs.get(name, 0.0) for name in mine})
        return later


def cpu_breakdown(data: bytes) -> Breakdown:
    """Return a CPU profile by groups and functions, in seconds.

    Raises:
        ProfileError: if the data is not a CPU profile, or has no sample.
    """
    profile = decode(data)
    costs = costs_of(profile, "cpu", "nanoseconds", 1e-9)
    column = _column(profile, "samples", "count")
    costs.samples = sum(stack.values[column] for stack in profile.stacks)
    if not costs.total:
        raise ProfileError(NoCpuTime())
    return _breakdown("seconds", costs, taken=costs.samples)


def heap_breakdowns(before: bytes, after: bytes) -> tuple[Breakdown, Breakdown]:
    """Return what was allocated between two heap profiles, and what is in use at the second.

    Raises:
        ProfileError: if the data is not a heap profile, or not of one process.
    """
    first, last = decode(before), decode(after)
    allocated = [costs_of(profile, "alloc_space", "bytes", 1) for profile in (first, last)]
    if allocated[1].total < allocated[0].total:
        raise ProfileError(HeapsOfTwoProcesses())
    in_use = [costs_of(profile, "inuse_space", "bytes", 1) for profile in (first, last)]
    grown = allocated[1].since(allocated[0])
    return (
        _breakdown("bytes", grown, taken=grown.total / _BYTES_A_SAMPLE),
        _breakdown("bytes", in_use[1], before=in_use[0].groups),
    )


def costs_of(profile: Profile, kind: str, unit: str, factor: float) -> Costs:
    """Sum up a column of a profile, each value times ``factor``.

    Raises:
        ProfileError: if the profile has no such column.
    """
    column = _column(profile, kind, unit)
    costs = Costs()
    for stack in profile.stacks:
        value = stack.values[column] * factor
        if not value or not stack.functions:
            continue
        costs.total += value
        costs.samples += 1
        costs.groups[group_of(stack.functions)] += value
        costs.flat[stack.functions[0]] += value
        for function in set(stack.functions):
            costs.cumulative[function] += value
    return costs


def _column(profile: Profile, kind: str, unit: str) -> int:
    for index, value_type in enumerate(profile.value_types):
        if (value_type.type, value_type.unit) == (kind, unit):
            return index
    has = [f"{item.type}/{item.unit}" for item in profile.value_types]
    raise ProfileError(OtherProfile(has=has, wanted=f"{kind}/{unit}"))


def _breakdown(
    unit: Literal["seconds", "bytes"],
    costs: Costs,
    before: Mapping[str, float] | None = None,
    taken: float = 0.0,
) -> Breakdown:
    """Return costs as a breakdown; shares have a margin if so many samples were ``taken``."""
    # A group that is gone is shown too: that it shrank is worth knowing.
    groups = dict.fromkeys(before or (), 0.0) | costs.groups
    shares = [
        GroupShare(
            group=name,
            value=_rounded(groups[name]),
            share=round(groups[name] / costs.total, 4) if costs.total else None,
            before=None if before is None else _rounded(before.get(name, 0.0)),
        )
        for name in _largest(groups)
        if groups[name] or before
    ]
    if taken:
        for item in shares:
            item.margin = _margin(item.share or 0.0, taken)
    known = {name: value for name, value in costs.cumulative.items() if is_of_a_group(name)}
    return Breakdown(
        unit=unit,
        total=_rounded(costs.total),
        samples=costs.samples,
        groups=shares,
        top_flat=_top(costs, costs.flat),
        top_cumulative=_top(costs, known),
    )


def _margin(share: float, samples: float) -> float:
    """Half the width of Wilson's interval, which holds for small shares and few samples too."""
    spread = share * (1 - share) / samples + (_Z / samples) ** 2 / 4
    return round(_Z * math.sqrt(spread) / (1 + _Z**2 / samples), 4)


def _top(costs: Costs, by: Mapping[str, float]) -> list[FunctionCost]:
    return [
        FunctionCost(
            # With type parameters, a name may take pages.
            function=name
            if len(name) <= MAX_FUNCTION_NAME
            else f"{name[: MAX_FUNCTION_NAME - 1]}…",
            flat=_rounded(costs.flat[name]),
            cumulative=_rounded(costs.cumulative[name]),
        )
        for name in _largest(by)[:MAX_FUNCTIONS]
        if by[name] > 0
    ]


def _largest(sums: Mapping[str, float]) -> list[str]:
    return sorted(sums, key=lambda name: (-sums[name], name))


def _rounded(value: float) -> float:
    return round(value, 6)
