"""kro's Deployment: finding it, the change that a variant has made to it, and undoing that."""

import asyncio
import logging
from dataclasses import dataclass

from pydantic import ValidationError

from krobench.api.common import RUN_LABEL
from krobench.api.podmessages import VARIANT_ANNOTATION, KroChange
from krobench.api.specs.kro import Target
from krobench.kube import kropods, paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.loadjob.errors import AbortedError
from krobench.workload.variants import NoContainerError, PodTemplate, take_off

logger = logging.getLogger(__name__)

ATTEMPTS = 5
_OURS = "krobench"


class UnreadableChangeError(KubeError):
    """The note about what a run has changed on kro cannot be read by this version."""


async def find_deployment(client: KubeClient, target: Target) -> JsonObject:
    """Return the Deployment that kro's pods belong to.

    Raises:
        AbortedError: if there is none.
    """
    deployment = await kropods.find_deployment(client, target)
    if deployment is None:
        raise AbortedError(
            "KroNotFound",
            f"no Deployment in namespace {target.namespace} runs kro's pods; install kro with its "
            "Helm chart to use variants",
        )
    return deployment


async def restore_all(client: KubeClient, run: str) -> list[str]:
    """Restore every Deployment that this run has changed; returns warnings."""
    selector = f"{RUN_LABEL}={run}"
    warnings = []
    for deployment in await client.list(paths.group("apps", "v1", "deployments"), selector):
        if change_on(deployment) is not None:
            warnings += await restore(client, path_of(deployment), run)
    return warnings


async def restore(
    client: KubeClient, path: str, run: str, known: KroChange | None = None
) -> list[str]:
    """Undo this run's change on a Deployment, without waiting for the rollout.

    ``known`` is the change as the load Job remembers it, used if its note on the Deployment is
    lost. Returns a warning for each field that someone else has changed since: it stays as it is.

    Raises:
        KubeError: if the change cannot be undone, or its note cannot be read.
    """
    for attempt in range(ATTEMPTS):
        deployment = await client.get(path)
        try:
            change = change_on(deployment) or known
        except UnreadableChangeError:
            if known is None:
                raise
            change = known
        if change is None or change.run != run:
            return []
        restored = taken_off(deployment, change)
        try:
            answer = await client.replace(path, with_settings(deployment, restored))
        except ApiError as error:
            if not error.conflict or attempt + 1 == ATTEMPTS:
                raise
            await asyncio.sleep(0)
            continue
        logger.info(
            "%s was restored to what it was before variant %s", describe(deployment), change.variant
        )
        await _disown(client, path, answer)
        return [
            f"{describe(deployment)}: {changed_by(deployment)} changed {field} while variant "
            f"{change.variant} was applied, so it was not restored"
            for field in restored.conflicts
        ]
    return []


async def _disown(client: KubeClient, path: str, deployment: JsonObject) -> None:
    """Give up the fields that we wrote: otherwise the next apply of another manager conflicts."""
    try:
        await _drop_our_fields(client, path, deployment)
    except KubeError as error:
        logger.warning(
            "%s: fields are still marked as managed by krobench: %s", describe(deployment), error
        )


async def _drop_our_fields(client: KubeClient, path: str, deployment: JsonObject) -> None:
    for attempt in range(ATTEMPTS):
        metadata = deployment["metadata"]
        entries = metadata.get("managedFields") or []
        kept = [entry for entry in entries if entry.get("manager") != _OURS]
        if len(kept) == len(entries):
            return
        without = deployment | {"metadata": metadata | {"managedFields": kept}}
        try:
            await client.replace(path, without)
        except ApiError as error:
            if not error.conflict or attempt + 1 == ATTEMPTS:
                raise
            # The Deployment's controller has seen the restored template in the meantime.
            deployment = await client.get(path)
        else:
            return


@dataclass(frozen=True)
class Settings:
    """What a variant may change in a Deployment's spec."""

    template: PodTemplate
    strategy: JsonObject
    """How pods are replaced."""
    conflicts: tuple[str, ...] = ()
    """Fields that somebody else has changed since; they are left as they are."""


def taken_off(deployment: JsonObject, change: KroChange | None) -> Settings:
    """Return a Deployment's settings with a change undone."""
    template, strategy = deployment["spec"]["template"], deployment["spec"]["strategy"]
    if change is None:
        return Settings(template, strategy)
    conflicts: list[str] = []
    switched = change.strategy
    if switched is not None and strategy == switched.after:
        strategy = switched.before
    elif switched is not None and strategy != switched.before:
        conflicts.append(switched.field)
    try:
        restored = take_off(template, change.container, change.changes)
    except NoContainerError:
        return Settings(template, strategy, (*conflicts, "the container"))
    return Settings(restored.template, strategy, (*conflicts, *restored.conflicts))


def with_settings(
    deployment: JsonObject, settings: Settings, change: KroChange | None = None
) -> JsonObject:
    """Return a Deployment with these settings and the note of a change, if there is one."""
    metadata = dict(deployment["metadata"])
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != RUN_LABEL}
    annotations = {
        k: v for k, v in (metadata.get("annotations") or {}).items() if k != VARIANT_ANNOTATION
    }
    if change is not None:
        labels[RUN_LABEL] = change.run
        annotations[VARIANT_ANNOTATION] = change.model_dump_json(by_alias=True)
    metadata |= {"labels": labels, "annotations": annotations}
    spec = deployment["spec"] | {"template": settings.template, "strategy": settings.strategy}
    return deployment | {"metadata": metadata, "spec": spec}


def change_on(deployment: JsonObject) -> KroChange | None:
    """Return the change that is noted on a Deployment, or None.

    Raises:
        UnreadableChangeError: if the note cannot be read: kro is changed, and its original
            settings are unknown.
    """
    text = (deployment["metadata"].get("annotations") or {}).get(VARIANT_ANNOTATION)
    if text is None:
        return None
    try:
        return KroChange.model_validate_json(text)
    except ValidationError as error:
        raise UnreadableChangeError(
            f"{describe(deployment)}: annotation {VARIANT_ANNOTATION} is not valid, so the change "
            "that a run has made is unknown; restore the Deployment yourself, for example with "
            "kubectl rollout undo, and remove the annotation"
        ) from error


def changed_by(deployment: JsonObject) -> str:
    """Return the field manager that changed a Deployment's spec last, krobench excepted."""
    entries = [
        entry
        for entry in deployment["metadata"].get("managedFields") or []
        if not entry.get("subresource") and entry.get("manager") != _OURS
    ]
    if not entries:
        return "someone"
    last = max(entries, key=lambda entry: entry.get("time", ""))
    return f"{last.get('manager', 'someone')} at {last.get('time', 'an unknown time')}"


def path_of(deployment: JsonObject) -> str:
    metadata = deployment["metadata"]
    return paths.group("apps", "v1", "deployments", metadata["namespace"], metadata["name"])


def describe(deployment: JsonObject) -> str:
    """Return a Deployment's name in messages."""
    return f"Deployment {deployment['metadata']['namespace']}/{deployment['metadata']['name']}"
