"""kro's Deployment: finding it, what a variant has changed on it, and taking that off again."""

import asyncio
import logging

from pydantic import ValidationError

from krobench.api.common import RUN_LABEL
from krobench.api.messages import VARIANT_ANNOTATION, KroChange
from krobench.api.specs.kro import Target
from krobench.job.errors import AbortedError
from krobench.kube import kro, paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.workload.variants import NoContainerError, PodTemplate, Restored, take_off

logger = logging.getLogger(__name__)

ATTEMPTS = 5
_OURS = "krobench"


class UnreadableChangeError(KubeError):
    """What a run has changed of kro is noted in a way that this version cannot read."""


async def find_deployment(client: KubeClient, target: Target) -> JsonObject:
    """Return the Deployment that kro's pods belong to.

    Raises:
        AbortedError: if there is none.
    """
    deployment = await kro.find_deployment(client, target)
    if deployment is None:
        raise AbortedError(
            "KroNotFound",
            f"no Deployment in namespace {target.namespace} runs kro's pods: variants need one",
        )
    return deployment


async def restore_all(client: KubeClient, run: str) -> list[str]:
    """Put every Deployment back that this run has changed; returns what is to be warned of."""
    selector = f"{RUN_LABEL}={run}"
    warnings = []
    for deployment in await client.list(paths.group("apps", "v1", "deployments"), selector):
        if change_on(deployment) is not None:
            warnings += await restore(client, path_of(deployment), run)
    return warnings


async def restore(
    client: KubeClient, path: str, run: str, known: KroChange | None = None
) -> list[str]:
    """Take this run's change off a Deployment, with nothing waited for.

    ``known`` is the change as the load Job remembers it, should its note on the Deployment be lost.
    Returns a warning for each field that somebody else has changed since: it is left alone.

    Raises:
        KubeError: if it cannot be taken off, or what it was cannot be read.
    """
    for attempt in range(ATTEMPTS):
        deployment = await client.get(path)
        change = _change_to_undo(deployment, known)
        if change is None or change.run != run:
            return []
        restored = taken_off(deployment, change)
        try:
            answer = await client.replace(path, with_template(deployment, restored.template))
        except ApiError as error:
            if not error.conflict or attempt + 1 == ATTEMPTS:
                raise
            await asyncio.sleep(0)
            continue
        logger.info("%s is as it was before variant %s", describe(deployment), change.variant)
        await _disown(client, path, answer)
        return [
            f"{describe(deployment)}: {field} was changed by {changed_by(deployment)} while "
            f"variant {change.variant} was in force, and was left as it is"
            for field in restored.conflicts
        ]
    return []


def _change_to_undo(deployment: JsonObject, known: KroChange | None) -> KroChange | None:
    try:
        return change_on(deployment) or known
    except UnreadableChangeError:
        if known is None:
            raise
        return known


async def _disown(client: KubeClient, path: str, deployment: JsonObject) -> None:
    """Give up the fields that we wrote, or whoever applies them next would meet a conflict."""
    metadata = deployment["metadata"]
    entries = metadata.get("managedFields") or []
    kept = [entry for entry in entries if entry.get("manager") != _OURS]
    if len(kept) == len(entries):
        return
    try:
        await client.replace(path, deployment | {"metadata": metadata | {"managedFields": kept}})
    except KubeError as error:
        logger.warning("%s: fields are still marked as ours: %s", describe(deployment), error)


def taken_off(deployment: JsonObject, change: KroChange | None) -> Restored:
    """Return the template of a Deployment without a change."""
    template = deployment["spec"]["template"]
    if change is None:
        return Restored(template, ())
    try:
        return take_off(template, change.container, change.changes)
    except NoContainerError:
        return Restored(template, ("the container",))


def with_template(
    deployment: JsonObject, template: PodTemplate, change: KroChange | None = None
) -> JsonObject:
    """Return a Deployment with this template, and with a change noted on it, or none."""
    metadata = dict(deployment["metadata"])
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != RUN_LABEL}
    annotations = {
        k: v for k, v in (metadata.get("annotations") or {}).items() if k != VARIANT_ANNOTATION
    }
    if change is not None:
        labels[RUN_LABEL] = change.run
        annotations[VARIANT_ANNOTATION] = change.model_dump_json(by_alias=True)
    metadata |= {"labels": labels, "annotations": annotations}
    return deployment | {
        "metadata": metadata,
        "spec": deployment["spec"] | {"template": template},
    }


def change_on(deployment: JsonObject) -> KroChange | None:
    """Return the change that is noted on a Deployment; None where there is none.

    Raises:
        UnreadableChangeError: if what is noted is no change: kro is then not as it was, and nobody
            knows what it was like.
    """
    text = (deployment["metadata"].get("annotations") or {}).get(VARIANT_ANNOTATION)
    if text is None:
        return None
    try:
        return KroChange.model_validate_json(text)
    except ValidationError as error:
        raise UnreadableChangeError(
            f"{describe(deployment)}: annotation {VARIANT_ANNOTATION} cannot be read, and so what "
            "a run has changed is not known: put the Deployment back as it was, as with kubectl "
            "rollout undo, and remove the annotation"
        ) from error


def changed_by(deployment: JsonObject) -> str:
    """Return who, besides us, was the last to change what a Deployment asks for, and when."""
    entries = [
        entry
        for entry in deployment["metadata"].get("managedFields") or []
        if not entry.get("subresource") and entry.get("manager") != _OURS
    ]
    if not entries:
        return "somebody"
    last = max(entries, key=lambda entry: entry.get("time", ""))
    return f"{last.get('manager', 'somebody')} at {last.get('time', 'an unknown time')}"


def path_of(deployment: JsonObject) -> str:
    """Return the path of a Deployment."""
    metadata = deployment["metadata"]
    return paths.group("apps", "v1", "deployments", metadata["namespace"], metadata["name"])


def describe(deployment: JsonObject) -> str:
    """Return how a Deployment is called in messages."""
    return f"Deployment {deployment['metadata']['namespace']}/{deployment['metadata']['name']}"
