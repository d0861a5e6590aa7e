"""Why a run is invalid: what a reader must know before any number."""

from collections.abc import Sequence

from krobench.findings.validity import AnyCause
from krobench.record.run import RunRecord
from krobench.report.words.validity import cause_line

_SHOWN = 3


def validity_section(run: RunRecord) -> str:
    """Return the section; empty if the run is valid."""
    if run.validity is None or run.validity.valid:
        return ""
    causes = [_cause(reason, found) for reason, found in run.validity.by_reason().items()]
    return (
        "## This run is invalid\n\nIt has neither passed nor failed. Do not compare its numbers: "
        "they may not reflect kro under this load.\n\n" + "\n".join(causes)
    )


def _cause(reason: str, causes: Sequence[AnyCause]) -> str:
    if len(causes) == 1:
        return f"- **{reason}**: {cause_line(causes[0])}"
    shown = [f"  - {cause_line(cause)}" for cause in causes[:_SHOWN]]
    if len(causes) > _SHOWN:
        shown.append(f"  - and {len(causes) - _SHOWN} more, in `validity` of run.json")
    return "\n".join([f"- **{reason}**:", *shown])
