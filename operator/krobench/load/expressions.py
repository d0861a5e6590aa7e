"""RGDs that carry expressions, each with one instance: created, changed, and read one by one."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from krobench.api.common import RUN_LABEL, TEST_LABEL, ErrorInfo
from krobench.figures.rawdata import ObjectRecord
from krobench.figures.reasons.load import RevisionsUnknown
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.timing import Timing
from krobench.load.driver import Driver, ForbiddenError, RgdRejectedError
from krobench.load.lifecycle import (
    RGDS_PATH,
    Kind,
    apply_instance,
    apply_rgd,
    count_revisions,
    find_kind,
)
from krobench.load.loops import RunClock
from krobench.load.observer import Followed, Observer, Pending
from krobench.workload.cel.expression import ROUND_FIELD, Expression, resources
from krobench.workload.iterationplan import IterationPlan, RgdPlan

_RECONCILE_ANNOTATION = "kro.run/reconcile"
_SUSPENDED = "suspended"


class ExpressionError(Exception):
    """An expression cannot be measured; ``info`` says why, in kro's words if there are any."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.info = ErrorInfo(reason=reason, message=message)


@dataclass
class Carrier:
    """An expression's RGD and its instance."""

    expression: Expression
    rgd: RgdPlan
    kind: Kind | None = None
    """None until its RGD is ready."""
    followed_rgd: Followed | None = None
    followed_instance: Followed | None = None
    compilations: int = 0
    """Changes of the RGD so far."""
    updates: int = 0
    """Changes of the instance so far."""

    @property
    def gvr(self) -> str:
        """The kind of its instance, as kro's counters spell it."""
        assert self.kind is not None
        return f"{self.kind.group}/{self.kind.version}, Resource={self.kind.plural}"

    @property
    def path(self) -> str:
        """The collection of its instance."""
        assert self.kind is not None
        namespace = self.rgd.instances[0]["metadata"]["namespace"]
        return paths.group(self.kind.group, self.kind.version, self.kind.plural, namespace)


