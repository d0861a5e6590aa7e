"""Creating objects, each request timed and repeated where the API server asks for it."""

from collections.abc import Iterator
from typing import Literal

from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.load.clock import RunClock
from krobench.load.concurrency import run_together
from krobench.load.observer import Followed, Observer
from krobench.model.record import ObjectRecord
from krobench.workload.blueprint import Manifest
from krobench.workload.plan import IterationPlan, RgdPlan

_MAX_ERROR_LENGTH = 500

CreateOperation = Literal["create-rgd", "create-instance"]


class ForbiddenError(Exception):
    """RBAC, a quota or an admission plug-in refused a request; repeating it is of no use."""


class Driver:
    """Creates the objects of one iteration."""

    def __init__(self, client: KubeClient, clock: RunClock, plan: IterationPlan) -> None:
        self._client = client
        self._clock = clock
        self._plan = plan

    async def create(
        self,
        path: str,
        manifest: Manifest,
        observer: Observer,
        operation: CreateOperation,
        warm: bool,
    ) -> Followed:
        """Create one object and return it as followed; its record says when and with what result.

        Raises:
            ForbiddenError: if the request was refused in a way that the next one will be too.
        """
        record = self._record(manifest, operation, warm)
        followed = observer.follow(record)
        attempt = 0
        while True:
            try:
                await self._client.create(path, manifest)
                break
            except (ApiError, ApiUnreachableError) as error:
                if attempt > 0 and isinstance(error, ApiError) and error.already_exists:
                    break  # the attempt before had got through, only its answer was lost
                if not await self._may_repeat(error, attempt, followed):
                    return followed
                attempt += 1
                record.retries = attempt
        record.acknowledged_seconds = self._clock.now()
        return followed

    async def _may_repeat(
        self, error: ApiError | ApiUnreachableError, attempt: int, followed: Followed
    ) -> bool:
        if isinstance(error, ApiError) and error.forbidden:
            followed.record.error = str(error)[:_MAX_ERROR_LENGTH]
            raise ForbiddenError(error.message) from error
        try:
            await self._client.backoff(error, attempt)
        except (ApiError, ApiUnreachableError) as final:
            followed.record.error = str(final)[:_MAX_ERROR_LENGTH]
            followed.fail(final)
            return False
        return True

    def _record(self, manifest: Manifest, operation: CreateOperation, warm: bool) -> ObjectRecord:
        metadata = manifest["metadata"]
        return ObjectRecord.model_construct(
            test=self._plan.test.name,
            iteration=self._plan.index,
            warmup=warm,
            operation=operation,
            kind=manifest["kind"],
            namespace=metadata.get("namespace"),
            name=metadata["name"],
            sent_seconds=self._clock.now(),
        )

    async def create_closed_loop(self, targets: list[tuple[RgdPlan, str, Observer]]) -> None:
        """Keep ``concurrency`` instances under way until all were created and became ready.

        ``targets`` names for each RGD the collection path of its kind and the observer of it;
        instances of the RGDs take turns. An instance that is refused is recorded as failed, and
        the loop goes on.
        """
        source = _take_turns(targets)

        async def work() -> None:
            for manifest, path, observer in source:
                followed = await self.create(
                    path, manifest, observer, "create-instance", self._plan.warmup
                )
                if followed.record.error is None:
                    await followed.ready

        workers = min(self._plan.test.concurrency, self._plan.instance_count)
        await run_together(work() for _ in range(workers))


def _take_turns(
    targets: list[tuple[RgdPlan, str, Observer]],
) -> Iterator[tuple[Manifest, str, Observer]]:
    longest = max(len(rgd.instances) for rgd, _, _ in targets)
    for position in range(longest):
        for rgd, path, observer in targets:
            if position < len(rgd.instances):
                yield rgd.instances[position], path, observer
