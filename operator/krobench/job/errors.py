"""Why a run was given up."""

import asyncio

from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.model.common import ErrorInfo

_MAX_REASON = 64


class AbortedError(Exception):
    """The run cannot go on; ``info`` says why, and what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.info = ErrorInfo(reason=reason, message=message)


def info_of(error: BaseException) -> ErrorInfo:
    """Return why a run was given up, be it for an error of ours that nobody had thought of."""
    if isinstance(error, AbortedError):
        return error.info
    if isinstance(error, asyncio.CancelledError):
        return ErrorInfo(reason="Interrupted", message="the load Job was stopped from outside")
    if isinstance(error, ApiUnreachableError):
        reason = "ApiServerUnreachable"
    else:
        reason = error.reason if isinstance(error, ApiError) else type(error).__name__
    return ErrorInfo(reason=reason[:_MAX_REASON], message=str(error) or reason)
