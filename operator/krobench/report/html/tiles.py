"""The headline figures of a run as tiles, with their intervals and change against the baseline."""

from collections.abc import Iterator
from dataclasses import dataclass

from krobench.api import units
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_RESIDENT, THROUGHPUT
from krobench.findings.comparison import MetricComparison, MetricVerdict
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord
from krobench.report.cel import cel_line
from krobench.report.intervals import headline_interval, ratio
from krobench.report.tests import result
from krobench.report.words.figures import show
from krobench.report.words.scaling import limit_text
from krobench.report.words.sizes import at_least, at_most, plain

_MOST_TESTS = 8
_READY = "latency.instanceReady"


@dataclass(frozen=True)
class Tile:
    """A figure, how well it is known, and how it changed."""

    label: str
    value: str
    detail: str = ""
    change: str = ""
    tone: str = ""
    """better, worse, or neither."""


@dataclass(frozen=True)
class TileGroup:
    """The tiles of a test."""

    name: str
    outcome: str
    """How the test ended."""
    tiles: list[Tile]


def tile_groups(run: RunRecord) -> list[TileGroup]:
    """Return the tiles of a scale test, or of the first tests of a benchmark."""
    if run.scale is not None:
        return [TileGroup("", "", list(_of_scale_test(run)))]
    return [
        TileGroup(test.name, result(test).lower(), tiles)
        for test in run.tests[:_MOST_TESTS]
        if (tiles := list(_of_test(run, test)))
    ]


def _of_scale_test(run: RunRecord) -> Iterator[Tile]:
    scale = run.scale
    assert scale is not None
    limit = scale.limit
    if limit is None:
        yield Tile("limit", "not known yet")
        return
    detail = ""
    if limit.low is not None and limit.high is not None and limit.confidence is not None:
        low, high = at_most(limit.low, scale.axis), at_least(limit.high, scale.axis)
        detail = f"95 % interval {low} to {high}"
    elif limit.method == "bracket":
        detail = "between two sizes, without an interval"
    text = limit_text(limit, scale.axis)
    yield Tile("limit", text.partition(" (")[0], detail)
    if limit.breached is not None:
        yield Tile("breaks first", limit.breached)
    if limit.last_met is not None:
        yield Tile("largest size that met all SLOs", plain(limit.last_met), scale.axis.unit)
    if limit.first_breach is not None:
        yield Tile("smallest size that missed them", plain(limit.first_breach), scale.axis.unit)
    judged = sum(len(size.iterations) for size in scale.sizes)
    yield Tile(
        "measured", units.counted(len(scale.sizes), "size"), units.counted(judged, "iteration")
    )


def _of_test(run: RunRecord, test: TestRecord) -> Iterator[Tile]:
    if test.cel is not None:
        yield Tile("CEL expressions", cel_line(test.cel))
        return
    summary = test.summary
    ready = summary.latency.instance_ready if summary is not None else None
    if summary is None or ready is None:
        return
    head = test.headline
    middle, interval = "", ""
    if head is not None:
        middle, interval = headline_interval(head)
    elif ready.p50_seconds is not None:
        middle = units.seconds(ready.p50_seconds)
    if middle:
        change = _change(run, test, f"{_READY}.p50")
        yield Tile("median time until ready", middle, interval, *change)
    count = units.counted(ready.n, "instance")
    never = f", {ready.censored} never ready" if ready.censored else ""
    if ready.p99_seconds is not None:
        yield Tile(
            "p99",
            units.seconds(ready.p99_seconds),
            count + never,
            *_change(run, test, f"{_READY}.p99"),
        )
    elif ready.max_seconds is not None:
        yield Tile("slowest", units.seconds(ready.max_seconds), f"of {count}; a p99 takes 100")
    else:
        created = ready.n + ready.censored
        yield Tile("ready", f"{ready.n} of {created}", "instances that were created")
    figures = summary.figures
    for label, figure in (
        ("instances per second", THROUGHPUT),
        ("kro CPU per instance", KRO_CPU_SECONDS.per_instance),
        ("kro memory, max", KRO_RESIDENT.max),
    ):
        value = figures[figure]
        if value is not None:
            yield Tile(label, show(figure.name, value), "", *_change(run, test, figure.name))


def _change(run: RunRecord, test: TestRecord, metric: str) -> tuple[str, str]:
    """Return the change against the baseline or the first variant, and whether it is good."""
    comparisons = [*([run.comparison] if run.comparison else []), *run.variant_comparisons]
    for comparison in comparisons:
        for found in comparison.metrics:
            names = {found.test, f"{found.test}.{comparison.new}"}
            if found.metric == metric and test.name in names and found.ratio is not None:
                return _ratio_text(found, comparison.old), _TONES.get(found.verdict, "")
    return "", ""


_TONES: dict[MetricVerdict | None, str] = {
    MetricVerdict.BETTER: "better",
    MetricVerdict.WORSE: "worse",
}
_WITHOUT_NUMBER = {
    MetricVerdict.SAME: "the same as",
    MetricVerdict.INCONCLUSIVE: "inconclusive against",
}
"""A ratio that may be nothing would read like a change."""


def _ratio_text(found: MetricComparison, old: str) -> str:
    assert found.ratio is not None
    if found.verdict in _WITHOUT_NUMBER:
        return f"{_WITHOUT_NUMBER[found.verdict]} {old}"
    change = found.ratio - 1
    known = units.percent(float(f"{abs(change):.2g}"))
    text = f"{'+' if change >= 0 else '-'}{known} against {old}"
    if found.ratio_low is not None and found.ratio_high is not None:
        text = f"{text}, x{ratio(found.ratio, found.ratio_low, found.ratio_high)}"
    return text
