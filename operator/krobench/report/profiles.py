"""Where kro's CPU time and memory go, from its profiles."""

from collections.abc import Iterable, Sequence

from krobench.api import units
from krobench.figures.profile import Breakdown, GroupShare, TestProfile
from krobench.record.run import RunRecord
from krobench.report.tables import table
from krobench.report.words.reasons import reason_line

Named = tuple[str, TestProfile]


def profiles(run: RunRecord) -> str:
    """Return the section on profiles; empty if none was requested."""
    taken = [(test.name, test.profile) for test in run.tests if test.profile is not None]
    if not taken:
        return ""
    blocks = [*_cpu(taken), *_memory(taken)]
    reasons = [
        f"- {name}, {what}: {reason_line(reason)}"
        for name, profile in taken
        for what, reason in profile.unavailable.items()
    ]
    if reasons:
        blocks.append("Profiles not available:\n\n" + "\n".join(reasons))
    return "\n\n".join(blocks)


def _cpu(taken: Sequence[Named]) -> Iterable[str]:
    yield "## Where kro's CPU time goes"
    known = [(name, p, p.cpu) for name, p in taken if p.cpu is not None]
    if not known:
        return
    yield (
        "From CPU profiles of kro, each taken in a separate iteration that is not summarised. A "
        "sample counts for the package in the table that is nearest to the leaf of its stack; "
        "packages below it, such as Go's memory allocation, are included. ± is the sampling error "
        "at 95 % confidence."
    )
    yield _groups([(name, breakdown) for name, _, breakdown in known], "CPU time", "profiled")
    for name, profile, breakdown in known:
        yield (
            f"**{name}**: {units.seconds(breakdown.total)} of CPU time in "
            f"{units.seconds(profile.cpu_window_seconds)}, {breakdown.samples} samples."
        )
        yield _functions(breakdown)


def _memory(taken: Sequence[Named]) -> Iterable[str]:
    allocated = [(name, p.allocated) for name, p in taken if p.allocated is not None]
    in_use = [(name, p.in_use) for name, p in taken if p.in_use is not None]
    if not allocated:
        return
    yield "## Where kro's memory goes"
    yield _groups(allocated, "allocated in the run phase", "allocated")
    yield _groups(in_use, "in use after the run phase (growth)", "in use")
    for name, breakdown in allocated:
        yield f"**{name}**: what allocates"
        yield _functions(breakdown)


def _groups(breakdowns: Sequence[tuple[str, Breakdown]], title: str, total: str) -> str:
    """Return a table of groups by tests, with the group first that costs most in any test."""
    largest: dict[str, float] = {}
    for _, breakdown in breakdowns:
        for item in breakdown.groups:
            largest[item.group] = max(largest.get(item.group, 0.0), item.share or 0.0)
    order = sorted(largest, key=lambda group: -largest[group])
    rows = [(group, *(_cell(b, group) for _, b in breakdowns)) for group in order]
    rows.append((f"*{total}*", *(f"*{_amount(b, b.total)}*" for _, b in breakdowns)))
    return table((title, *(name for name, _ in breakdowns)), rows)


def _cell(breakdown: Breakdown, group: str) -> str:
    for item in breakdown.groups:
        if item.group == group:
            if item.before is not None:
                change = item.value - item.before
                growth = f"{'-' if change < 0 else '+'}{units.size(abs(change))}"
                return f"{_amount(breakdown, item.value)} ({growth})"
            return f"{_sampled(item)} ({_amount(breakdown, item.value)})"
    return "-"


def _sampled(item: GroupShare) -> str:
    """Return a share with its sampling error; no end of it is below nothing or above all."""
    share, margin = item.share, item.margin
    if share is None or margin is None:
        return units.percent(share)
    if margin > min(share, 1 - share):
        known = (
            units.percent(each, 2) for each in (max(0.0, share - margin), min(1.0, share + margin))
        )
        return f"{units.percent(share, 2)}, {' to '.join(known)}"
    return f"{units.percent(share)} ± {units.percent(margin, 2)}"


def _functions(breakdown: Breakdown) -> str:
    """Return the costliest functions by their own cost, and by their cost with callees."""
    pairs = zip(breakdown.top_flat, breakdown.top_cumulative, strict=False)
    rows = [
        (
            units.percent(_share(breakdown, flat.flat)),
            f"`{flat.function}`",
            units.percent(_share(breakdown, cumulative.cumulative)),
            f"`{cumulative.function}`",
        )
        for flat, cumulative in pairs
    ]
    return table(("self", "function", "with callees", "function"), rows)


def _share(breakdown: Breakdown, value: float) -> float | None:
    return round(value / breakdown.total, 4) if breakdown.total else None


def _amount(breakdown: Breakdown, value: float) -> str:
    return units.seconds(value) if breakdown.unit == "seconds" else units.size(value)
