"""Why a run may not be believed: what a reader has to know before any number."""

from krobench.record.run import RunRecord

_SHOWN = 3


def validity_section(run: RunRecord) -> str:
    """Return the section; empty where nothing speaks against the run."""
    if run.validity is None or run.validity.valid:
        return ""
    causes = [_cause(reason, found) for reason, found in run.validity.by_reason().items()]
    return (
        "## This run is invalid\n\nIt has neither passed nor failed, and its numbers are not to be "
        "compared: they may be those of something else than kro under this load.\n\n"
        + "\n".join(causes)
    )


def _cause(reason: str, messages: list[str]) -> str:
    if len(messages) == 1:
        return f"- **{reason}**: {messages[0]}"
    shown = [f"  - {message}" for message in messages[:_SHOWN]]
    if len(messages) > _SHOWN:
        shown.append(f"  - and {len(messages) - _SHOWN} more, in `validity` of run.json")
    return "\n".join([f"- **{reason}**:", *shown])
