"""How an iteration fails, and what is said of it."""

from krobench.api.common import ErrorInfo
from krobench.kube.errors import ApiError, KubeError
from krobench.load.breaker import ApiServerInDistressError
from krobench.load.driver import ForbiddenError
from krobench.load.observer import RgdRejectedError


class EndedEarlyError(Exception):
    """The iteration cannot go on; ``info`` says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.info = ErrorInfo(reason=reason, message=message)


FAILURES = (
    EndedEarlyError,
    RgdRejectedError,
    ForbiddenError,
    ApiServerInDistressError,
    KubeError,
)
"""What ends an iteration, and is its result; anything else is a fault of ours."""


def explain(error: Exception) -> ErrorInfo:
    """Return the reason and a sentence of an error that is one of ``FAILURES``."""
    match error:
        case EndedEarlyError():
            return error.info
        case RgdRejectedError():
            return ErrorInfo(reason="RGDRejected", message=f"kro rejects the RGD: {error}")
        case ForbiddenError():
            return ErrorInfo(
                reason="Forbidden",
                message=f"{error}; grant it to the load Job, for kinds of your own RGD by the "
                "chart's value load.extraGroups",
            )
        case ApiServerInDistressError():
            return ErrorInfo(
                reason="ApiServerInDistress",
                message=f"the test was ended to spare the API server: {error}; see its log, or "
                "ask for a lower load",
            )
        case ApiError():
            return ErrorInfo(reason=error.reason or "ApiError", message=str(error))
        case KubeError():
            return ErrorInfo(reason="ApiServerUnreachable", message=str(error))
        case _:
            raise error
