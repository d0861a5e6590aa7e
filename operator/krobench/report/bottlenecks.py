"""What held kro back: the causes of each test, ranked, with the evidence."""

from collections.abc import Iterable, Sequence

from krobench.record.test import TestRecord
from krobench.report.tables import table
from krobench.report.words import evidence as evidence_words
from krobench.report.words.bottlenecks import (
    KIND_NAMES,
    bottleneck_line,
    cause_name,
    missing_line,
)

_READING = (
    "A score is about the share of the time that a cause explains; it orders causes and is not a "
    "probability."
)


def bottlenecks_section(tests: Sequence[TestRecord]) -> str:
    """Return the section on what held kro back; empty if no test got that far."""
    judged = [test for test in tests if test.attribution is not None]
    if not judged:
        return ""
    rows: list[Sequence[str]] = []
    for test in judged:
        found = test.attribution.bottlenecks if test.attribution else []
        if not found:
            rows.append((test.name, "-", "nothing stands out", "-", "-"))
        rows += [
            (test.name, f"{rank}", cause_name(each), f"{each.score:.2f}", bottleneck_line(each))
            for rank, each in enumerate(found, start=1)
        ]
    parts = [
        "## What held kro back",
        table(("test", "rank", "cause", "score", "what was found"), rows),
        *(_evidence(test) for test in judged),
        _undecided(judged),
        _READING,
    ]
    return "\n\n".join(part for part in parts if part)


def _evidence(test: TestRecord) -> str:
    found = test.attribution.bottlenecks if test.attribution else []
    rows = [
        (
            cause_name(each),
            evidence_words.figure(item),
            evidence_words.value(item),
            evidence_words.compared_with(item) or "-",
            "yes" if item.supports else "no",
        )
        for each in found
        for item in each.evidence
    ]
    if not rows:
        return ""
    header = ("cause", "what was measured", "value", "compared with", "supports it")
    return f"Evidence in {test.name}:\n\n" + table(header, rows)


def _undecided(tests: Iterable[TestRecord]) -> str:
    """Return what could be neither found nor ruled out, each reason once."""
    lines: dict[str, list[str]] = {}
    for test in tests:
        unavailable = test.attribution.unavailable if test.attribution else {}
        for kind, missing in unavailable.items():
            lines.setdefault(f"{KIND_NAMES[kind]}: {missing_line(missing)}", []).append(test.name)
    if not lines:
        return ""
    return "Neither found nor ruled out:\n\n" + "\n".join(
        f"- {what} ({', '.join(names)})" for what, names in lines.items()
    )
