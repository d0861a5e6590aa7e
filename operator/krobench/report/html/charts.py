"""From what a run measured to its charts."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from krobench.analysis.usage.phase import spaced
from krobench.api.notation import units
from krobench.record.lines import ObjectRecord, Sample
from krobench.record.run import RunRecord
from krobench.report.html.svg import Axis, Band, Bar, Line, Point, line_chart, share_bars

_CPU = "process_cpu_seconds_total"
_MIB = 2**20
_MEMORY = {
    "resident": "process_resident_memory_bytes",
    "Go heap": "go_memstats_heap_alloc_bytes",
}


def latency_chart(objects: Iterable[ObjectRecord]) -> str:
    """Return the distribution of the time until instances were ready, by test; or nothing.

    A curve shows the part of all instances that were ready within a time: where some never
    were, it ends below 100 %.
    """
    by_test: dict[str, list[ObjectRecord]] = {}
    for line in objects:
        if line.operation == "create-instance" and not line.warmup and line.acknowledged_seconds:
            by_test.setdefault(line.test, []).append(line)
    lines = [Line(test, _distribution(records), steps=True) for test, records in by_test.items()]
    if not any(len(line.points) > 1 for line in lines):
        return ""
    return line_chart(
        lines,
        Axis("time from the request until ready, seconds", units.number),
        Axis("part of the instances", units.percent, end=1.0),
    )


def cpu_chart(objects: Sequence[ObjectRecord], samples: Iterable[Sample]) -> str:
    """Return kro's CPU use over the run, run phases shaded; or nothing."""
    return _usage_chart(
        {"kro": _rates(_points(spaced(_of_kro(samples, _CPU))))},
        Axis("CPU cores", units.number),
        _run_phases(objects),
    )


def memory_chart(objects: Sequence[ObjectRecord], samples: Sequence[Sample]) -> str:
    """Return kro's memory over the run, run phases shaded; or nothing."""
    lines = {
        name: [(seconds, size / _MIB) for seconds, size in _points(_of_kro(samples, metric))]
        for name, metric in _MEMORY.items()
    }
    return _usage_chart(lines, Axis("memory, MiB", units.number), _run_phases(objects))


def profile_chart(run: RunRecord) -> str:
    """Return the shares of groups of packages in kro's CPU time, by test; or nothing."""
    bars = [
        Bar(test.name, [(item.group, item.share or 0.0) for item in test.profile.cpu.groups])
        for test in run.tests
        if test.profile is not None and test.profile.cpu is not None
    ]
    return share_bars(bars) if bars else ""


def _usage_chart(series: Mapping[str, Sequence[Point]], y: Axis, phases: Sequence[Band]) -> str:
    lines = [Line(name, points) for name, points in series.items() if len(points) > 1]
    if not lines:
        return ""
    return line_chart(
        lines, Axis("time since the start of the run, seconds", units.number), y, phases
    )


def _distribution(records: Sequence[ObjectRecord]) -> list[Point]:
    taken = sorted(
        line.ready_seconds - line.start_seconds
        for line in records
        if line.ready_seconds is not None
    )
    steps = [(seconds, (index + 1) / len(records)) for index, seconds in enumerate(taken)]
    return [(0.0, 0.0), *steps]


def _of_kro(samples: Iterable[Sample], metric: str) -> list[Sample]:
    return [sample for sample in samples if sample.source == "kro" and sample.metric == metric]


def _points(samples: Iterable[Sample]) -> list[Point]:
    return [(sample.seconds, sample.value) for sample in samples]


def _rates(counter: Sequence[Point]) -> list[Point]:
    """Return the growth of a counter per second; where it went backwards, kro restarted."""
    return [
        (after[0], (after[1] - before[1]) / (after[0] - before[0]))
        for before, after in pairwise(counter)
        if after[0] > before[0] and after[1] >= before[1]
    ]


def _run_phases(objects: Iterable[ObjectRecord]) -> list[Band]:
    """Return from the first request to the last effect of each iteration."""
    ends: dict[tuple[str, int], tuple[float, float]] = {}
    for line in objects:
        if line.step is None:  # set-up and tear-down
            continue
        key = (line.test, line.iteration)
        end = max(line.sent_seconds, line.ready_seconds or 0.0, line.gone_seconds or 0.0)
        first, last = ends.get(key, (line.sent_seconds, end))
        ends[key] = (min(first, line.sent_seconds), max(last, end))
    return [Band(first, last) for first, last in ends.values()]
