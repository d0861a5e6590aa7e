"""A custom resource as the API server gives it, read into what the controller decides upon."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from krobench.api.common import FINALIZER, ErrorInfo
from krobench.api.kinds import RunKind, RunRef, RunSpec
from krobench.api.refusal import refusals
from krobench.api.status import RunStatus
from krobench.controller.observed import Run
from krobench.controller.specs import check_spec
from krobench.workload.blueprint import WorkloadError
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS


def parse_run(
    kind: RunKind, item: Mapping[str, Any], max_objects: int = DEFAULT_MAX_OBJECTS
) -> Run:
    """Read a custom resource; what is wrong with its spec is in ``errors``."""
    metadata = item["metadata"]
    spec, errors = _parse_spec(kind, item.get("spec") or {}, max_objects)
    return Run(
        key=RunRef.of(kind, metadata),
        generation=metadata.get("generation", 1),
        created=metadata["creationTimestamp"],
        deleting="deletionTimestamp" in metadata,
        has_finalizer=FINALIZER in (metadata.get("finalizers") or []),
        spec=spec,
        errors=errors,
        status=_parse_status(kind, item.get("status") or {}),
    )


def _parse_spec(
    kind: RunKind, raw: Mapping[str, Any], max_objects: int
) -> tuple[RunSpec | None, tuple[ErrorInfo, ...]]:
    """Validate a spec; the API server did so too, but perhaps by an older CRD."""
    try:
        spec = kind.spec.model_validate(raw)
    except ValidationError as error:
        return None, tuple(
            ErrorInfo(reason="InvalidSpec", message=refusal) for refusal in refusals(error)
        )
    try:
        return spec, check_spec(spec, max_objects)
    except WorkloadError as error:
        return None, (ErrorInfo(reason="InvalidSpec", message=f"spec.{error}"),)


def _parse_status(kind: RunKind, raw: Mapping[str, Any]) -> RunStatus:
    """Read a status that another version may have written: what is not understood is left out."""
    understood = {}
    for key, value in raw.items():
        try:
            kind.status.model_validate({key: value})
        except ValidationError:
            continue
        understood[key] = value
    return kind.status.model_validate(understood)
