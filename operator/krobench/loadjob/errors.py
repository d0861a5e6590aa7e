"""Why a run was given up."""

import asyncio

from krobench.api.common import ErrorInfo
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.record.run import INTERRUPTED

RESULTS_NOT_STORED = "ResultsNotStored"

_MAX_REASON = 64


class AbortedError(Exception):
    """The run cannot continue; ``info`` says why, and what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.info = ErrorInfo(reason=reason, message=message)


def info_of(error: BaseException) -> ErrorInfo:
    """Return why a run was given up, even for an unexpected error."""
    if isinstance(error, AbortedError):
        return error.info
    if isinstance(error, asyncio.CancelledError):
        return ErrorInfo(
            reason=INTERRUPTED,
            message="the load Job was stopped; start the run again",
        )
    if isinstance(error, ApiError):
        return ErrorInfo(reason=error.reason[:_MAX_REASON], message=str(error))
    if isinstance(error, ApiUnreachableError):
        return ErrorInfo(reason="ApiServerUnreachable", message=str(error))
    if isinstance(error, KubeError):
        return ErrorInfo(reason=type(error).__name__.removesuffix("Error"), message=str(error))
    detail = f": {error}" if str(error) else ""
    return ErrorInfo(
        reason="KrobenchFailed",
        message=f"an internal error in krobench, not in kro or your spec ({type(error).__name__}"
        f"{detail}); earlier results are kept. Please report it with the log of the load Job's pod",
    )
