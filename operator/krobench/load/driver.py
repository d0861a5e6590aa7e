"""Creating objects, each request timed and repeated where the API server asks for it."""

from typing import Literal

from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.load.breaker import Breaker
from krobench.load.clock import RunClock
from krobench.load.observer import Followed, Observer
from krobench.model.rawlines import ObjectRecord
from krobench.workload.blueprint import Manifest
from krobench.workload.plan import IterationPlan

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
        self._breaker = Breaker()

    async def create(
        self,
        path: str,
        manifest: Manifest,
        observer: Observer,
        operation: CreateOperation,
        intended_seconds: float | None = None,
    ) -> Followed:
        """Create one object and return it as followed; its record says when and with what result.

        ``intended_seconds`` is when an open loop had it to be sent.

        Raises:
            ForbiddenError: if the request was refused in a way that the next one will be too.
            ApiServerInDistressError: if it was one of many in a row that the server failed at.
        """
        record = self._record(manifest, operation, intended_seconds)
        followed = observer.follow(record)
        attempt = 0
        while True:
            try:
                await self._client.create(path, manifest)
                break
            except (ApiError, ApiUnreachableError) as error:
                _count(error, record)
                if attempt > 0 and isinstance(error, ApiError) and error.already_exists:
                    break  # the attempt before had got through, only its answer was lost
                if not await self._may_repeat(error, attempt, followed):
                    return followed
                attempt += 1
                record.retries = attempt
        record.acknowledged_seconds = self._clock.now()
        self._breaker.succeeded()
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
            self._breaker.failed(final)
            return False
        return True

    def _record(
        self, manifest: Manifest, operation: CreateOperation, intended_seconds: float | None
    ) -> ObjectRecord:
        metadata = manifest["metadata"]
        return ObjectRecord.model_construct(
            test=self._plan.test.name,
            iteration=self._plan.index,
            warmup=self._plan.warmup,
            operation=operation,
            kind=manifest["kind"],
            namespace=metadata.get("namespace"),
            name=metadata["name"],
            intended_seconds=intended_seconds,
            sent_seconds=self._clock.now(),
        )


def _count(error: ApiError | ApiUnreachableError, record: ObjectRecord) -> None:
    if not isinstance(error, ApiError):
        return
    if error.status == 429:
        record.throttled += 1
    elif error.status >= 500:
        record.server_errors += 1
