"""Why a run was given up."""

import asyncio

from krobench.api.common import ErrorInfo
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError

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
    if isinstance(error, ApiError):
        return ErrorInfo(reason=error.reason[:_MAX_REASON], message=str(error))
    if isinstance(error, ApiUnreachableError):
        return ErrorInfo(reason="ApiServerUnreachable", message=str(error))
    if isinstance(error, KubeError):
        return ErrorInfo(reason=type(error).__name__.removesuffix("Error"), message=str(error))
    return ErrorInfo(reason="KrobenchFailed", message=_ours(error))


def _ours(error: BaseException) -> str:
    said = f": {error}" if str(error) else ""
    return (
        f"an error in krobench itself, and no fault of kro or the spec ({type(error).__name__}"
        f"{said}); what was measured before is kept. Please report it with the log of the load "
        "Job's pod"
    )
