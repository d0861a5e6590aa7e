"""Deleting what a run made, in the order that kro needs, and saying what is left.

The order is instances, then RGDs, then CRDs, then the namespace: instances of a deleted RGD
hang on their finalizers for ever, and kro keeps the CRD of a deleted RGD. Nothing depends on
the probes of the watch's lag, which go first.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial

from krobench.api import units
from krobench.api.common import COMPONENT_LABEL, RUN_LABEL, ErrorInfo
from krobench.api.kinds import object_prefix
from krobench.api.messages import SHARD_COMPONENT, SHARD_LINES_COMPONENT
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.load.clock import RunClock
from krobench.load.kinds import CRDS_PATH, RGDS_PATH, Kind, kinds_of_run
from krobench.load.probe import PROBE_COMPONENT
from krobench.record.iteration import Teardown
from krobench.record.run import Orphans

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
_CONCURRENCY = 16
_MAX_REMAINING = 20
_PROBE_TIMEOUT_SECONDS = 10.0
_RGD_TIMEOUT_SECONDS = 60.0
_CRD_TIMEOUT_SECONDS = 60.0
_NAMESPACE_TIMEOUT_SECONDS = 90.0
_FORCED_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True)
class Item:
    """An object to be deleted."""

    kind: str
    namespace: str | None
    name: str
    path: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)


Lister = Callable[[], Awaitable[list[Item]]]


class RunCleanup:
    """Deletes the objects of a run, or of the part of it that ``rgd_prefix`` names.

    It needs no memory of what was created: labels and name prefixes say it, so that it works
    as well after a crash.
    """

    def __init__(self, client: KubeClient, run_uid: str, rgd_prefix: str | None = None) -> None:
        self._client = client
        self._prefix = rgd_prefix or object_prefix(run_uid)
        # Shards talk throughout the run, and not only in the part that is swept.
        talk = () if rgd_prefix else (SHARD_COMPONENT, SHARD_LINES_COMPONENT)
        self._components = (PROBE_COMPONENT, *talk)
        self._clock = RunClock()
        self._selector = f"{RUN_LABEL}={run_uid}"

    async def delete_objects(
        self, instance_timeout_seconds: float, force: bool = False
    ) -> Teardown:
        """Delete instances, RGDs and CRDs; errors and left-overs are in what is returned.

        With ``force``, what did not go in its time, as when kro itself is gone, has its
        finalizers taken away: RGDs, and instances in namespaces that the run made. Children
        of such instances go with the namespace, so nothing is orphaned by that.
        """
        return await self._reported(self._ordered(instance_timeout_seconds, force))

    async def delete_namespaces(self) -> Teardown:
        """Delete the namespaces that the run made, with all that is still in them."""
        return await self._reported(self._delete_all(self._namespaces, _NAMESPACE_TIMEOUT_SECONDS))

    async def audit(self, namespaces: Collection[str]) -> Orphans:
        """Count what is left of the run, whatever was said of its deletion.

        ``namespaces`` are those that the run used: what kro made for instances there bears
        their names, and so the run's prefix, but not its labels.
        """
        try:
            left = await self._client.patiently(lambda: self._left(namespaces))
        except KubeError as error:
            return Orphans(unavailable=str(error))
        return Orphans(count=len(left), objects=[str(item) for item in left[:_MAX_REMAINING]])

    async def _left(self, namespaces: Collection[str]) -> list[Item]:
        kinds = await kinds_of_run(self._client, self._prefix)
        left = [
            *await self._instances(kinds),
            *await self._rgds(),
            *await self._crds(kinds),
            *await self._namespaces(),
        ]
        for namespace in namespaces:
            left += await self._config_maps(namespace)
        return left

    async def _config_maps(self, namespace: str) -> list[Item]:
        """Return the probes, and the children of kind ConfigMap, which are most of them."""
        collection = paths.core("configmaps", namespace)
        return [
            _item(entry, "ConfigMap", collection)
            for entry in await self._client.list(collection)
            if entry["metadata"]["name"].startswith(self._prefix)
        ]

    async def _reported(self, work: Awaitable[list[Item]]) -> Teardown:
        error: ErrorInfo | None = None
        remaining: list[Item] = []
        try:
            remaining = await work
        except KubeError as failure:
            error = ErrorInfo(reason="TeardownFailed", message=str(failure))
        if remaining:
            error = ErrorInfo(
                reason="TeardownIncomplete",
                message=f"{units.counted(len(remaining), 'object')} still there, "
                f"the first is {remaining[0]}; "
                "delete them in the order instances, RGDs, CRDs",
            )
        return Teardown(
            done=error is None,
            duration_seconds=round(self._clock.now(), 3),
            error=error,
            remaining=[str(item) for item in remaining[:_MAX_REMAINING]],
        )

    async def _ordered(self, instance_timeout_seconds: float, force: bool) -> list[Item]:
        kinds = await self._client.patiently(lambda: kinds_of_run(self._client, self._prefix))
        free = partial(free_abandoned, self._client, kinds, self._selector)
        await self._client.patiently(free)
        for lister, timeout_seconds in (
            (self._config_maps_of_ours, _PROBE_TIMEOUT_SECONDS),
            (lambda: self._instances(kinds), instance_timeout_seconds),
            (self._rgds, _RGD_TIMEOUT_SECONDS),
            (lambda: self._crds(kinds), _CRD_TIMEOUT_SECONDS),
        ):
            remaining = await self._delete_all(lister, timeout_seconds)
            if remaining and force:
                await self._take_finalizers_away(remaining)
                remaining = await self._delete_all(lister, _FORCED_TIMEOUT_SECONDS)
            if remaining:
                return remaining
        return []

    async def _take_finalizers_away(self, items: list[Item]) -> None:
        ours = {item.name for item in await self._client.patiently(self._namespaces)}
        bare = {"metadata": {"finalizers": None}}
        for item in items:
            if item.namespace in ours or item.path.startswith(RGDS_PATH):
                logger.warning("taking the finalizers of %s away", item)
                await self._client.patiently(partial(self._client.patch, item.path, bare))

    async def _namespaces(self) -> list[Item]:
        found = await self._client.list(paths.core("namespaces"), self._selector)
        return [_item(entry, "Namespace", paths.core("namespaces")) for entry in found]

    async def _config_maps_of_ours(self) -> list[Item]:
        items = []
        for component in self._components:
            selector = f"{self._selector},{COMPONENT_LABEL}={component}"
            found = await self._client.list(paths.core("configmaps"), selector)
            items += [
                _item(entry, "ConfigMap", paths.core("configmaps", entry["metadata"]["namespace"]))
                for entry in found
            ]
        return items

    async def _instances(self, kinds: list[Kind]) -> list[Item]:
        items: list[Item] = []
        for kind in kinds:
            collection = paths.group(kind.group, kind.version, kind.plural)
            try:
                found = await self._client.list(collection, self._selector)
            except ApiError as error:
                if not error.not_found:
                    raise
                continue  # the CRD went meanwhile, and its instances with it
            for entry in found:
                namespace = entry["metadata"].get("namespace")
                own = paths.group(kind.group, kind.version, kind.plural, namespace)
                items.append(_item(entry, kind.kind, own))
        return items

    async def _rgds(self) -> list[Item]:
        try:
            found = await self._client.list(RGDS_PATH, self._selector)
        except ApiError as error:
            if not error.not_found:
                raise
            return []  # kro is not installed, or no longer
        return [
            _item(entry, "ResourceGraphDefinition", RGDS_PATH)
            for entry in found
            if entry["metadata"]["name"].startswith(self._prefix)
        ]

    async def _crds(self, kinds: list[Kind]) -> list[Item]:
        names = {kind.crd for kind in kinds}
        items = []
        for name in sorted(names):
            path = f"{CRDS_PATH}/{name}"
            try:
                await self._client.get(path)
            except ApiError as error:
                if not error.not_found:
                    raise
                continue
            items.append(Item("CustomResourceDefinition", None, name, path))
        return items

    async def _delete_all(self, lister: Lister, timeout_seconds: float) -> list[Item]:
        """Delete what ``lister`` finds until it finds nothing; returns what would not go."""
        deadline = self._clock.now() + timeout_seconds
        asked: set[str] = set()
        told = ""
        while True:
            try:
                items = await lister()
                if not items:
                    return []
                await self._ask(item for item in items if item.path not in asked)
                asked.update(item.path for item in items)
            except (ApiError, ApiUnreachableError) as error:
                if isinstance(error, ApiError) and not error.transient:
                    raise
                if self._clock.now() >= deadline:
                    raise
                if str(error) != told:
                    told = str(error)
                    logger.warning("deleting goes on after: %s", told)
            else:
                if self._clock.now() >= deadline:
                    return items
            await asyncio.sleep(_POLL_SECONDS)

    async def _ask(self, items: Iterable[Item]) -> None:
        gate = asyncio.Semaphore(_CONCURRENCY)

        async def delete(item: Item) -> None:
            async with gate:
                try:
                    await self._client.delete(item.path)
                except ApiError as error:
                    if not error.not_found:
                        raise

        results = await asyncio.gather(*(delete(item) for item in items), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _item(entry: JsonObject, kind: str, collection: str) -> Item:
    metadata = entry["metadata"]
    return Item(
        kind, metadata.get("namespace"), metadata["name"], f"{collection}/{metadata['name']}"
    )


_OWNED = "kro.run/owned=true"
_INSTANCE_ID = "kro.run/instance-id"


async def free_abandoned(client: KubeClient, kinds: Iterable[Kind], selector: str) -> None:
    """Delete such instances and their ConfigMaps, and say how other children are found.

    Raises:
        ApiError: if the API server refuses that.
    """
    try:
        known = {rgd["metadata"]["name"] for rgd in await client.list(RGDS_PATH)}
    except ApiError as error:
        if not error.not_found:
            raise
        return  # kro itself is gone, and may come back
    for kind in kinds:
        if kind.rgd not in known:
            await _free(client, kind, selector)


async def _free(client: KubeClient, kind: Kind, selector: str) -> None:
    try:
        found = await client.list(paths.group(kind.group, kind.version, kind.plural), selector)
    except ApiError as error:
        if not error.not_found:
            raise
        return  # the CRD went meanwhile, and its instances with it
    if not found:
        return
    logger.warning(
        "RGD %s was deleted before its %d instances, which kro no longer knows: their ConfigMaps "
        "are deleted, other children are left: they bear the label kro.run/instance-kind=%s",
        kind.rgd,
        len(found),
        kind.kind,
    )
    uids = {instance["metadata"].get("uid") for instance in found}
    for child in await client.list(paths.core("configmaps"), _OWNED):
        if (child["metadata"].get("labels") or {}).get(_INSTANCE_ID) in uids:
            collection = paths.core("configmaps", child["metadata"]["namespace"])
            await _delete(client, f"{collection}/{child['metadata']['name']}")
    for instance in found:
        namespace = instance["metadata"].get("namespace")
        collection = paths.group(kind.group, kind.version, kind.plural, namespace)
        await _delete(client, f"{collection}/{instance['metadata']['name']}", held=True)


async def _delete(client: KubeClient, path: str, *, held: bool = False) -> None:
    """Delete an object, if it is still there; one that is ``held`` by finalizers, all the same."""
    try:
        if held:
            await client.patch(path, {"metadata": {"finalizers": None}})
        await client.delete(path)
    except ApiError as error:
        if not error.not_found:
            raise
