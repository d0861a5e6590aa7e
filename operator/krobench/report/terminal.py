"""A run on one screen of a terminal: at most 40 lines of 100 columns."""

import textwrap
from collections.abc import Iterator, Sequence

from krobench.api import units
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_RESIDENT, THROUGHPUT
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord
from krobench.report import gist
from krobench.report.cel import cel_line
from krobench.report.tests import precision_text, result
from krobench.report.words.sizes import plain

_WIDTH = 100
_LINES = 40
_BLOCKS = "▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
_BAR = 16
_MOST_TESTS = 12
_MOST_NOTES = 3
_FEWEST_FOR_SPARKLINE = 3

Row = tuple[str, str, str, str, Sequence[str]]
"""Name, outcome, figure, picture, and details, the most important first."""


def render(run: RunRecord) -> str:
    """Return the screen: verdict, a line for each test or size, and what follows from them."""
    took = gist.duration_text(run)
    counts = f"{gist.counts_line(run)}, in {took}" if took else gist.counts_line(run)
    lines = [
        f"{gist.verdict_of(run)}: {run.namespace}/{run.name}",
        *_wrapped(f"{counts}. {gist.measured_on(run)}.", ""),
    ]
    notes = list(gist.why(run))
    for note in notes[:_MOST_NOTES]:
        lines += _wrapped(note, "  ! ", most=2)
    if len(notes) > _MOST_NOTES:
        lines.append(f"  ! and {len(notes) - _MOST_NOTES} more in the report")
    lines += ["", *_tests(run)]
    findings: list[str] = []
    for label, text in (
        ("Limit", gist.limit_found(run)),
        ("Held back by", gist.held_back(run)),
        ("To change", gist.to_change(run)),
        *(("Compared", line) for line in gist.compared(run)[:2]),
        ("Warnings", _warnings(run)),
    ):
        if text:
            findings += _wrapped(text, f"{label + ':':<14}", most=3)
    lines += ["", *findings] if findings else []
    name = f"{run.kind.lower()}/{run.namespace}/{run.name}"
    last = ["", f"Full report:  krobench report {name} --open"]
    return "\n".join([*lines[: _LINES - len(last)], *last]) + "\n"


def _tests(run: RunRecord) -> list[str]:
    tests = _in_order(run)
    largest = max((p50 for test in tests if (p50 := _p50(test)) is not None), default=0.0)
    rows = [_row(run, test, largest) for test in tests[:_MOST_TESTS]]
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        _with_details(
            f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  "
            f"{row[3]:<{widths[3]}}  ",
            row[4],
        )
        for row in rows
    ]
    if len(tests) > _MOST_TESTS:
        lines.append(f"  and {len(tests) - _MOST_TESTS} more in the report")
    return [_cut(line) for line in lines]


def _with_details(line: str, details: Sequence[str]) -> str:
    """Return a line with as many of the details as there is room for, but at least one."""
    text = line + ", ".join(details)
    while len(text) > _WIDTH and len(details) > 1:
        details = details[:-1]
        text = line + ", ".join(details)
    return text.rstrip()


def _in_order(run: RunRecord) -> Sequence[TestRecord]:
    """Return the tests; those of a scale test by size."""
    if run.scale is None:
        return run.tests
    sizes = {size.test: size.size for size in run.scale.sizes}
    return sorted((t for t in run.tests if t.name in sizes), key=lambda test: sizes[test.name])


def _row(run: RunRecord, test: TestRecord, largest: float) -> Row:
    name, outcome = test.name, result(test)
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
    drawn = _sparkline(test) or _bar(p50 / largest if largest else 0.0)
    return name, outcome, f"ready {units.seconds(p50)}", drawn, [*filter(None, details)]


def _p50(test: TestRecord) -> float | None:
    if test.headline is not None:
        return test.headline.mean_seconds
    ready = test.summary.latency.instance_ready if test.summary is not None else None
    return ready.p50_seconds if ready is not None else None


def _bar(ratio: float) -> str:
    eighths = max(1, round(ratio * _BAR * 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_BLOCKS[rest - 1] if rest else "")


def _sparkline(test: TestRecord) -> str:
    """Return the medians of the measured iterations, from zero; empty of too few."""
    known = [
        done.latency.instance_ready.p50_seconds
        for done in test.iterations
        if not done.warmup and done.latency.instance_ready is not None
    ]
    values = [value for value in known if value is not None][-_BAR:]
    if len(values) < _FEWEST_FOR_SPARKLINE or max(values) <= 0:
        return ""
    highest = len(_SPARKS) - 1
    return "".join(_SPARKS[round(value / max(values) * highest)] for value in values)


def _warnings(run: RunRecord) -> str:
    if not run.warnings:
        return ""
    more = len(run.warnings) - 1
    return run.warnings[0] + (f" (and {more} more)" if more else "")


def _wrapped(text: str, label: str, most: int = 4) -> Iterator[str]:
    yield from textwrap.wrap(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        max_lines=most,
        placeholder=" …",
    )


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
