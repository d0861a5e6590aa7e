"""How a load fails, and what is said about it."""

from krobench.api.common import ErrorInfo
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError

FAILURES_IN_A_ROW = 5


class EndedEarlyError(Exception):
    """The iteration cannot go on; ``info`` says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.info = ErrorInfo(reason=reason, message=message)


class ForbiddenError(Exception):
    """RBAC, a quota or an admission plug-in refused a request, and would refuse a retry."""


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
            return ErrorInfo(
                reason="Forbidden",
                message=f"{error}; grant it to the load Job, for kinds of your own RGD with the "
                "chart value load.extraGroups",
            )
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
