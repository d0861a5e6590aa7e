"""What kro, the API server, etcd and the node used, and where the time of operations went."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from krobench.analysis.bottlenecks.facts import Facts, NotMeasuredError
from krobench.analysis.resourcequantities import number_of
from krobench.api import units
from krobench.figures.catalogue import REQUESTS_BY_KIND
from krobench.figures.phase import spaced
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.record.run import RunRecord
from krobench.report.html.charts.base import (
    HIDDEN_POINTS,
    WIDTH,
    Chart,
    Row,
    bands,
    coloured,
    drawn,
    layers,
    quantity,
    rule,
    since_start,
    thinned,
    tooltip,
    values,
)
from krobench.report.html.charts.timeline import end_of, run_phases
from krobench.report.tests import in_order

Point = tuple[float, float]

_CPU = "process_cpu_seconds_total"
_RESIDENT = "process_resident_memory_bytes"
_MIB = 2.0**20
_MOST_POINTS = 220
_FURTHEST_LIMIT = 3.0
"""Times the largest value: a limit that is further off would press the lines flat."""
_MOST_RESOURCES = 14
_MOST_TESTS = 3
_FEWEST_POINTS = 3
_BREAK = 4.0
"""Times the usual distance of two samples: what is further apart is not joined."""
_PERIODS, _THROTTLED = (
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
)


@dataclass(frozen=True)
class _Line:
    """A line of a chart: a series of samples, or its growth."""

    name: str
    source: str
    metric: str
    rate: bool = False
    mean: bool = False
    """Of a histogram: the mean of what it observed between two samples."""


@dataclass(frozen=True)
class _Panel:
    title: str
    note: str
    y: str
    lines: Sequence[_Line]
    show: Callable[[float | None], str]
    limit: str | None = None
    """The resource whose limit, of kro's container, is drawn."""
    factor: float = 1.0
    """Of what is sampled, one unit of the axis."""


_PANELS = (
    _Panel(
        "kro's CPU use",
        "",
        "CPU cores",
        (_Line("kro", "kro", _CPU, rate=True),),
        lambda cores: f"{units.number(cores)} {'core' if cores == 1 else 'cores'}",
        "cpu",
    ),
    _Panel(
        "kro's memory",
        "",
        "memory, MiB",
        (
            _Line("resident", "kro", _RESIDENT),
            _Line("Go heap", "kro", "go_memstats_heap_alloc_bytes"),
        ),
        lambda mib: units.size(None if mib is None else mib * _MIB),
        "memory",
        _MIB,
    ),
    _Panel(
        "kro's queue",
        "Instances that wait for a worker.",
        "instances in the queue",
        (_Line("queue of the instance workers", "kro", "instance_queue_depth"),),
        units.number,
    ),
    _Panel(
        "Load on the API server",
        "Requests per second, by kro and by everybody. The API server is sampled less often than "
        "kro, so a peak of kro can be above all requests.",
        "requests/s",
        (
            _Line("by kro", "kro", "rest_client_requests_total", rate=True),
            _Line("by everybody", "apiserver", "apiserver_request_total", rate=True),
        ),
        units.number,
    ),
    _Panel(
        "Time of requests and of etcd's writes",
        "Means between two samples. A request of kro includes its pauses before a retry.",
        "mean, ms",
        (
            _Line("request of kro", "kro", "rest_client_request_duration_seconds", mean=True),
            _Line(
                "request at the API server",
                "apiserver",
                "apiserver_request_duration_seconds",
                mean=True,
            ),
            _Line("etcd's log", "etcd", "etcd_disk_wal_fsync_duration_seconds", mean=True),
            _Line("etcd's commit", "etcd", "etcd_disk_backend_commit_duration_seconds", mean=True),
        ),
        lambda ms: units.seconds(None if ms is None else ms / 1e3),
        factor=1e-3,
    ),
    _Panel(
        "CPU use around kro",
        "The API server and etcd by their own counters, the node by its kubelet.",
        "CPU cores",
        (
            _Line("API server", "apiserver", _CPU, rate=True),
            _Line("etcd", "etcd", _CPU, rate=True),
            _Line(
                "node, all", "kubelet", 'container_cpu_usage_seconds_total{of="node"}', rate=True
            ),
            _Line("load generator", "krobench", _CPU, rate=True),
        ),
        units.number,
    ),
    _Panel(
        "Memory around kro",
        "Resident memory.",
        "memory, MiB",
        (
            _Line("API server", "apiserver", _RESIDENT),
            _Line("etcd", "etcd", _RESIDENT),
        ),
        lambda mib: units.size(None if mib is None else mib * _MIB),
        factor=_MIB,
    ),
)


