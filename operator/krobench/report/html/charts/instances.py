"""What instances took: as a distribution, by stages of their life, by iteration, the slowest."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from krobench.api import units
from krobench.figures.rawdata import ObjectRecord
from krobench.record.run import RunRecord
from krobench.report.html.charts.base import (
    HIDDEN_POINTS,
    LOGARITHMIC,
    MUTED,
    SECONDS_LABEL,
    WIDTH,
    Chart,
    Row,
    coloured,
    layers,
    logarithmic_seconds,
    quantity,
    thinned,
    tooltip,
    values,
)
from krobench.report.tests import in_order

_MOST_STEPS = 160
_SLOWEST = 10
_MOST_PLACES = 12
"""Of iterations, with a label on an axis."""
_FEWEST_FOR_CURVE = 20
"""Instances of a test: a curve of fewer is made of steps of more than 5 %."""
LEAST_SECONDS = 1e-3
"""A logarithmic axis has no zero."""

_STAGES: tuple[tuple[str, str], ...] = (
    ("sent_seconds", "waiting to be sent"),
    ("acknowledged_seconds", "create request"),
    ("first_child_seconds", "until the first child"),
    ("last_child_seconds", "until the last child"),
    ("active_seconds", "until ACTIVE"),
    ("ready_seconds", "until Ready"),
)
"""Fields of the moments in an instance's life, and the stage that each ends."""


SLOWEST_HEADER = (
    "test",
    "iteration",
    "instance",
    "ready after",
    "longest stage",
    "retries",
    "error",
)


def created(objects: Iterable[ObjectRecord]) -> list[ObjectRecord]:
    """Return the lines of instances that measured iterations created."""
    return [
        line
        for line in objects
        if line.operation == "create-instance"
        and not line.warmup
        and line.acknowledged_seconds is not None
    ]


def point(line: ObjectRecord) -> Row:
    took = None if line.ready_seconds is None else line.ready_seconds - line.start_seconds
    return {
        "x": round(line.start_seconds, 3),
        "y": None if took is None else round(max(took, LEAST_SECONDS), 5),
        "test": line.test,
        "name": line.name,
        "iteration": line.iteration + 1,
        "took": units.seconds(took),
    }


def took(line: ObjectRecord) -> float:
    return (line.ready_seconds or 0.0) - line.start_seconds


def names_of(run: RunRecord, lines: Iterable[ObjectRecord]) -> list[str]:
    """Return the tests that lines are of, as a run orders them: those of a scale test by size."""
    found = dict.fromkeys(line.test for line in lines)
    ordered = [test.name for test in in_order(run) if test.name in found]
    return [*ordered, *(name for name in found if name not in ordered)]


def _by_test(run: RunRecord, lines: Sequence[ObjectRecord]) -> dict[str, list[ObjectRecord]]:
    by_test: dict[str, list[ObjectRecord]] = {name: [] for name in names_of(run, lines)}
    for line in lines:
        by_test[line.test].append(line)
    return by_test


def distribution(run: RunRecord, objects: Iterable[ObjectRecord]) -> Chart | None:
    """Return how long instances took, by test: the share that was ready within a time or, if every
    test has few, each of them."""
    by_test = _by_test(run, created(objects))
    if max(map(len, by_test.values()), default=0) < _FEWEST_FOR_CURVE:
        return _each(by_test)
    return _curves(by_test)


