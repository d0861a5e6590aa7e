"""RGDs, the kinds that they define, and instances: finding them, and what their status means.

The plural of a kind cannot be guessed, so a kind is found by its CRD.
"""

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Set
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from krobench.figures.rawdata import ObjectRecord
from krobench.figures.reasons.load import RevisionsForbidden, RevisionsNotServed, RevisionsUnknown
from krobench.kube import paths
from krobench.kube.client import METADATA_LIST, JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.kube.timing import Timing
from krobench.load.driver import RgdRejectedError
from krobench.load.observer import Followed, Observer
from krobench.workload.readiness import Ready

RGDS_PATH = paths.group("kro.run", "v1alpha1", "resourcegraphdefinitions")
CRDS_PATH = paths.group("apiextensions.k8s.io", "v1", "customresourcedefinitions")
RGD_NAME_LABEL = "kro.run/resource-graph-definition-name"


@dataclass(frozen=True)
class Kind:
    """A kind that an RGD defines."""

    crd: str
    """Name of its CRD."""
    rgd: str
    """Name of its RGD."""
    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None = None) -> str:
        """Return the path of its collection, of one namespace or of all."""
        return paths.group(self.group, self.version, self.plural, namespace)


async def find_kind(client: KubeClient, rgd_name: str, timing: Timing) -> Kind | None:
    """Return the kind that this RGD defines, or None if none appears in time.

    An API server may take longer to answer: what it answers then still counts.
    """
    until = time.monotonic() + timing.kind_appears
    while True:
        found = await client.list(CRDS_PATH, f"{RGD_NAME_LABEL}={rgd_name}")
        if found:
            return _kind_of_crd(found[0])
        if time.monotonic() >= until:
            return None
        await asyncio.sleep(timing.kind_poll)


async def kinds_of_run(client: KubeClient, prefix: str) -> list[Kind]:
    """Return the kinds of all RGDs whose name begins with ``prefix``."""
    names = [
        crd["metadata"]["name"]
        async for page in client.pages(CRDS_PATH, RGD_NAME_LABEL, accept=METADATA_LIST)
        for crd in page
        if _rgd_name(crd).startswith(prefix)
    ]
    found = [await client.find(f"{CRDS_PATH}/{name}") for name in names]
    return [_kind_of_crd(crd) for crd in found if crd is not None]


async def crds_of_kinds(client: KubeClient, group: str, kinds: Set[str]) -> dict[str, str]:
    """Return the names of the CRDs that define some of these kinds in a group, by kind."""
    found = {}
    for name in await client.names(CRDS_PATH):
        if name.partition(".")[2] == group:
            crd = await client.find(f"{CRDS_PATH}/{name}")
            if crd is not None and crd["spec"]["names"]["kind"] in kinds:
                found[crd["spec"]["names"]["kind"]] = name
    return found


async def path_of_kind(
    client: KubeClient, api_version: str, kind: str, namespace: str | None = None
) -> str | None:
    """Return the path of this kind's collection; None if it is not served.

    Without a namespace, it is that of all namespaces.
    """
    base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    served = await client.find(base) or {}
    for entry in served.get("resources") or []:
        if entry["kind"] == kind and "/" not in entry["name"]:
            scope = f"/namespaces/{namespace}" if namespace and entry.get("namespaced") else ""
            return f"{base}{scope}/{entry['name']}"
    return None


def _kind_of_crd(crd: JsonObject) -> Kind:
    spec = crd["spec"]
    return Kind(
        crd=crd["metadata"]["name"],
        rgd=crd["metadata"].get("labels", {}).get(RGD_NAME_LABEL, ""),
        group=spec["group"],
        version=next(item["name"] for item in spec["versions"] if item.get("storage")),
        kind=spec["names"]["kind"],
        plural=spec["names"]["plural"],
        namespaced=spec["scope"] == "Namespaced",
    )


logger = logging.getLogger(__name__)

_MAX_PROBLEM_LENGTH = 1000
_BUILT_IN = Ready()


def condition(item: JsonObject, kind: str) -> JsonObject | None:
    conditions: list[JsonObject] = item.get("status", {}).get("conditions") or []
    return next((entry for entry in conditions if entry.get("type") == kind), None)


def is_true(item: JsonObject, kind: str) -> bool:
    """Whether the condition is true *for the current generation*.

    kro reports ACTIVE, and can report an older Ready=True, before it has seen the latest spec.
    """
    entry = condition(item, kind)
    if entry is None or entry.get("status") != "True":
        return False
    generation = item["metadata"].get("generation")
    observed = entry.get("observedGeneration")
    return observed is None or observed == generation


def is_ready(item: JsonObject) -> bool:
    return is_true(item, "Ready")


def state(item: JsonObject) -> str | None:
    """Return ``status.state`` in lower case: RGDs say Active, instances ACTIVE."""
    value = item.get("status", {}).get("state")
    return value.lower() if isinstance(value, str) else None


def rejection(rgd: JsonObject) -> str | None:
    """Return kro's message if it does not accept the RGD."""
    entry = condition(rgd, "GraphAccepted")
    if entry is None or entry.get("status") != "False":
        return None
    return str(entry.get("message") or entry.get("reason") or "no message")[:_MAX_PROBLEM_LENGTH]


def problem(item: JsonObject) -> str | None:
    """Return why the object is not ready: its conditions that are not true."""
    conditions: list[JsonObject] = item.get("status", {}).get("conditions") or []
    failing = [
        f"{entry['type']}={entry.get('status')}: {entry.get('message') or entry.get('reason')}"
        for entry in conditions
        if entry.get("status") != "True" and entry.get("type") != "Ready"
    ]
    return "; ".join(failing)[:_MAX_PROBLEM_LENGTH] or None


