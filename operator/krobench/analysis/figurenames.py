"""The names of what is measured of a test, as thresholds and comparisons use them."""

from collections.abc import Iterable, Mapping
from typing import Any

from krobench.figures.catalogue import OF_NAME
from krobench.figures.latencies import LATENCY_NAMES, latency_numbers
from krobench.record.test import IterationRecord, TestSummary

ERRORS = "errors.total"
DURATION = "duration.seconds"

Numbers = dict[str, float | None]
"""By full name, such as ``latency.instanceReady.p99``; None if it is not available."""
Tree = dict[str, Any]
"""The same nested: ``tree["latency"]["instanceReady"]["p99"]``."""


def known_names() -> list[str]:
    """Return every name that thresholds and comparisons may use."""
    return sorted((*OF_NAME, *LATENCY_NAMES, ERRORS, DURATION))


def numbers_of(measures: TestSummary | IterationRecord, errors_total: int) -> Numbers:
    """Return what was measured; a name that is missing was not."""
    return {
        **latency_numbers(measures.latency),
        **measures.figures.root,
        ERRORS: errors_total,
        DURATION: measures.duration_seconds,
    }


def tree_of(numbers: Mapping[str, float | None]) -> Tree:
    """Return numbers as CEL reads them."""
    tree: Tree = {}
    for name, value in numbers.items():
        *groups, last = name.split(".")
        at = tree
        for group in groups:
            at = at.setdefault(group, {})
        at[last] = value
    return tree


def example(further: Iterable[str] = ()) -> Tree:
    """Return a one for every name, to check expressions with; ``further`` are names of a suite."""
    return tree_of(dict.fromkeys((*known_names(), *further), 1.0))
