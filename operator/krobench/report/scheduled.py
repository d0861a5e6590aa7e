"""Paths of fields in what is said of a run that a schedule created.

The spec of such a run cannot be changed, and the next run does not have it: what to change is the
template of the schedule.
"""

import re
from typing import Any

from krobench.api.kinds import TEMPLATES, RunKind, ScheduleKind
from krobench.record.run import RunRecord

_FIELDS = {
    kind: "|".join(field.alias or name for name, field in kind.spec.model_fields.items())
    for kind in RunKind
}
_PATHS = {
    kind: re.compile(rf"(?<![\w.])spec\.(?=(?:{fields})\b)") for kind, fields in _FIELDS.items()
}
"""Of fields of ours: other objects, such as RGDs, have a spec too."""


def template_path(kind: RunKind) -> str:
    """Return the path of the spec of such runs in a schedule."""
    field = next(field for field, of in TEMPLATES.items() if of is kind)
    return f"spec.{field}.spec"


def of_template(text: str, kind: RunKind) -> str:
    """Return a text with the fields of a run's spec named as fields of the schedule's."""
    return _PATHS[kind].sub(f"{template_path(kind)}.", text)


def in_template(value: Any, kind: RunKind) -> Any:
    """Return the same of all texts of an object."""
    match value:
        case str():
            return of_template(value, kind)
        case dict():
            return {name: in_template(each, kind) for name, each in value.items()}
        case list():
            return [in_template(each, kind) for each in value]
        case _:
            return value


def as_read(run: RunRecord, text: str) -> str:
    """Return a report of a run with the paths of what its readers can change."""
    return text if run.schedule is None else of_template(text, RunKind(run.kind))


def created_by(run: RunRecord) -> str:
    """Return what created a run, in a sentence; empty if a user did."""
    if run.schedule is None:
        return ""
    return (
        f"Created by {ScheduleKind.SCHEDULE} {run.schedule}: the next run is made from its "
        f"{template_path(RunKind(run.kind))}."
    )
