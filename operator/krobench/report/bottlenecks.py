"""What held kro back: the causes of each test, ranked, with what speaks for and against each."""

from collections.abc import Iterable, Sequence

from krobench.api import units
from krobench.findings.bottleneck import Bottleneck, BottleneckKind, Evidence
from krobench.record.test import TestRecord
from krobench.report.tables import table

_NAMES = {
    BottleneckKind.GENERATOR: "load generator",
    BottleneckKind.KRO_WORKERS: "kro's workers",
    BottleneckKind.KRO_CPU: "kro's CPU",
    BottleneckKind.KRO_MEMORY: "kro's memory",
    BottleneckKind.REQUEUE_WAIT: "waiting to be requeued",
    BottleneckKind.API_SERVER: "API server",
    BottleneckKind.WATCH_REINITIALISATION: "watches of new kinds",
    BottleneckKind.ADMISSION: "admission",
    BottleneckKind.ETCD: "etcd",
    BottleneckKind.POISONED_RGD: "another RGD",
}
_READING = (
    "A score is about the share of the time in question that a cause explains; it orders causes, "
    "and is no probability."
)


def bottlenecks_section(tests: Sequence[TestRecord]) -> str:
    """Return the section on what held kro back; empty where no test got that far."""
    judged = [test for test in tests if test.attribution is not None]
    if not judged:
        return ""
    parts = [
        "## What held kro back",
        table(("test", "rank", "cause", "score", "what was found"), _rows(judged)),
        *(_evidence(test) for test in judged),
        _not_told(judged),
        _READING,
    ]
    return "\n\n".join(part for part in parts if part)


def cause(bottleneck: Bottleneck) -> str:
    """Return the name of a cause, with what exactly it is."""
    name = _NAMES[bottleneck.kind]
    return f"{name}: {bottleneck.subject}" if bottleneck.subject else name


def _rows(tests: Iterable[TestRecord]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for test in tests:
        found = test.attribution.bottlenecks if test.attribution else []
        if not found:
            rows.append((test.name, "-", "nothing stands out", "-", "-"))
        for rank, each in enumerate(found, start=1):
            rows.append((test.name, f"{rank}", cause(each), f"{each.score:.2f}", each.message))
    return rows


def _evidence(test: TestRecord) -> str:
    found = test.attribution.bottlenecks if test.attribution else []
    rows = [
        (cause(each), item.figure, measured_value(item), item.expected or "-", _side(item))
        for each in found
        for item in each.evidence
    ]
    if not rows:
        return ""
    header = ("cause", "what was measured", "value", "compared with", "speaks")
    return f"Evidence in {test.name}:\n\n" + table(header, rows)


def measured_value(item: Evidence) -> str:
    """Show what was measured, by its unit."""
    show = {
        "seconds": units.seconds,
        "bytes": units.size,
        "ratio": units.percent,
        "number": units.number,
        "per_second": units.rate,
    }[item.unit]
    return show(item.value)


def _side(item: Evidence) -> str:
    return "for" if item.speaks_for else "against"


def _not_told(tests: Iterable[TestRecord]) -> str:
    """Return what could be neither found nor ruled out, each reason once."""
    lines: dict[str, list[str]] = {}
    for test in tests:
        unavailable = test.attribution.unavailable if test.attribution else {}
        for kind, reason in unavailable.items():
            lines.setdefault(f"{_NAMES[kind]}: {reason}", []).append(test.name)
    if not lines:
        return ""
    return "Neither found nor ruled out:\n\n" + "\n".join(
        f"- {what} ({', '.join(names)})" for what, names in lines.items()
    )
