"""Time until ready over a run, and what happened beside the load."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.record.run import RunRecord
from krobench.report.html.charts.base import (
    BAD,
    LOGARITHMIC,
    MUTED,
    Chart,
    Row,
    bands,
    coloured,
    layers,
    logarithmic_seconds,
    quantity,
    rule,
    since_start,
    thinned,
    tooltip,
    values,
)
from krobench.report.html.charts.instances import LEAST_SECONDS, created, names_of, point, took

_MOST_POINTS = 900
_SLOWEST_SHOWN = 60
"""Of the points, so many are the slowest of all."""
_WINDOWS = 80
_FEWEST_PER_WINDOW = 5
_BREAK = 6.0
"""Times the usual distance of two medians: those further apart are not joined."""
_REFUSED = "429"
"""The label of refused requests."""
_MOST_STEPS = 160


def run_phases(objects: Iterable[ObjectRecord]) -> list[tuple[float, float]]:
    """Return from the first request to the last effect of each iteration's run phase."""
    ends: dict[tuple[str, int], tuple[float, float]] = {}
    for line in objects:
        if line.phase is None:  # set-up and tear-down
            continue
        key = (line.test, line.iteration)
        end = max(line.sent_seconds, line.ready_seconds or 0.0, line.gone_seconds or 0.0)
        first, last = ends.get(key, (line.sent_seconds, end))
        ends[key] = (min(first, line.sent_seconds), max(last, end))
    return list(ends.values())


def end_of(objects: Sequence[ObjectRecord]) -> float:
    """Return when the last run phase ended, or the last instance was asked for."""
    ends = [end for _, end in run_phases(objects)]
    return max([*ends, *(line.start_seconds for line in objects)], default=0.0)


def over_time(
    run: RunRecord, objects: Sequence[ObjectRecord], samples: Sequence[Sample]
) -> Chart | None:
    """Return the time until ready of each instance by when it was asked for, and events."""
    lines = [line for line in created(objects) if line.ready_seconds is not None]
    if not lines:
        return None
    names = names_of(run, lines)
    points = [point(line) for line in _shown(lines)]
    never = [point(line) for line in created(objects) if line.ready_seconds is None]
    events = _events(run, samples)
    if len(lines) + len(never) + len(events) < 2:
        return None
    aside = (
        ""
        if len(points) == len(lines)
        else (f" {len(points):,} of {len(lines):,} instances are drawn, the slowest among them.")
    )
    when = {
        "x": since_start(end_of(objects)),
        "y": quantity(
            "y",
            "time until ready",
            scale=LOGARITHMIC,
            axis=logarithmic_seconds(point["y"] for point in points),
        ),
    }
    told = tooltip(
        {"test": "test", "name": "instance", "iteration": "iteration", "took": "ready after"}
    )
    colour = coloured("test", names)
    spec = layers(
        {
            "data": values(points),
            "mark": {"type": "circle", "size": 22, "opacity": 0.65, "clip": True},
            "encoding": when | {"color": colour, "tooltip": told},
        },
        bands(run_phases(objects)),
        _medians(lines, colour),
        {
            "data": values(never[:_MOST_POINTS]),
            "mark": {"type": "tick", "color": BAD, "thickness": 2, "y": 4, "size": 8},
            "encoding": {"x": when["x"], "tooltip": told},
        }
        if never
        else None,
        _collections(samples, when["x"]),
        *(
            rule("x", seconds, label, below=bool(index % 2))
            for index, (seconds, label) in enumerate(events)
        ),
        height=260,
    )
    missing = f" Red ticks at the top: {len(never):,} that were never ready." if never else ""
    if any(label.startswith(_REFUSED) for _, label in events):
        missing += f" {_REFUSED}: so many answers with 429, by which the API server slows kro down."
    return Chart(
        "Time until ready over the run",
        "A dot is an instance, by the time of its request; a line is the median of a stretch. "
        f"Shaded: run phases. Ticks at the bottom: kro collected garbage.{aside}{missing}",
        spec,
        "explanation/method.md",
        zoom=True,
    )


