"""The steps of a test: what each operation took, and what it cost kro."""

from collections.abc import Iterator, Sequence

from krobench.api import units
from krobench.figures.measures import LatencySummary
from krobench.record.test import PhaseSummary
from krobench.report.tables import table

_EFFECTS = (
    ("created, until ready", "instance_ready"),
    ("updated, until ready again", "instance_updated"),
    ("RGD updated, until ready again", "rgd_updated"),
    ("RGD updated, until on all children of an instance", "instance_fanned_out"),
    ("deleted, until gone", "instance_gone"),
)


def steps_table(steps: Sequence[PhaseSummary]) -> str:
    """Show each step: a line for each kind of operation in it."""
    header = (
        "step",
        "done",
        "errors",
        "operations/s",
        "kro CPU per operation",
        "kro API requests per operation",
        "latency of",
        "n",
        "p50",
        "p99",
        "max",
    )
    return table(header, [row for step in steps for row in _rows(step)])


def _rows(step: PhaseSummary) -> Iterator[Sequence[str]]:
    head: tuple[str, ...] = (
        f"{step.index + 1} {step.operation}",
        units.number(step.done),
        units.number(step.errors),
        units.rate(step.operations_per_second),
        units.seconds(step.kro_cpu_seconds_per_operation),
        units.number(step.kro_api_requests_per_operation),
    )
    seen = [
        (label, summary)
        for label, attribute in _EFFECTS
        if (summary := getattr(step.latency, attribute)) is not None
    ]
    if not seen:
        yield (*head, *["-"] * 5)
    for label, summary in seen:
        yield (*head, label, *_latency(summary))
        head = ("",) * len(head)


def _latency(summary: LatencySummary) -> Sequence[str]:
    never = f" (+{summary.censored} never)" if summary.censored else ""
    return (
        f"{summary.n}{never}",
        units.seconds(summary.p50_seconds),
        units.seconds(summary.p99_seconds),
        units.seconds(summary.max_seconds),
    )
