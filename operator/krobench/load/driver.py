"""Sending the requests of a load, each timed and retried, and how a load fails."""

from collections.abc import Awaitable, Callable
from typing import Literal

from krobench.api.common import ErrorInfo
from krobench.figures.rawdata import ObjectRecord
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.load.loops import RunClock
from krobench.workload.blueprint import Manifest
from krobench.workload.iterationplan import IterationPlan

FAILURES_IN_A_ROW = 5


class EndedEarlyError(Exception):
    """The iteration cannot continue; ``info`` says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.info = ErrorInfo(reason=reason, message=message)


class ForbiddenError(Exception):
    """RBAC, a quota or an admission plug-in refused a request, and would refuse a retry."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.lacks_permission = error.lacks_permission


class RgdRejectedError(Exception):
    """kro does not accept an RGD; the message is kro's own."""


class ApiServerInDistressError(Exception):
    """Consecutive requests failed, each after all its retries."""


class Breaker:
    """Ends a load that the API server cannot bear.

    Everybody else in the cluster needs that server too, and a server that fails says nothing about
    kro. Any answer except 429 and 5xx shows that the server works.
    """

    def __init__(self) -> None:
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, error: ApiError | ApiUnreachableError) -> None:
        """Count a request that failed after its retries.

        Raises:
            ApiServerInDistressError: if too many in a row have failed.
        """
        if isinstance(error, ApiError) and not error.transient:
            self.succeeded()
            return
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            raise ApiServerInDistressError(
                f"{self._failures} consecutive requests failed after retries, the last with: "
                f"{error}"
            ) from error


FAILURES = (
    EndedEarlyError,
    RgdRejectedError,
    ForbiddenError,
    ApiServerInDistressError,
    KubeError,
)
"""What ends an iteration and is its result; anything else is a bug in krobench."""


def explain(error: Exception) -> ErrorInfo:
    """Return the reason and the message of an error that is one of ``FAILURES``."""
    match error:
        case EndedEarlyError():
            return error.info
        case RgdRejectedError():
            return ErrorInfo(reason="RGDRejected", message=f"kro rejects the RGD: {error}")
        case ForbiddenError():
            return _forbidden(error)
        case ApiServerInDistressError():
            return ErrorInfo(
                reason="ApiServerInDistress",
                message=f"the test was ended to protect the API server: {error}; check its log, "
                "or lower the load",
            )
        case ApiError():
            return ErrorInfo(reason=error.reason or "ApiError", message=str(error))
        case KubeError():
            return ErrorInfo(reason="ApiServerUnreachable", message=str(error))
        case _:
            raise error


def _forbidden(error: ForbiddenError) -> ErrorInfo:
    if not error.lacks_permission:
        return ErrorInfo(
            reason="DeniedByPolicy",
            message=f"{error}; no permission is missing: follow the policy or the quota that this "
            "message names, or ask its owner for an exception",
        )
    return ErrorInfo(
        reason="Forbidden",
        message=f"{error}; grant it to the load Job, for kinds of your own RGD with the chart's "
        "value load.extraGroups",
    )


_MAX_ERROR_LENGTH = 500

OperationName = Literal[
    "create-rgd", "create-instance", "update-instance", "update-rgd", "delete-instance"
]


class Driver:
    """Sends the requests of one iteration; their results are in their records.

    It does without the client's retries, as it counts its own.
    """

    def __init__(self, client: KubeClient, clock: RunClock, plan: IterationPlan) -> None:
        self._client = client
        self._clock = clock
        self._plan = plan
        self._breaker = Breaker()

    def record(
        self,
        manifest: Manifest,
        operation: OperationName,
        phase: int | None = None,
        intended_seconds: float | None = None,
    ) -> ObjectRecord:
        """Return the record of an operation on this object that is sent now.

        ``intended_seconds`` is when the schedule of an open loop says to send it.
        """
        metadata = manifest["metadata"]
        return ObjectRecord(
            test=self._plan.test.name,
            iteration=self._plan.index,
            warmup=self._plan.warmup,
            operation=operation,
            phase=phase,
            kind=manifest["kind"],
            namespace=metadata.get("namespace"),
            name=metadata["name"],
            intended_seconds=intended_seconds,
            sent_seconds=self._clock.now(),
        )

    async def create(self, path: str, manifest: Manifest, record: ObjectRecord) -> bool:
        """Create an object in the collection ``path``; return whether it was created.

        Raises:
            ForbiddenError: if the request was refused, and the next one would be too.
            ApiServerInDistressError: if too many consecutive requests failed.
        """
        answer = await self._send(lambda: self._client.create(path, manifest, retries=0), record)
        return answer is not None

    async def patch(self, path: str, body: Manifest, record: ObjectRecord) -> int | None:
        """Apply a merge patch to the object ``path``; return its new generation, or None if it was
        refused.

        Raises:
            ForbiddenError: as above.
            ApiServerInDistressError: as above.
        """
        answer = await self._send(lambda: self._client.patch(path, body, retries=0), record)
        return None if answer is None else int(answer["metadata"].get("generation", 0))

    async def delete(self, path: str, record: ObjectRecord) -> bool:
        """Delete the object ``path``; return whether the request succeeded.

        Raises:
            ForbiddenError: as above.
            ApiServerInDistressError: as above.
        """

        async def request() -> JsonObject:
            await self._client.delete(path, retries=0)
            return {}

        return await self._send(request, record) is not None

    async def _send(
        self, request: Callable[[], Awaitable[JsonObject]], record: ObjectRecord
    ) -> JsonObject | None:
        """Send a request, with retries; return None if it was refused."""
        answer: JsonObject = {}
        attempt = 0
        while True:
            try:
                answer = await request()
                break
            except (ApiError, ApiUnreachableError) as error:
                if isinstance(error, ApiError):
                    record.throttled += error.status == 429
                    record.server_errors += error.status >= 500
                    if attempt > 0 and error.already_exists:
                        break  # the attempt before was carried out, and its answer was lost
                    if error.forbidden:
                        record.error = str(error)[:_MAX_ERROR_LENGTH]
                        raise ForbiddenError(error) from error
                try:
                    await self._client.backoff(error, attempt)
                except (ApiError, ApiUnreachableError) as final:
                    record.error = str(final)[:_MAX_ERROR_LENGTH]
                    self._breaker.failed(final)
                    return None
                attempt += 1
                record.retries = attempt
        record.acknowledged_seconds = self._clock.now()
        self._breaker.succeeded()
        return answer
