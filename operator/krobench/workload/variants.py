"""A variant merged into the pod template of kro's Deployment, and removed again. Pure.

Templates are as an API server returns them: without nulls and without empty maps. Each field that
may change is restored as a whole (``args`` is one list whose order matters). A field that somebody
else has changed differs from what the variant wrote, and is left alone. Environment variables are
restored one by one.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from krobench.api.notation import flag_name, flags
from krobench.api.podmessages import VARIANT_ANNOTATION, FieldChange
from krobench.api.specs.kro import Variant

PodTemplate = dict[str, Any]

_CONTAINER_FIELDS = ("image", "args", "env", "resources", "readinessProbe")
_ANNOTATION_FIELD = "annotation"
_ENV_FIELD = "env"

# kro's chart probes pods first after 10 s: most of the time that a change of variant would take.
_EARLY_PROBE = {"initialDelaySeconds": 1, "periodSeconds": 1}


class NoContainerError(LookupError):
    """The template has no container of this name."""


@dataclass(frozen=True)
class Restored:
    """A template after changes were removed from it."""

    template: PodTemplate
    conflicts: tuple[str, ...]
    """Fields that somebody else has changed since; they are left as they are."""


def mark_of(variant: str, visit: int) -> str:
    """Return the annotation of the pods that are started for a visit to a variant.

    Two visits in a row differ in it, so that each has pods of its own. More values would push
    kro's own ReplicaSets out of its Deployment's history.
    """
    return f"{variant}/{visit % 2}"


def lay_over(
    template: PodTemplate, container: str, variant: Variant, mark: str, *, probe_early: bool = True
) -> PodTemplate:
    """Return the template with a variant's settings, and a mark as an annotation.

    ``probe_early`` saves time if the start of the variant is not what is measured.

    Because of the annotation, even a variant that changes nothing gets new pods: each variant is
    measured on a kro that was started for it.

    Raises:
        NoContainerError: if the template has no such container.
    """
    result = deepcopy(template)
    target = _container(result, container)
    if variant.image is not None:
        target["image"] = variant.image
    if variant.args:
        target["args"] = merged_flags(target.get("args") or [], variant.args)
    if variant.env:
        target["env"] = _merged_env(target.get("env") or [], variant.env)
    if variant.resources is not None:
        limits, requests = variant.resources.limits, variant.resources.requests
        own = dict(target.get("resources") or {})
        for kind, values in (("limits", limits), ("requests", requests)):
            if values:
                own[kind] = own.get(kind, {}) | values
        target["resources"] = own
    if probe_early and "readinessProbe" in target:
        target["readinessProbe"] = target["readinessProbe"] | _EARLY_PROBE
    _set(result, container, _ANNOTATION_FIELD, mark)
    return result


def changes_between(
    before: PodTemplate, after: PodTemplate, container: str
) -> tuple[FieldChange, ...]:
    """Return what differs in the fields that a variant may set."""
    pairs = (
        (field, _get(before, container, field), _get(after, container, field))
        for field in (*_CONTAINER_FIELDS, _ANNOTATION_FIELD)
    )
    return tuple(
        FieldChange(field=field, before=old, after=new) for field, old, new in pairs if old != new
    )


def take_off(template: PodTemplate, container: str, changes: Sequence[FieldChange]) -> Restored:
    """Return the template without these changes.

    Raises:
        NoContainerError: if the container is gone.
    """
    result, conflicts = deepcopy(template), []
    for change in changes:
        present = _get(result, container, change.field)
        if present == change.after:
            _set(result, container, change.field, deepcopy(change.before))
        elif change.field == _ENV_FIELD and present:
            env, changed = _env_put_back(present, change)
            _set(result, container, _ENV_FIELD, env or None)
            conflicts += [f"{_ENV_FIELD} {name}" for name in changed]
        elif present != change.before:
            conflicts.append(change.field)
    return Restored(result, tuple(conflicts))


def _env_put_back(
    present: Sequence[dict[str, Any]], change: FieldChange
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return variables as they were before, and the names of those that somebody has changed."""
    before, after = (
        {item["name"]: item for item in items or []} for items in (change.before, change.after)
    )
    result, conflicts = [], []
    for item in present:
        name = item["name"]
        written, own = after.get(name), before.get(name)
        if written is None or own in (written, item):
            result.append(item)
        elif item != written:
            result.append(item)
            conflicts.append(name)
        elif own is not None:
            result.append(own)
    return result, conflicts


def merged_flags(own: Sequence[str], changed: Sequence[str]) -> list[str]:
    """Return the arguments with flags replaced by name, or appended.

    Both forms of a flag are known, ``--name=value`` and ``--name value``, with one dash or two, as
    in Go's ``flag``.
    """
    wanted = {flag_name(flag): flag for flag in changed}
    result: list[str] = []
    for words in flags(own):
        name = flag_name(words[0])
        if name is None or name not in wanted:
            result += words
        elif wanted[name] not in result:
            result.append(wanted[name])
    return [*result, *(flag for flag in wanted.values() if flag not in result)]


def _merged_env(own: Sequence[dict[str, Any]], wanted: dict[str, str]) -> list[dict[str, Any]]:
    result = [
        {"name": item["name"], "value": wanted[item["name"]]} if item["name"] in wanted else item
        for item in own
    ]
    known = {item["name"] for item in own}
    return result + [
        {"name": name, "value": value} for name, value in wanted.items() if name not in known
    ]


def _container(template: PodTemplate, name: str) -> dict[str, Any]:
    for item in template.get("spec", {}).get("containers", []):
        if item.get("name") == name:
            found: dict[str, Any] = item
            return found
    raise NoContainerError(name)


def _get(template: PodTemplate, container: str, field: str) -> Any:
    if field == _ANNOTATION_FIELD:
        annotations = template.get("metadata", {}).get("annotations", {})
        return annotations.get(VARIANT_ANNOTATION)
    return _container(template, container).get(field)


def _set(template: PodTemplate, container: str, field: str, value: Any) -> None:
    """Set a field; if ``value`` is None, remove it and maps that are then empty."""
    if field != _ANNOTATION_FIELD:
        _put(_container(template, container), field, value)
        return
    metadata = template.get("metadata", {})
    annotations = metadata.get("annotations", {})
    _put(annotations, VARIANT_ANNOTATION, value)
    _put(metadata, "annotations", annotations or None)
    _put(template, "metadata", metadata or None)


def _put(target: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        target.pop(key, None)
    else:
        target[key] = value
