"""A run on one screen of a terminal: at most 40 lines."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from krobench.api import units
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_RESIDENT, THROUGHPUT
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord
from krobench.report import gist
from krobench.report.cel import cel_line
from krobench.report.intervals import headline_text, precision_text
from krobench.report.scheduled import as_read, created_by
from krobench.report.tests import in_order, result
from krobench.report.words.sizes import plain

WIDTH = 100
WIDEST = 120
_NARROWEST = 60
_LINES = 40
_GAP = 2
_LEAST_FOR_DETAILS = 24
_SENTENCE = re.compile(r"[.;](?= )")
_UNBROKEN = "\N{NO-BREAK SPACE}"
_MORE = " (more in the report)"
_BLOCKS = "▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
_BAR = 16
_SHORT_BAR = 8
_MOST_NOTES = 3
_FEWEST_FOR_SPARKLINE = 3

Row = tuple[str, str, str, str, Sequence[str]]
"""Name, outcome, figure, picture, and details, the most important first."""


def render(run: RunRecord, width: int = WIDTH) -> str:
    """Return the screen: verdict, a line for each test or size, and what follows from them.

    What does not fit into a line goes on in the next. Only a screen that would be too long leaves
    out the details that matter least, then tests, then ends of sentences, and says so.
    """
    screens = (_screen(run, max(width, _NARROWEST), room) for room in _ROOMS)
    shortest: list[str] = []
    for shortest in screens:
        if len(shortest) <= _LINES:
            break
    return "\n".join(shortest) + "\n"


@dataclass(frozen=True)
class _Room:
    """How much of a run a screen shows."""

    details: bool
    """Whether all figures of a test are shown, in further lines if need be."""
    lines: int
    """Of a sentence, at most."""
    tests: int


_ROOMS = (
    _Room(details=True, lines=6, tests=12),
    _Room(details=False, lines=6, tests=12),
    _Room(details=False, lines=4, tests=8),
    _Room(details=False, lines=3, tests=4),
    _Room(details=False, lines=2, tests=3),
)


def _screen(run: RunRecord, width: int, room: _Room) -> list[str]:
    took = gist.duration_text(run)
    counts = f"{gist.counts_line(run)}, in {took}" if took else gist.counts_line(run)
    lines = [
        f"{gist.verdict_of(run)}: {run.namespace}/{run.name}",
        *_wrapped(f"{counts}. {gist.measured_on(run)}.", "", width, room.lines),
        *_wrapped(created_by(run), "", width, room.lines),
    ]
    notes = list(gist.why(run))
    for note in notes[:_MOST_NOTES]:
        lines += _wrapped(as_read(run, note), "  ! ", width, min(room.lines, 3))
    if len(notes) > _MOST_NOTES:
        lines.append(f"  ! and {len(notes) - _MOST_NOTES} more in the report")
    lines += ["", *_tests(run, width, room)]
    findings: list[str] = []
    for label, text in (
        ("Limit", gist.limit_found(run)),
        ("Held back by", gist.held_back(run)),
        ("To change", gist.to_change(run)),
        ("Next to try", gist.to_try(run)),
        *(("Compared", line) for line in gist.compared(run)[:2]),
        ("Warnings", _warnings(run)),
    ):
        if text:
            findings += _wrapped(as_read(run, text), f"{label + ':':<14}", width, room.lines)
    lines += ["", *findings] if findings else []
    name = f"{run.kind.lower()}/{run.namespace}/{run.name}"
    return [*lines, "", f"Full report:  krobench report {name} --open"]


def _tests(run: RunRecord, width: int, room: _Room) -> list[str]:
    tests = in_order(run)
    if run.scale is not None:
        measured = {size.test for size in run.scale.sizes}
        tests = [test for test in tests if test.name in measured]
    largest = max((p50 for test in tests if (p50 := _p50(test)) is not None), default=0.0)
    bar = _BAR if width >= WIDTH else _SHORT_BAR
    shown = tests[: room.tests]
    # A bar is as long as the time, a sparkline is not: next to each other, they would mislead.
    sparks = [_sparkline(test, bar) for test in shown]
    pictures = sparks if all(sparks) else [_bar_of(test, largest, bar) for test in shown]
    rows = [_row(run, test, picture) for test, picture in zip(shown, pictures, strict=True)]
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    if width - sum(widths) - 5 * _GAP < _LEAST_FOR_DETAILS:
        widths[3] = 0  # the picture is what is needed least
    lines = [line for row in rows for line in _lines_of(row, widths, width, details=room.details)]
    if len(tests) > room.tests:
        lines.append(f"  and {len(tests) - room.tests} more in the report")
    return lines


def _lines_of(row: Row, widths: Sequence[int], width: int, *, details: bool) -> list[str]:
    """Return the lines of a test.

    Without room for all details, those that fit into its line are shown, but at least one.
    """
    cells = [
        f"{cell.replace(' ', _UNBROKEN):<{size}}"
        for cell, size in zip(row[:4], widths, strict=True)
        if size
    ]
    line = " " * _GAP + "".join(cell + " " * _GAP for cell in cells)
    shown = row[4]
    while not details and len(shown) > 1 and len(line) + len(", ".join(shown)) > width:
        shown = shown[:-1]
    indent = len(line) if width - len(line) >= _LEAST_FOR_DETAILS else 3 * _GAP
    kept = [each.replace(" ", _UNBROKEN) if len(each) < width - indent else each for each in shown]
    text = (line + ", ".join(kept)).rstrip()
    return _lines(text, width, subsequent_indent=" " * indent)


def _row(run: RunRecord, test: TestRecord, picture: str) -> Row:
    name, outcome = " ".join(test.name.split()), result(test).lower()
    if run.scale is not None:
        size = next(each for each in run.scale.sizes if each.test == test.name)
        name = plain(size.size)
        outcome = (size.verdict or "running").lower()
    if test.cel is not None:
        return name, outcome, "", "", (cel_line(test.cel),)
    p50 = _p50(test)
    if test.summary is None or p50 is None:
        return name, outcome, "", "", ()
    ready = test.summary.latency.instance_ready
    p99 = units.seconds(ready.p99_seconds) if ready and ready.p99_seconds is not None else ""
    figures = test.summary.figures
    cpu = figures[KRO_CPU_SECONDS.per_instance]
    details = (
        f"p99 {p99}" if p99 else "",
        (precision_text(test.headline) or "") if test.headline else "",
        units.rate(figures[THROUGHPUT]) if figures[THROUGHPUT] is not None else "",
        f"kro {units.seconds(cpu)} CPU each" if cpu is not None else "",
        f"kro {units.size(memory)}" if (memory := figures[KRO_RESIDENT.max]) is not None else "",
    )
    shown = headline_text(test.headline) if test.headline is not None else units.seconds(p50)
    return name, outcome, f"ready {shown}", picture, [*filter(None, details)]


def _p50(test: TestRecord) -> float | None:
    if test.headline is not None:
        return test.headline.mean_seconds
    ready = test.summary.latency.instance_ready if test.summary is not None else None
    return ready.p50_seconds if ready is not None else None


def _bar_of(test: TestRecord, largest: float, longest: int) -> str:
    """Return a bar as long as the time until ready; empty without one."""
    p50 = _p50(test)
    if p50 is None:
        return ""
    ratio = p50 / largest if largest else 0.0
    eighths = max(1, round(ratio * longest * 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_BLOCKS[rest - 1] if rest else "")


def _sparkline(test: TestRecord, longest: int) -> str:
    """Return the medians of the measured iterations, from zero; empty of too few."""
    known = [
        done.latency.instance_ready.p50_seconds
        for done in test.iterations
        if not done.warmup and done.latency.instance_ready is not None
    ]
    values = [value for value in known if value is not None][-longest:]
    if len(values) < _FEWEST_FOR_SPARKLINE or max(values) <= 0:
        return ""
    highest = len(_SPARKS) - 1
    return "".join(_SPARKS[round(value / max(values) * highest)] for value in values)


def _warnings(run: RunRecord) -> str:
    if not run.warnings:
        return ""
    more = len(run.warnings) - 1
    return run.warnings[0] + (f" (and {more} more)" if more else "")


def _lines(text: str, width: int, **how: Any) -> list[str]:
    """Wrap a text; names are whole, so that they can be copied."""
    lines = textwrap.wrap(text, width, break_on_hyphens=False, **how)
    return [line.replace(_UNBROKEN, " ") for line in lines]


def _wrapped(text: str, label: str, width: int, most: int) -> list[str]:
    """Return a text in lines; of one that takes more than ``most``, whole sentences if possible."""
    text = units.unbroken(" ".join(text.split()))
    wrap = partial(_lines, width=width, initial_indent=label, subsequent_indent=" " * len(label))
    if len(lines := wrap(text)) <= most:
        return lines
    for end in reversed([found.end() for found in _SENTENCE.finditer(text[: width * most])]):
        lines = wrap(text[:end].rstrip(";") + _MORE)
        if len(lines) <= most:
            return lines
    return wrap(text, max_lines=most, placeholder=f" …{_MORE}")
