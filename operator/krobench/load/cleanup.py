"""Deleting what a run created, in the order that kro needs, and reporting what is left.

The order is instances, then RGDs, then CRDs, then the namespace: instances of a deleted RGD keep
their finalizers for ever, and kro keeps the CRD of a deleted RGD. Prerequisites come after CRDs, as
instances may need them. Nothing depends on the probes of the watch's lag, which go first. Only the
metadata of objects is read.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial

from krobench.api import units
from krobench.api.common import (
    BALLAST_COMPONENT,
    CLOUD_COMPONENT,
    COMPONENT_LABEL,
    PREREQUISITE_LABEL,
    RUN_LABEL,
    ErrorInfo,
)
from krobench.api.kinds import object_prefix
from krobench.api.podmessages import SHARD_COMPONENT, SHARD_LINES_COMPONENT
from krobench.figures.reasons.load import ObjectsNotListed
from krobench.kube import paths
from krobench.kube.client import METADATA_ONLY, JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.kube.timing import Timing
from krobench.load.background import BACKGROUND_COMPONENT
from krobench.load.leftovers import ChildFinder, GroupKind, Item, as_item, namespace_of
from krobench.load.lifecycle import CRDS_PATH, RGDS_PATH, Kind, kinds_of_run
from krobench.load.loops import RunClock
from krobench.load.probe import PROBE_COMPONENT
from krobench.record.run import Orphans
from krobench.record.test import Teardown

logger = logging.getLogger(__name__)

_CONCURRENCY = 16
_CRDS_AT_ONCE = 10
_MAX_REMAINING = 20
_NAMED = 10
_QUICKLY_LISTED = 200

_NO_FINALIZERS: JsonObject = {"metadata": {"finalizers": None}}


Lister = Callable[[], Awaitable[list[Item]]]


class RunCleanup:
    """Deletes the objects of a run, or of the part of it that ``rgd_prefix`` names.

    It needs no memory of what was created: labels and name prefixes identify it, so it works as
    well after a crash.
    """

    def __init__(
        self,
        client: KubeClient,
        uid: str,
        rgd_prefix: str | None = None,
        timing: Timing | None = None,
        *,
        prerequisites: bool = True,
        run_goes_on: bool = False,
    ) -> None:
        """``prerequisites`` is whether the run may have some: finding them lists all kinds.

        If the run goes on, what it uses to its end stays: prerequisites, ballast, and what its
        shards write. It goes on, too, after a part of it that ``rgd_prefix`` names.
        """
        self._timing = timing or Timing()
        self._client = client
        self._run_ends = rgd_prefix is None and not run_goes_on
        self._has_prerequisites = prerequisites and self._run_ends
        self._prefix = rgd_prefix or object_prefix(uid)
        shared = (SHARD_COMPONENT, SHARD_LINES_COMPONENT) if self._run_ends else ()
        self._components = (PROBE_COMPONENT, BACKGROUND_COMPONENT, *shared)
        self._clock = RunClock()
        self._selector = f"{RUN_LABEL}={uid}"
        self._children = ChildFinder(client, self._prefix)

    async def delete_objects(
        self, instance_timeout_seconds: float, force: bool = False
    ) -> Teardown:
        """Delete instances, RGDs and CRDs; the result has the error, if any, and what is left.

        With ``force``, the finalizers of what is not deleted in time, for example because kro
        itself is gone, are removed: those of RGDs, and of instances in namespaces that the run
        created. Children of such instances go with the namespace, so nothing is orphaned by that.
        """
        return await self._reported(self._delete_in_order(instance_timeout_seconds, force))

    async def delete_instances(self, timeout_seconds: float) -> Teardown:
        """Delete instances, as :meth:`delete_objects` does, and leave their RGDs."""
        return await self._reported(self._delete_instances(timeout_seconds))

    async def delete_with_namespaces(self) -> Teardown:
        """Delete everything, the namespaces that the run created included, and don't wait for kro.

        All children must be in these namespaces, which go on being deleted:
        :meth:`delete_namespaces` waits for their end. On the test bed, all of it took 7 s for what
        kro deletes in 28 s. The kro that still runs must be replaced afterwards.
        """
        return await self._reported(self._delete_at_once())

    async def delete_namespaces(self) -> Teardown:
        """Delete the namespaces that the run created, with all that is still in them."""
        return await self._reported(
            self._delete_all(self._namespaces, self._timing.namespaces_deleted)
        )

    async def audit(
        self, namespaces: Collection[str] = (), created: Collection[GroupKind] = ()
    ) -> Orphans:
        """Count what is left of the run, independently of what the deletion reported.

        ``namespaces`` are those that the run used, and ``created`` the kinds of its RGDs'
        resources: those that cannot be listed are named.
        """
        try:
            kinds = await kinds_of_run(self._client, self._prefix)
            instances = await self._instances(kinds)
            own = await self._namespaces()
            searched = {*namespaces, *(each.name for each in own)}
            searched |= {each.namespace for each in instances if each.namespace}
            children = await self._children.find(sorted(searched), created)
            left = {
                each.path: each
                for each in (
                    *instances,
                    *await self._rgds(),
                    *await self._crds(kinds),
                    *own,
                    *children.items,
                    *await self._own_config_maps(),
                    *await self._ballast(),
                    *await self._prerequisites(),
                )
            }
        except KubeError as error:
            return Orphans(unavailable=ObjectsNotListed(detail=str(error)))
        first = list(left.values())[:_MAX_REMAINING]
        return Orphans(
            count=len(left),
            objects=[str(each) for each in first],
            commands=[each.command for each in first],
            unlisted=children.unlisted,
        )

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
                message=f"{units.counted(len(remaining), 'object')} still there: "
                f"{', '.join(map(str, remaining[:_NAMED]))}"
                f"{' and more' if len(remaining) > _NAMED else ''}; "
                "delete them in the order instances, RGDs, CRDs",
            )
        return Teardown(
            done=error is None,
            duration_seconds=round(self._clock.now(), 3),
            error=error,
            remaining=[str(item) for item in remaining[:_MAX_REMAINING]],
        )

    async def _delete_in_order(self, instance_timeout_seconds: float, force: bool) -> list[Item]:
        kinds = await kinds_of_run(self._client, self._prefix)
        await self._release_abandoned(kinds)
        for lister, timeout_seconds in (
            (self._own_config_maps, self._timing.probes_deleted),
            (lambda: self._instances(kinds), instance_timeout_seconds),
            (self._rgds, self._timing.rgds_deleted),
            (lambda: self._crds(kinds), self._timing.crds_deleted),
            (self._prerequisites, self._timing.prerequisites_deleted),
        ):
            remaining = await self._delete_all(lister, timeout_seconds)
            if remaining and force:
                ours = {item.name for item in await self._namespaces()}
                for item in remaining:
                    if item.namespace in ours or item.path.startswith(RGDS_PATH):
                        logger.warning("removing the finalizers of %s", item)
                        await self._without_finalizers(item.path)
                remaining = await self._delete_all(lister, self._timing.forced_deletion)
            if remaining:
                return remaining
        return await self._delete_ballast()

    async def _delete_instances(self, timeout_seconds: float) -> list[Item]:
        kinds = await kinds_of_run(self._client, self._prefix)
        await self._release_abandoned(kinds)
        return await self._delete_all(
            self._own_config_maps, self._timing.probes_deleted
        ) or await self._delete_all(lambda: self._instances(kinds), timeout_seconds)

    async def _delete_ballast(self) -> list[Item]:
        """Delete a few CRDs at a time: each makes the API server describe all others again."""
        ballast = await self._ballast()
        for start in range(0, len(ballast), _CRDS_AT_ONCE):
            few = ballast[start : start + _CRDS_AT_ONCE]
            remaining = await self._delete_all(partial(self._still, few), self._timing.crds_deleted)
            if remaining:
                return remaining
        return []

    async def _still(self, items: Iterable[Item]) -> list[Item]:
        """Return those of these objects that exist."""
        return [
            item for item in items if await self._client.find(item.path, METADATA_ONLY) is not None
        ]

    async def _delete_at_once(self) -> list[Item]:
        instances = await self._instances(await kinds_of_run(self._client, self._prefix))
        await self._delete(instances)
        # The controller of namespaces waits for five seconds before it looks into one. Meanwhile,
        # all that has finalizers is deleted.
        await self._delete(await self._namespaces())
        # kro takes its finalizers off when the children are gone: here, they go with the namespace.
        await self._each(instances, self._without_finalizers)
        return await self._delete_in_order(self._timing.forced_deletion, force=True)

    async def _release_abandoned(self, kinds: Iterable[Kind]) -> None:
        """Release the instances of RGDs that somebody has deleted.

        kro no longer knows them: it would have deleted their children and then removed its
        finalizer. Now nobody does, and their CRD could never be deleted.
        """
        rgds = await self._client.find_all(RGDS_PATH, metadata_only=True)
        if rgds is None:
            return  # kro itself is gone, and may come back
        known = {rgd["metadata"]["name"] for rgd in rgds}
        for kind in (kind for kind in kinds if kind.rgd not in known):
            instances = await self._client.find_all(kind.path(), self._selector, metadata_only=True)
            if not instances:
                continue
            logger.warning(
                "RGD %s was deleted before its %d instances, which kro no longer knows",
                kind.rgd,
                len(instances),
            )
            namespaces = {namespace_of(each) or "" for each in instances} - {""}
            uids = {each["metadata"].get("uid", "") for each in instances} - {""}
            for child in (await self._children.find(namespaces, (), uids)).items:
                try:
                    await self._client.delete(child.path)
                except ApiError as error:
                    logger.warning("cannot delete %s: %s; run %s", child, error, child.command)
            for instance in instances:
                item = as_item(instance, kind.kind, kind.path(namespace_of(instance)))
                await self._without_finalizers(item.path)
                await self._client.delete(item.path)

    async def _without_finalizers(self, path: str) -> None:
        try:
            await self._client.patch(path, _NO_FINALIZERS)
        except ApiError as error:
            if not error.not_found:
                raise

    async def _namespaces(self) -> list[Item]:
        return await self._items("Namespace", lambda _: paths.core("namespaces"))

    async def _own_config_maps(self) -> list[Item]:
        """Return the ConfigMaps of probes and shards."""
        return [
            item
            for component in self._components
            for item in await self._items(
                "ConfigMap",
                lambda namespace: paths.core("configmaps", namespace),
                f",{COMPONENT_LABEL}={component}",
            )
        ]

    async def _ballast(self) -> list[Item]:
        """Return the CRDs that the run itself created: ballast, and the kind of a cloud."""
        if not self._run_ends:
            return []
        return [
            item
            for component in (BALLAST_COMPONENT, CLOUD_COMPONENT)
            for item in await self._items(
                "CustomResourceDefinition",
                lambda _: CRDS_PATH,
                f",{COMPONENT_LABEL}={component}",
            )
        ]

    async def _prerequisites(self) -> list[Item]:
        """Return the prerequisites but for namespaces, which go last."""
        if not self._has_prerequisites:
            return []
        found = await self._children.labelled(f"{self._selector},{PREREQUISITE_LABEL}")
        return [item for item in found if item.kind != "Namespace"]

    async def _instances(self, kinds: list[Kind]) -> list[Item]:
        return [item for kind in kinds for item in await self._items(kind.kind, kind.path)]

    async def _rgds(self) -> list[Item]:
        found = await self._items("ResourceGraphDefinition", lambda _: RGDS_PATH)
        return [item for item in found if item.name.startswith(self._prefix)]

    async def _crds(self, kinds: list[Kind]) -> list[Item]:
        names = sorted({kind.crd for kind in kinds})
        return await self._still(
            Item("CustomResourceDefinition", None, name, f"{CRDS_PATH}/{name}") for name in names
        )

    async def _items(
        self, kind: str, collection: Callable[[str | None], str], selector: str = ""
    ) -> list[Item]:
        """Return the run's objects of a kind in all namespaces; none if it is not served any more.

        ``collection`` makes the path of the kind's collection in a namespace, or in all.
        """
        found = await self._client.find_all(
            collection(None), self._selector + selector, metadata_only=True
        )
        return [as_item(entry, kind, collection(namespace_of(entry))) for entry in found or []]

    async def _delete(self, items: Iterable[Item]) -> None:
        # With the propagation, pods of Jobs go as well.
        await self._each(items, lambda path: self._client.delete(path, "Background"))

    async def _each(self, items: Iterable[Item], work: Callable[[str], Awaitable[object]]) -> None:
        """Do something with the path of each item, several at a time."""
        gate = asyncio.Semaphore(_CONCURRENCY)

        async def done(item: Item) -> None:
            async with gate:
                await work(item.path)

        answers = await asyncio.gather(*map(done, items), return_exceptions=True)
        if failed := [error for error in answers if isinstance(error, BaseException)]:
            raise failed[0]

    async def _delete_all(self, lister: Lister, timeout_seconds: float) -> list[Item]:
        """Delete what ``lister`` finds until it finds nothing; return what is left in the end.

        It ends when nothing was deleted for ``timeout_seconds``, not even children of instances.
        """
        progress = _Progress(self._clock, timeout_seconds, self._count_children)
        requested: set[str] = set()
        last_problem = ""
        pause = self._timing.cleanup_first_poll
        while True:
            try:
                items = await lister()
                if not items:
                    return []
                new = [item for item in items if item.path not in requested]
                await self._delete(new)
                requested.update(item.path for item in new)
                if await progress.has_ended(items):
                    return items
            except (ApiError, ApiUnreachableError) as error:
                if not error.transient or progress.overdue:
                    raise
                if str(error) != last_problem:
                    last_problem = str(error)
                    logger.warning("deleting goes on after: %s", last_problem)
            # Listing thousands of objects is work for the API server.
            await asyncio.sleep(pause * (1 + len(requested) / _QUICKLY_LISTED))
            pause = min(2 * pause, self._timing.cleanup_poll)

    async def _count_children(self, items: list[Item]) -> int:
        namespaces = {each.namespace for each in items if each.namespace}
        return len((await self._children.find(sorted(namespaces), ())).items)


class _Progress:
    """Whether the deletion of objects makes progress.

    kro deletes the children of many instances at once, and an instance goes with its last child.
    """

    def __init__(
        self,
        clock: RunClock,
        timeout_seconds: float,
        count_children: Callable[[list[Item]], Awaitable[int]],
    ) -> None:
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._count_children = count_children
        self._deadline = clock.now() + timeout_seconds
        self._fewest = float("inf")
        self._children: int | None = None
        """None until they tell more than the objects themselves: counting them lists all kinds."""

    @property
    def overdue(self) -> bool:
        return self._clock.now() >= self._deadline

    async def has_ended(self, items: list[Item]) -> bool:
        if len(items) < self._fewest:
            self._fewest, self._children = len(items), None
            self._deadline = self._clock.now() + self._timeout_seconds
        if (
            self._children is None
            and self._clock.now() > self._deadline - self._timeout_seconds / 2
        ):
            self._children = await self._count_children(items)
        if not self.overdue:
            return False
        before, self._children = self._children, await self._count_children(items)
        self._deadline = self._clock.now() + self._timeout_seconds
        return before is None or self._children >= before


def leftover_line(left: Orphans) -> str:
    """Return what is left of a run, and how to delete it."""
    number = units.counted(left.count or 0, "object")
    shown = left.objects[:_NAMED]
    hidden = (left.count or 0) - len(shown)
    more = f" and {hidden} more" if hidden else ""
    commands = "; ".join(left.commands[:_NAMED])
    return f"{number} left: {', '.join(shown)}{more}; if they stay, run: {commands}"