def _each(by_test: Mapping[str, Sequence[ObjectRecord]]) -> Chart | None:
    ready = [line for lines in by_test.values() for line in lines if line.ready_seconds is not None]
    if len(ready) < 2:
        return None
    counts = Counter(line.test for line in ready)
    rows = {
        name: name if counts[name] == len(lines) else f"{name} ({counts[name]} of {len(lines)})"
        for name, lines in by_test.items()
    }
    points = [point(line) | {"row": rows[line.test]} for line in ready]
    medians = [
        {
            "y": round(max(middle, LEAST_SECONDS), 5),
            "row": rows[name],
            "shown": units.seconds(middle),
        }
        for name, lines in by_test.items()
        if counts[name] > 1
        for middle in [median(took(line) for line in lines if line.ready_seconds is not None)]
    ]
    row = {"field": "row", "type": "nominal", "title": None, "sort": list(rows.values())}
    axis = logarithmic_seconds(point["y"] for point in points)
    x = quantity("y", "time until ready", scale=LOGARITHMIC, axis=axis)
    spec = layers(
        {
            "data": values(points),
            "mark": {"type": "circle", "size": 60, "opacity": 0.65, "clip": True},
            "encoding": {
                "x": x,
                "y": row,
                "color": coloured("test", list(by_test), legend=False),
                "tooltip": tooltip(
                    {
                        "test": "test",
                        "name": "instance",
                        "iteration": "iteration",
                        "took": "ready after",
                    }
                ),
            },
        },
        {
            "data": values(medians),
            "mark": {"type": "tick", "color": MUTED, "thickness": 2, "size": 22},
            "encoding": {"x": x, "y": row, "tooltip": tooltip({"shown": "median"})},
        }
        if medians
        else None,
        height=34 * len(rows),
    )
    missing = len(ready) < sum(map(len, by_test.values()))
    return Chart(
        "Time until ready of each instance",
        "A dot is an instance of a measured iteration, a tick the median; the axis is logarithmic."
        + (" In brackets: how many of the instances were ready." if missing else ""),
        spec,
        "explanation/method.md",
        zoom=True,
    )


def _curves(by_test: Mapping[str, Sequence[ObjectRecord]]) -> Chart | None:
    rows: list[Row] = [
        {
            "x": round(max(seconds, LEAST_SECONDS), 5),
            "y": round(share, 4),
            "test": test,
            "share": units.percent(share),
            "within": units.seconds(seconds),
        }
        for test, lines in by_test.items()
        for seconds, share in thinned(_steps(lines), _MOST_STEPS)
    ]
    if len(rows) < 2:
        return None
    few = [row for row in rows if len(by_test[row["test"]]) < _FEWEST_FOR_CURVE]
    spec = layers(
        {
            "data": values(rows),
            "mark": {
                "type": "line",
                "interpolate": "step-after",
                "strokeWidth": 2,
                "point": HIDDEN_POINTS,
            },
            "encoding": {
                "x": quantity(
                    "x",
                    "time until ready",
                    scale=LOGARITHMIC,
                    axis=logarithmic_seconds(row["x"] for row in rows),
                ),
                "y": quantity(
                    "y",
                    "share of the instances",
                    zero=True,
                    scale={"domain": [0, 1]},
                    axis={"format": "%"},
                ),
                "color": coloured("test", list(by_test)),
                "tooltip": tooltip({"test": "test", "share": "ready", "within": "within"}),
            },
        },
        {
            "data": values(few),
            "mark": {"type": "circle", "size": 40, "opacity": 1, "clip": True},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "y": {"field": "y", "type": "quantitative"},
                "color": coloured("test", list(by_test)),
            },
        }
        if few
        else None,
        height=240,
    )
    return Chart(
        "Distribution of the time until ready",
        "How many instances were ready within a time, over all measured iterations; the axis is "
        "logarithmic. A curve that ends below 100 % has instances that were never ready."
        + (f" Dots: each instance of a test with fewer than {_FEWEST_FOR_CURVE}." if few else ""),
        spec,
        "explanation/method.md",
        zoom=True,
    )


def _steps(lines: Sequence[ObjectRecord]) -> list[tuple[float, float]]:
    taken = sorted(took(line) for line in lines if line.ready_seconds is not None)
    return [(seconds, (index + 1) / len(lines)) for index, seconds in enumerate(taken)]


def _moments(line: ObjectRecord) -> Iterator[tuple[str, float]]:
    """Yield each stage of an instance's life with when it ended, from its intended time on."""
    latest = 0.0
    for field, stage in _STAGES:
        at: float | None = getattr(line, field)
        if at is None:
            continue
        latest = max(latest, at - line.start_seconds)
        yield stage, latest


