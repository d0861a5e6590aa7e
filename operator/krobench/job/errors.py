"""Why a run was given up."""

from krobench.model.common import ErrorInfo


class AbortedError(Exception):
    """The run cannot go on; ``info`` says why, and what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.info = ErrorInfo(reason=reason, message=message)