def resource_charts(
    run: RunRecord, objects: Sequence[ObjectRecord], samples: Sequence[Sample]
) -> Iterator[Chart]:
    """Yield a chart for each resource that was sampled, run phases shaded."""
    by_metric: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        by_metric.setdefault((sample.source, sample.metric), []).append(sample)
    phases = run_phases(objects)
    end = max([end_of(objects), *(sample.seconds for sample in samples)])
    limits = run.environment.kro.limits if run.environment.kro is not None else {}
    for panel in _PANELS:
        lines = {
            line.name: [(x, y / panel.factor) for x, y in _points(line, by_metric)]
            for line in panel.lines
        }
        lines = {name: points for name, points in lines.items() if len(points) >= _FEWEST_POINTS}
        if lines:
            limit = number_of(limits.get(panel.limit)) if panel.limit is not None else None
            limit = None if limit is None else limit / panel.factor
            yield _panel(panel, lines, phases, end, limit)
    yield from drawn(_throttling(by_metric, phases, end))


def _points(line: _Line, by_metric: Mapping[tuple[str, str], list[Sample]]) -> list[Point]:
    if line.mean:
        return _means(line, by_metric)
    found = by_metric.get((line.source, line.metric), [])
    if not line.rate:
        return [(sample.seconds, sample.value) for sample in found]
    if any(sample.at is not None for sample in found):
        return _stamped_rates(found)
    return _rates([(sample.seconds, sample.value) for sample in spaced(found)])


def _means(line: _Line, by_metric: Mapping[tuple[str, str], list[Sample]]) -> list[Point]:
    """Return the mean of what a histogram observed between two samples, if it observed anything."""
    sums = by_metric.get((line.source, f"{line.metric}_sum"), [])
    counts = {s.seconds: s.value for s in by_metric.get((line.source, f"{line.metric}_count"), [])}
    return [
        (after.seconds, (after.value - before.value) / observed)
        for before, after in pairwise(each for each in sums if each.seconds in counts)
        if (observed := counts[after.seconds] - counts[before.seconds]) > 0
        and after.value >= before.value
    ]


def _stamped_rates(counter: Sequence[Sample]) -> list[Point]:
    """Return the growth of a counter by its source's own times: of several scrapes that show one
    and the same measurement, the first counts."""
    first = {sample.at: sample for sample in reversed(counter) if sample.at is not None}
    return [
        (new.seconds, (new.value - old.value) / (after - before))
        for (before, old), (after, new) in pairwise(sorted(first.items()))
        if new.value >= old.value
    ]


def _rates(counter: Sequence[Point]) -> list[Point]:
    """Return the growth of a counter per second; it only falls if its process restarts."""
    return [
        (after[0], (after[1] - before[1]) / (after[0] - before[0]))
        for before, after in pairwise(counter)
        if after[0] > before[0] and after[1] >= before[1]
    ]


def _panel(
    panel: _Panel,
    lines: Mapping[str, Sequence[Point]],
    phases: Sequence[tuple[float, float]],
    end: float,
    limit: float | None = None,
) -> Chart:
    rows = [row for name, points in lines.items() for row in _rows(panel, name, points)]
    highest = max(row["y"] for row in rows if row["y"] is not None)
    near = limit is not None and limit <= _FURTHEST_LIMIT * highest
    text = "" if limit is None else panel.show(limit)
    limited = rule("y", limit, f"limit: {text}") if near and limit is not None else None
    note = panel.note
    if panel.limit is not None:
        note = f"kro's limit is {text}." if limit is not None else "kro has no limit."
        if limit is not None and not near:
            note = f"kro's limit is {text}, above the chart."
    return Chart(
        panel.title,
        note,
        layers(
            {
                "data": values(rows),
                "mark": {
                    "type": "line",
                    "strokeWidth": 1.8,
                    "clip": True,
                    "point": HIDDEN_POINTS,
                },
                "encoding": {
                    "x": since_start(end),
                    "y": quantity("y", panel.y, zero=True),
                    "color": coloured("line", list(lines), legend=len(panel.lines) > 1),
                    "tooltip": tooltip({"line": "line", "shown": panel.y, "x": "after, s"}),
                },
            },
            bands(phases),
            limited,
            height=150,
        ),
        "reference/usage.md",
        zoom=True,
    )