def waterfall(run: RunRecord, objects: Iterable[ObjectRecord]) -> Chart | None:
    """Return the life of a typical instance of each test: the median of each moment."""
    lines = [line for line in created(objects) if line.ready_seconds is not None]
    by_test = _by_test(run, lines)
    rows = [row for test, lines in by_test.items() for row in _stages(test, lines)]
    if not rows:
        return None
    names = [stage for _, stage in _STAGES]
    seen = [stage for stage in names if any(row["stage"] == stage for row in rows)]
    spec = {
        "width": WIDTH,
        "height": 34 * len(by_test),
        "data": values(rows),
        "mark": {"type": "bar", "height": 20, "cornerRadius": 2},
        "encoding": {
            "x": quantity(
                "from",
                "time since the instance was due",
                zero=True,
                axis={"labelExpr": SECONDS_LABEL},
            ),
            "x2": {"field": "to"},
            "y": {"field": "test", "type": "nominal", "title": None, "sort": list(by_test)},
            "color": coloured("stage", seen),
            "tooltip": tooltip(
                {"test": "test", "stage": "stage", "took": "took", "ends": "ends after"}
            ),
        },
    }
    return Chart(
        "The life of an instance",
        "From when the instance was due until it was Ready. Each border is the median of that "
        "moment over all measured instances.",
        spec,
        "explanation/method.md",
    )


def _stages(test: str, lines: Sequence[ObjectRecord]) -> Iterator[Row]:
    ends: dict[str, list[float]] = {}
    for line in lines:
        for stage, seconds in _moments(line):
            ends.setdefault(stage, []).append(seconds)
    begun = 0.0
    for _, stage in _STAGES:
        # A moment that most instances do not have, such as a child of few, is left out.
        if len(ends.get(stage, ())) * 2 <= len(lines):
            continue
        end = max(begun, median(ends[stage]))
        if end > begun:
            yield {
                "test": test,
                "stage": stage,
                "from": round(begun, 5),
                "to": round(end, 5),
                "took": units.seconds(end - begun),
                "ends": units.seconds(end),
            }
        begun = end


def slowest(objects: Iterable[ObjectRecord]) -> list[tuple[str, ...]]:
    """Return the slowest instances of all, those that were never ready first."""
    lines = created(objects)
    lines.sort(key=lambda line: (line.ready_seconds is None, took(line)), reverse=True)
    return [
        (
            line.test,
            f"{line.iteration + 1}",
            line.name,
            "never" if line.ready_seconds is None else units.seconds(took(line)),
            _longest_stage(line),
            f"{line.retries}",
            line.error or "-",
        )
        for line in lines[:_SLOWEST]
    ]


def _longest_stage(line: ObjectRecord) -> str:
    begun, longest, name = 0.0, 0.0, "-"
    for stage, end in _moments(line):
        if end - begun > longest:
            longest, name = end - begun, stage
        begun = end
    return name if name == "-" else f"{name}: {units.seconds(longest)}"


def by_iteration(run: RunRecord) -> Chart | None:
    """Return the median time until ready of each measured iteration, by test or variant."""
    rows: list[Row] = []
    for test in run.tests if run.scale is None else ():
        measured = [each for each in test.iterations if not each.warmup]
        for place, item in enumerate(measured, 1):
            ready = item.latency.instance_ready
            if ready is not None and ready.p50_seconds is not None:
                rows.append(
                    {
                        "x": place,
                        "y": round(ready.p50_seconds, 5),
                        "test": test.name,
                        "p50": units.seconds(ready.p50_seconds),
                        "valid": "valid" if item.validity.valid else "invalid",
                    }
                )
    counts = Counter(row["test"] for row in rows)
    if max(counts.values(), default=0) < 3:
        return None
    most = max(counts.values())
    title = "Blocks" if any(test.variant for test in run.tests) else "Iterations"
    spec = layers(
        {
            "data": values(rows),
            "mark": {"type": "line", "point": {"size": 50, "filled": True}, "strokeWidth": 1.5},
            "encoding": {
                "x": quantity(
                    "x",
                    "block" if title == "Blocks" else "measured iteration",
                    scale={"domain": [1, most]},
                    axis={"values": list(range(1, most + 1, -(-most // _MOST_PLACES)))},
                ),
                "y": quantity(
                    "y", "median time until ready", zero=True, axis={"labelExpr": SECONDS_LABEL}
                ),
                "color": coloured("test", list(counts)),
                "tooltip": tooltip(
                    {"test": "test", "x": "iteration", "p50": "ready p50", "valid": "validity"}
                ),
            },
        },
        height=200,
    )
    note = (
        "The median time until ready of each measured iteration. "
        + ("A block has one iteration of every variant. " if title == "Blocks" else "")
        + "A trend, or an iteration far off, is a reason to look closer."
    )
    return Chart(title, note, spec, "explanation/method.md")
