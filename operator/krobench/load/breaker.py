"""Ending a load that the API server cannot bear.

Everybody else in the cluster needs that server too, and numbers of a server that fails say
nothing of kro.
"""

from krobench.kube.errors import ApiError, ApiUnreachableError

FAILURES_IN_A_ROW = 5


class ApiServerInDistressError(Exception):
    """Requests fail one after another, each after all its repetitions."""


class Breaker:
    """Counts requests that were given up; any answer but 429 and 5xx shows a server at work."""

    def __init__(self) -> None:
        self._failures = 0

    def succeeded(self) -> None:
        """Note a request that was answered."""
        self._failures = 0

    def failed(self, error: ApiError | ApiUnreachableError) -> None:
        """Note a request that was given up.

        Raises:
            ApiServerInDistressError: if it was the last of too many.
        """
        if isinstance(error, ApiError) and not error.transient:
            self.succeeded()
            return
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            raise ApiServerInDistressError(
                f"{self._failures} requests in a row failed in spite of repetitions, the last "
                f"with: {error}"
            ) from error
