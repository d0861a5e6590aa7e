"""What test cases in JUnit XML have in common."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from krobench.api.common import ErrorInfo
from krobench.api.notation import units
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord


def new_case(run: RunRecord, name: str, duration_seconds: float | None = None) -> ET.Element:
    """Return a test case of a run that has passed so far."""
    return ET.Element(
        "testcase",
        classname=f"{run.namespace}.{run.name}",
        name=name,
        time=f"{duration_seconds or 0.0:.3f}",
    )


def add_error(case: ET.Element, info: ErrorInfo, causes: Sequence[ErrorInfo]) -> None:
    """Say that it could not be measured, with what speaks against its numbers besides."""
    error = ET.SubElement(case, "error", type=info.reason, message=info.message)
    error.text = "\n".join([info.message, *map(line_of, causes)])


def add_invalid(case: ET.Element, causes: Sequence[ErrorInfo]) -> None:
    """Say that its numbers may not be believed, so that it has neither passed nor failed."""
    skipped = ET.SubElement(case, "skipped", message=f"invalid: {line_of(causes[0])}")
    skipped.text = "\n".join(map(line_of, causes))


def line_of(cause: ErrorInfo) -> str:
    """Return a cause in a line."""
    return f"{cause.reason}: {cause.message}"


def numbers(test: TestRecord) -> str:
    """Return what was measured in a line; empty where nothing was."""
    if test.summary is None:
        return ""
    ready = test.summary.latency.instance_ready
    return (
        f"instances ready: {units.number(ready.n if ready else None)}; "
        f"p50 {units.seconds(ready.p50_seconds if ready else None)}; "
        f"p99 {units.seconds(ready.p99_seconds if ready else None)}; "
        f"{units.rate(test.summary.throughput.instances_per_second)}"
    )