def _rows(panel: _Panel, name: str, points: Sequence[Point]) -> Iterator[Row]:
    """Yield the points of a line, with a break where nothing was sampled for long."""
    gaps = sorted(after[0] - before[0] for before, after in pairwise(points))
    longest = _BREAK * gaps[len(gaps) // 2]
    shown = thinned(points, _MOST_POINTS)
    every = len(points) / len(shown)
    for before, point in zip((None, *shown), shown, strict=False):
        if before is not None and point[0] - before[0] > longest * every:
            yield {"x": round((before[0] + point[0]) / 2, 2), "y": None, "line": name}
        x, y = point
        yield {"x": round(x, 2), "y": round(y, 4), "line": name, "shown": panel.show(y)}


def _throttling(
    by_metric: Mapping[tuple[str, str], list[Sample]],
    phases: Sequence[tuple[float, float]],
    end: float,
) -> Chart | None:
    periods = by_metric.get(("kubelet", _PERIODS), [])
    throttled = {s.seconds: s.value for s in by_metric.get(("kubelet", _THROTTLED), [])}
    points = [
        (after.seconds, (throttled[after.seconds] - throttled[before.seconds]) / grown)
        for before, after in pairwise(s for s in periods if s.seconds in throttled)
        if (grown := after.value - before.value) > 0
    ]
    if len(points) < _FEWEST_POINTS or not any(share for _, share in points):
        return None
    panel = _Panel(
        "CPU throttling of kro",
        "Share of the scheduler's periods in which kro had used up its CPU limit.",
        "throttled periods",
        (),
        units.percent,
    )
    return _panel(panel, {"kro": points}, phases, end)


_PARTS = ("late", "queued", "worked on", "idle")
_PART_NOTE = (
    "Late: the load generator had not sent the request yet. Queued: all workers were busy. Worked "
    "on: a worker reconciled it. Idle: neither, so kro waited for something else, such as its next "
    "reconcile."
)


def where_the_time_went(run: RunRecord) -> Chart | None:
    """Return how the time of each test's operations splits into late, queue, work and idle."""
    rows: list[Row] = []
    names = []
    for test in in_order(run):
        if test.summary is None or test.cel is not None:
            continue
        facts = Facts(test, test.summary, run.environment.kro, run.environment.nodes)
        try:
            split = facts.split
        except NotMeasuredError:
            continue
        names.append(test.name)
        shares = (split.late, split.queue, split.work, split.idle)
        rows += [
            {
                "test": test.name,
                "part": part,
                "order": place,
                "share": round(share, 4),
                "shown": units.percent(round(share, 3)),
            }
            for place, (part, share) in enumerate(zip(_PARTS, shares, strict=True))
        ]
    if not rows:
        return None
    encoding = {
        "x": quantity(
            "share",
            "share of the time until done",
            zero=True,
            stack="zero",
            scale={"domain": [0, 1], "nice": False},
            axis={"format": "%"},
        ),
        "y": {"field": "test", "type": "nominal", "title": None, "sort": names},
        "order": {"field": "order", "type": "ordinal"},
    }
    spec = {
        "width": WIDTH,
        "height": 34 * len(names),
        "data": values(rows),
        "mark": {"type": "bar", "height": 20},
        "encoding": encoding
        | {
            "color": coloured("part", _PARTS),
            "tooltip": tooltip({"test": "test", "part": "part", "shown": "share"}),
        },
    }
    return Chart("Where the time went", _PART_NOTE, spec, "explanation/bottlenecks.md")


def request_charts(run: RunRecord) -> Iterator[Chart]:
    """Yield what kinds of requests the API server answered, for the tests with most of them."""
    known = [
        (test, parts)
        for test in in_order(run)
        if test.summary is not None and (parts := test.summary.parts[REQUESTS_BY_KIND])
    ]
    most = sorted(known, key=lambda each: -sum(part.value for part in each[1]))[:_MOST_TESTS]
    aside = f" Of {len(known)} tests, those with most requests." if len(known) > len(most) else ""
    for test, parts in (each for each in known if each in most):
        rows: list[Row] = []
        totals: dict[str, float] = {}
        for part in parts:
            verb, _, resource = part.name.partition(" ")
            rows.append({"verb": verb, "resource": resource or "-", "count": part.value})
            totals[resource or "-"] = totals.get(resource or "-", 0.0) + part.value
        order = sorted(totals, key=lambda name: -totals[name])[:_MOST_RESOURCES]
        rows = [row for row in rows if row["resource"] in order]
        verbs = sorted({row["verb"] for row in rows})
        spec = {
            "width": WIDTH,
            "height": 20 * len(order),
            "data": values(rows),
            "mark": {"type": "bar"},
            "encoding": {
                "x": quantity("count", "requests in the last iteration", zero=True),
                "y": {"field": "resource", "type": "nominal", "title": None, "sort": order},
                "color": coloured("verb", verbs),
                "tooltip": tooltip({"verb": "verb", "resource": "resource", "count": "requests"}),
            },
        }
        yield Chart(
            f"Requests to the API server: {test.name}",
            f"By everybody, by verb and resource, in the run phase of the last iteration.{aside}",
            spec,
            "reference/usage.md",
        )