# GraphRevisions were moved to a group of their own; older releases have none at all.
_REVISION_GROUPS = ("internal.kro.run", "kro.run")
_Answer = TypeVar("_Answer")


async def observe_compilation(stack: AsyncExitStack, rgds: Observer) -> RevisionsUnknown | None:
    """Time the compilation of the RGDs that ``rgds`` follows, and when their CRDs are established.

    Returns why compilation cannot be timed, or None if it can. The watches end with ``stack``.
    """
    crds = rgds.companion(CRDS_PATH, RGD_NAME_LABEL, _apply_crd, _rgd_name)
    await stack.enter_async_context(crds)

    async def watch(path: str) -> Observer:
        revisions = rgds.companion(path, RGD_NAME_LABEL, _apply_revision, _rgd_name)
        return await stack.enter_async_context(revisions)

    _, unavailable = await _of_revisions(watch)
    if unavailable is not None:
        logger.warning("compilation is not timed: %s", unavailable)
    return unavailable


async def count_revisions(client: KubeClient) -> tuple[dict[str, int], RevisionsUnknown | None]:
    """Return how many GraphRevisions each RGD has, and why that is unknown, if it is."""
    found, unavailable = await _of_revisions(lambda path: client.list(path, metadata_only=True))
    return dict(Counter(_rgd_name(item) for item in found or [])), unavailable


async def _of_revisions(
    use: Callable[[str], Awaitable[_Answer]],
) -> tuple[_Answer | None, RevisionsUnknown | None]:
    """Use the path of GraphRevisions that is served; return the answer, or why none is."""
    unavailable: RevisionsUnknown = RevisionsNotServed()
    for group in _REVISION_GROUPS:
        try:
            return await use(paths.group(group, "v1alpha1", "graphrevisions")), None
        except ApiError as error:
            if error.forbidden:
                unavailable = RevisionsForbidden(group=group, detail=error.message)
            elif not error.not_found:
                raise
    return None, unavailable


def last_established(rgds: Iterable[ObjectRecord], now_seconds: float) -> float:
    """Return when the last of these RGDs' kinds was established; now, if one was not seen."""
    times = (rgd.established_seconds for rgd in rgds)
    return max((now_seconds if at is None else at for at in times), default=now_seconds)


def _rgd_name(item: JsonObject) -> str:
    name: str = item["metadata"].get("labels", {}).get(RGD_NAME_LABEL, "")
    return name


def _apply_crd(followed: Followed, item: JsonObject, seconds: float) -> None:
    record = followed.record
    if record.established_seconds is None and is_true(item, "Established"):
        record.established_seconds = seconds


def _apply_revision(followed: Followed, item: JsonObject, seconds: float) -> None:
    record = followed.record
    if record.compiled_seconds is None and is_ready(item):
        record.compiled_seconds = seconds


def apply_instance(
    followed: Followed, item: JsonObject, seconds: float, ready: Ready = _BUILT_IN
) -> None:
    """Record an instance's new state; ``ready`` is what shows that it is ready."""
    record = followed.record
    is_active = state(item) == "active"
    if record.active_seconds is None and is_active:
        record.active_seconds = seconds
    followed.failing = state(item) == "error"
    shown = all(is_true(item, name) for name in ready.conditions) if ready.conditions else is_active
    if shown:
        followed.became_ready(item["metadata"].get("generation", 0), seconds)
    else:
        followed.problem = problem(item)


_PASSING = re.compile(
    r"time(d )?out|deadline exceeded|too many requests|rate limit|connection|unavailable|"
    r"object has been modified|being (created|deleted)|no matches for kind|not found|EOF",
    re.IGNORECASE,
)
"""Errors that may go away without anybody's help."""


def common_error(instances: Iterable[Followed]) -> str | None:
    """Return the error that all instances report that were created and are not ready.

    None if they report different ones, wait for something, or report what may pass.
    """
    found, shown = set(), None
    for each in instances:
        record = each.record
        if record.acknowledged_seconds is None or record.ready_seconds is not None:
            continue
        if not each.failing or each.is_gone or each.deletion is not None:
            return None
        shown = each.problem or "state ERROR"
        found.add(re.sub(r"\d+", "0", shown.replace(record.name, "")))
    if len(found) != 1 or shown is None or _PASSING.search(shown):
        return None
    return shown


def apply_rgd(
    followed: Followed,
    item: JsonObject,
    seconds: float,
    grace_seconds: float = Timing.rejection_grace,
) -> None:
    """Record an RGD's new state; if it stays rejected, waiting for it fails."""

    def fail_if_rejected() -> None:
        if followed.problem is not None:
            followed.fail(RgdRejectedError(followed.problem))

    record = followed.record
    if record.picked_up_seconds is None and item["metadata"].get("finalizers"):
        record.picked_up_seconds = seconds
    rejected = rejection(item)
    first_time = followed.problem is None
    followed.problem = rejected
    if rejected is not None:
        if first_time:
            asyncio.get_running_loop().call_later(grace_seconds, fail_if_rejected)
        return
    if record.accepted_seconds is None and is_true(item, "GraphAccepted"):
        record.accepted_seconds = seconds
    if record.active_seconds is None and state(item) == "active":
        record.active_seconds = seconds
    if is_ready(item):
        followed.became_ready(item["metadata"].get("generation", 0), seconds)