def _shown(lines: Sequence[ObjectRecord]) -> Sequence[ObjectRecord]:
    """Return a part of the lines that shows them all: evenly spread, and the slowest."""
    if len(lines) <= _MOST_POINTS:
        return lines
    slowest = sorted(lines, key=took)[-_SLOWEST_SHOWN:]
    slow = {id(line) for line in slowest}
    rest = [line for line in lines if id(line) not in slow]
    return [*thinned(rest, _MOST_POINTS - _SLOWEST_SHOWN), *slowest]


def _medians(lines: Sequence[ObjectRecord], colour: Row) -> Row | None:
    """Return the median of each stretch of time with enough instances, by test and iteration."""
    by_iteration: dict[tuple[str, int], list[ObjectRecord]] = {}
    for line in lines:
        by_iteration.setdefault((line.test, line.iteration), []).append(line)
    each = max(3, _WINDOWS // len(by_iteration))
    rows: list[Row] = []
    for (test, iteration), of in by_iteration.items():
        ordered = sorted(of, key=lambda line: line.start_seconds)
        size = max(_FEWEST_PER_WINDOW, len(ordered) // each)
        windows = [
            ordered[start : start + size] for start in range(0, len(ordered) - size + 1, size)
        ]
        times = [median(line.start_seconds for line in window) for window in windows]
        for part, time, window in zip(_parts(times), times, windows, strict=True):
            rows.append(
                {
                    "x": round(time, 3),
                    "y": round(max(median(map(took, window)), LEAST_SECONDS), 5),
                    "test": test,
                    "of": f"{test} {iteration} {part}",
                }
            )
    if not rows:
        return None
    return {
        "data": values(rows),
        "mark": {"type": "line", "strokeWidth": 2, "clip": True},
        "encoding": {
            "x": {"field": "x", "type": "quantitative"},
            "y": {"field": "y", "type": "quantitative"},
            "detail": {"field": "of", "type": "nominal"},
            "color": colour,
        },
    }


def _parts(times: Sequence[float]) -> Iterator[int]:
    """Yield the part of a line that each point belongs to: one ends where nothing was asked for."""
    gaps = [after - before for before, after in pairwise(times)]
    longest = _BREAK * median(gaps) if gaps else 0.0
    part = 0
    for gap in (0.0, *gaps)[: len(times)]:
        part += gap > longest > 0
        yield part


def _events(run: RunRecord, samples: Sequence[Sample]) -> list[tuple[float, str]]:
    """Return what happened beside the load: restarts of kro, and answers with 429."""
    events = [
        (restart.seconds, "kro restarted")
        for test in run.tests
        for iteration in test.iterations
        for restart in iteration.kro_restarts
    ]
    refused = [
        s for s in samples if s.source == "kro" and s.metric == "rest_client_requests_429_total"
    ]
    grown = [
        (after.seconds, f"{_REFUSED}: {after.value - before.value:g}")
        for before, after in pairwise(refused)
        if after.value > before.value
    ]
    return sorted([*events, *grown])[:12]


def _collections(samples: Sequence[Sample], when: Row) -> Row | None:
    """Return a tick for each sample by which kro had collected garbage."""
    name = "go_gc_duration_seconds_count"
    counts = [each for each in samples if each.source == "kro" and each.metric == name]
    rows = [
        {"x": round(after.seconds, 2), "collections": f"{after.value - before.value:g}"}
        for before, after in pairwise(counts)
        if after.value > before.value
    ]
    if not rows:
        return None
    return {
        "data": values(thinned(rows, _MOST_STEPS)),
        "mark": {"type": "tick", "color": MUTED, "size": 7, "y": {"expr": "height"}},
        "encoding": {"x": when, "tooltip": tooltip({"collections": "garbage collections of kro"})},
    }
