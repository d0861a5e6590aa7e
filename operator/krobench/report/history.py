"""The kept runs of a name: a line each, and where something changed."""

from collections.abc import Mapping, Sequence

from krobench.analysis.history import Change, Changes
from krobench.analysis.statistics.changepoints import MIN_SERIES
from krobench.api import units
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_RESIDENT, THROUGHPUT
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord
from krobench.report.tables import aligned
from krobench.report.words.comparison import difference_line
from krobench.report.words.figures import short_title, show
from krobench.report.words.scaling import limit_text

_HEADER = (
    "run",
    "started",
    "kro",
    "verdict",
    "ready p50",
    "ready p99",
    "instances/s",
    "kro CPU per instance",
    "kro memory, max",
)

_LIMITS_HEADER = (*_HEADER[:4], "limit", "breached SLO")


def render(runs: Sequence[RunRecord], changes: Changes, series: Mapping[str, int]) -> str:
    """Return runs from the oldest to the newest, a table for each test, and the changes.

    ``series`` has the number of runs that were searched for changes, by test.
    """
    lines: list[str] = []
    for name in dict.fromkeys(test.name for run in runs for test in run.tests):
        rows = [_row(run, test) for run in runs for test in run.tests if test.name == name]
        lines += [name, *aligned([_HEADER, *rows]), ""]
    return "\n".join([*lines, *_changes(changes, series)]) + "\n"


def counts_line(runs: Sequence[RunRecord], changes: Sequence[Change]) -> str:
    """Return how many runs were kept, and how many changes were found in them."""
    first, last = runs[0].start_time, runs[-1].start_time
    return (
        f"{units.counted(len(runs), 'run')} from {first} to {last}, "
        f"{units.counted(len(changes), 'change')} of level."
    )


def render_limits(runs: Sequence[RunRecord]) -> str:
    """Return runs of a KroScaleTest from the oldest to the newest, in a table of their limits."""
    rows = []
    for run in runs:
        scale = run.scale
        limit = scale.limit if scale is not None else None
        found = limit_text(limit, scale.axis) if scale is not None and limit is not None else "-"
        breached = limit.breached if limit is not None else None
        rows.append((*_head(run), found, breached or "-"))
    return "\n".join(aligned([_LIMITS_HEADER, *rows])) + "\n"


def _head(run: RunRecord) -> Sequence[str]:
    kro = run.environment.kro
    return (run.id[:8], run.start_time, (kro.version if kro else None) or "-", run.verdict or "-")


def _row(run: RunRecord, test: TestRecord) -> Sequence[str]:
    head = _head(run)
    summary = test.summary
    if summary is None:
        return (*head, *["-"] * 5)
    ready = summary.latency.instance_ready
    return (
        *head,
        units.seconds(ready.p50_seconds if ready else None),
        units.seconds(ready.p99_seconds if ready else None),
        units.rate(summary.figures[THROUGHPUT]),
        units.seconds(summary.figures[KRO_CPU_SECONDS.per_instance]),
        units.size(summary.figures[KRO_RESIDENT.max]),
    )


def _changes(changes: Changes, series: Mapping[str, int]) -> list[str]:
    lines = [
        f"{test}: comparable runs: {count}; finding changes takes {MIN_SERIES}"
        for test, count in series.items()
        if count < MIN_SERIES
    ]
    if len(lines) < len(series) and not changes.found and not changes.withheld:
        lines.append("no change in the primary metrics")
    lines += [
        f"{each.test}: {short_title(each.metric)}: each run is like the one before it "
        f"(correlation {each.correlation:.2f}), which looks like a change: none is reported"
        for each in changes.withheld
    ]
    together: dict[str, list[Change]] = {}
    for change in sorted(changes.found, key=lambda each: each.first_after.start_time):
        together.setdefault(change.first_after.id, []).append(change)
    for each in together.values():
        first, last = each[0].first_after, each[0].last_before
        lines.append(f"changed with run {first.id[:8]} of {first.start_time}, after {last.id[:8]}:")
        for change in each:
            before, after = (show(change.metric, value) for value in (change.before, change.after))
            ratio = f" (x{change.after / change.before:.3g})" if change.before > 0 else ""
            what = f"{change.test}: {short_title(change.metric)}"
            lines.append(f"  {what} went from {before} to {after}{ratio}")
        # What else was different from then on is the same for all of them.
        lines += [f"  between them, {difference_line(found)}" for found in each[0].differences]
    return lines
