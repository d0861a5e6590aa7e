"""The steps between an RGD and its kind, told by objects that kro makes of it."""

import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import partial

from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.load import lifecycle
from krobench.load.followed import Followed
from krobench.load.kinds import CRDS_PATH, RGD_NAME_LABEL
from krobench.load.observer import Observer
from krobench.record.lines import ObjectRecord

logger = logging.getLogger(__name__)

# GraphRevisions were moved to a group of their own; older releases have none at all.
_REVISION_GROUPS = ("internal.kro.run", "kro.run")
_NOT_SERVED = "no GraphRevisions are served"


async def observe_phases(stack: AsyncExitStack, rgds: Observer) -> str | None:
    """Time the compilation of the RGDs that ``rgds`` follows, and their CRDs' establishment.

    Returns why compilation cannot be timed, or None where it can. The watches end with ``stack``.
    """
    crds = rgds.companion(CRDS_PATH, RGD_NAME_LABEL, _apply_crd, _rgd_name)
    await stack.enter_async_context(crds)
    problem = _NOT_SERVED
    for group in _REVISION_GROUPS:
        path = paths.group(group, "v1alpha1", "graphrevisions")
        try:
            revisions = rgds.companion(path, RGD_NAME_LABEL, _apply_revision, _rgd_name)
            await stack.enter_async_context(revisions)
        except ApiError as error:
            if not error.not_found and not error.forbidden:
                raise
            if error.forbidden:
                problem = _forbidden(group, error)
        else:
            return None
    logger.warning("compilation is not timed: %s", problem)
    return problem


async def count_revisions(client: KubeClient) -> tuple[dict[str, int], str | None]:
    """Return how many GraphRevisions each RGD of the cluster has, and why that is not known; None
    where it is."""
    problem = _NOT_SERVED
    for group in _REVISION_GROUPS:
        try:
            path = paths.group(group, "v1alpha1", "graphrevisions")
            found = await client.patiently(partial(client.list, path))
        except ApiError as error:
            if not error.not_found and not error.forbidden:
                raise
            if error.forbidden:
                problem = _forbidden(group, error)
        else:
            return dict(Counter(_rgd_name(item) for item in found)), None
    return {}, problem


def _forbidden(group: str, error: ApiError) -> str:
    return f"{error.message}; grant list and watch on graphrevisions.{group}"


def last_established(rgds: Iterable[ObjectRecord], now_seconds: float) -> float:
    """Return when the last of these RGDs' kinds was established; now, where one was not seen."""
    times = (rgd.established_seconds for rgd in rgds)
    return max((now_seconds if at is None else at for at in times), default=now_seconds)


def _rgd_name(item: JsonObject) -> str:
    name: str = item["metadata"].get("labels", {}).get(RGD_NAME_LABEL, "")
    return name


def _apply_crd(followed: Followed, item: JsonObject, seconds: float) -> None:
    record = followed.record
    if record.established_seconds is None and lifecycle.is_true(item, "Established"):
        record.established_seconds = seconds


def _apply_revision(followed: Followed, item: JsonObject, seconds: float) -> None:
    record = followed.record
    if record.compiled_seconds is None and lifecycle.is_ready(item):
        record.compiled_seconds = seconds