class ExpressionLoad:
    """Creates RGDs and instances, and changes them; an async context manager."""

    def __init__(
        self, client: KubeClient, clock: RunClock, plan: IterationPlan, timing: Timing
    ) -> None:
        self._timing = timing
        self._client = client
        self._plan = plan
        self._clock = clock
        self._driver = Driver(client, clock, plan)
        self._stack = AsyncExitStack()
        self._rgds: Observer | None = None
        self.records: list[ObjectRecord] = []

    async def __aenter__(self) -> Self:
        self._rgds = Observer(self._client, self._clock, RGDS_PATH, self._selector, apply_rgd)
        await self._stack.enter_async_context(self._rgds)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    @property
    def _selector(self) -> str:
        labels = self._plan.labels
        return ",".join(f"{key}={labels[key]}" for key in (RUN_LABEL, TEST_LABEL))

    async def create_rgd(self, carrier: Carrier) -> None:
        """Create the RGD, and wait until its kind is served.

        Raises:
            ExpressionError: if kro does not accept it; the RGD is then deleted.
        """
        assert self._rgds is not None
        record = self._driver.record(carrier.rgd.manifest, "create-rgd")
        carrier.followed_rgd = followed = self._rgds.follow(record)
        self.records.append(record)
        if not await self._driver.create(RGDS_PATH, carrier.rgd.manifest, record):
            raise ExpressionError("RGDRefused", record.error or "the API server refused its RGD")
        try:
            await self._within(followed.ready, f"RGD {record.name} was not ready", followed)
        except RgdRejectedError as error:
            await self._client.delete(f"{RGDS_PATH}/{record.name}")
            raise ExpressionError("RejectedByKro", str(error)) from error
        carrier.kind = await find_kind(self._client, record.name, self._timing)
        if carrier.kind is None:
            raise ExpressionError("CRDNotFound", f"RGD {record.name} is ready, and has no CRD")

    async def create_instance(self, carrier: Carrier) -> None:
        """Create the instance and wait until it is ready.

        Raises:
            ExpressionError: if it does not become ready; it is then deleted, or kro would retry
                it while others are measured.
        """
        observer = Observer(self._client, self._clock, carrier.path, self._selector, apply_instance)
        await self._stack.enter_async_context(observer)
        manifest = carrier.rgd.instances[0]
        record = self._driver.record(manifest, "create-instance")
        carrier.followed_instance = followed = observer.follow(record)
        self.records.append(record)
        if not await self._driver.create(carrier.path, manifest, record):
            raise ExpressionError("InstanceRefused", record.error or "the instance was refused")
        try:
            await self._within(followed.ready, "its instance was not ready", followed)
        except ExpressionError:
            await self._client.delete(f"{carrier.path}/{record.name}")
            raise

    async def recompile(self, carrier: Carrier) -> None:
        """Change the RGD's white space, and wait until kro has compiled and serves it.

        Raises:
            ExpressionError: if it does not happen in time.
        """
        carrier.compilations += 1
        followed = carrier.followed_rgd
        assert followed is not None
        changed = resources(carrier.expression, carrier.rgd.name, carrier.compilations)
        await self._patch(
            f"{RGDS_PATH}/{carrier.rgd.name}",
            {"spec": {"resources": changed}},
            followed,
            self._driver.record(carrier.rgd.manifest, "update-rgd"),
        )

    async def reconcile(self, carrier: Carrier) -> None:
        """Change a field of the instance that no expression uses, and wait until kro reconciles it.

        Raises:
            ExpressionError: if it does not happen in time.
        """
        await self._update_instance(carrier, {})

    async def suspend(self, carrier: Carrier) -> None:
        """Suspend kro's reconciles of the instance, without waiting.

        Raises:
            ExpressionError: if the API server refuses.
        """
        path = f"{carrier.path}/{carrier.rgd.instances[0]['metadata']['name']}"
        try:
            await self._client.patch(path, _annotated(_SUSPENDED))
        except KubeError as error:
            raise ExpressionError("UpdateRefused", str(error)) from error

    async def resume(self, carrier: Carrier) -> None:
        """Resume kro's reconciles of the instance, and wait for the first.

        Raises:
            ExpressionError: if it does not happen in time.
        """
        await self._update_instance(carrier, _annotated(None))

    async def count_revisions(self) -> tuple[dict[str, int], RevisionsUnknown | None]:
        """Return how many revisions kro keeps of each RGD, and why that is unknown, if it is."""
        return await count_revisions(self._client)

    async def _update_instance(self, carrier: Carrier, further: JsonObject) -> None:
        carrier.updates += 1
        followed = carrier.followed_instance
        assert followed is not None
        manifest = carrier.rgd.instances[0]
        await self._patch(
            f"{carrier.path}/{manifest['metadata']['name']}",
            {"spec": {ROUND_FIELD: carrier.updates}, **further},
            followed,
            self._driver.record(manifest, "update-instance"),
        )

    async def _patch(
        self, path: str, body: JsonObject, followed: Followed, record: ObjectRecord
    ) -> None:
        self.records.append(record)
        generation = await self._driver.patch(path, body, record)
        if generation is None:
            raise ExpressionError("UpdateRefused", record.error or "the update was refused")
        update = Pending(record)
        followed.expect(update, generation)
        await self._within(update.done, f"the update of {record.name} was not ready", followed)

    async def _within(self, done: "asyncio.Future[None]", problem: str, followed: Followed) -> None:
        seconds = self._timing.expression_ready
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(done)
        except TimeoutError as error:
            says = f": {followed.problem}" if followed.problem else ""
            raise ExpressionError("NotReady", f"{problem} after {seconds:g}s{says}") from error
        except (KubeError, ForbiddenError) as error:
            raise ExpressionError("ApiServerUnreachable", str(error)) from error

    async def values(self, carrier: Carrier) -> list[str]:
        """Return the values in the object that kro created, each distinct value once.

        Raises:
            ExpressionError: if it cannot be read.
        """
        namespace = carrier.rgd.instances[0]["metadata"]["namespace"]
        path = paths.core("configmaps", namespace, carrier.rgd.name)
        try:
            made = await self._client.get(path)
        except KubeError as error:
            raise ExpressionError("ObjectNotFound", str(error)) from error
        return sorted(set((made.get("data") or {}).values()))


def _annotated(reconcile: str | None) -> JsonObject:
    return {"metadata": {"annotations": {_RECONCILE_ANNOTATION: reconcile}}}
