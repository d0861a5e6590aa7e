"""Deciding the thresholds of a test at its end."""

from collections.abc import Sequence

from krobench.record.test import TestRecord, ThresholdResult


def decide(expressions: Sequence[str], record: TestRecord) -> list[ThresholdResult]:
    """Return what became of these thresholds; nothing where nothing was measured."""
    if record.summary is None or not expressions:
        return []
    from krobench.analysis.thresholds import evaluate, unavailable_of

    reasons = unavailable_of(record.iterations)
    return [evaluate(text, record.summary, reasons) for text in expressions]
