"""Range queries to an existing Prometheus, by its HTTP API.

Only numbers and Prometheus' own error texts are passed on: the author of a benchmark chooses the
URL, and must not learn from it what other services of the cluster answer.
"""

import json
import math
import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from krobench.api.notation import duration_seconds
from krobench.api.specs.collect import Prometheus
from krobench.figures.reasons.sources import (
    AnswerNotUnderstood,
    AnswerTooLarge,
    NoAnswerInTime,
    NotARange,
    NothingFinite,
    NothingReturned,
    QueryFailed,
    QueryReason,
    SeveralSeries,
)

_PATH = "/api/v1/query_range"
_MAX_POINTS = 500
_MAX_ANSWER_BYTES = 2 << 20
_MAX_DETAIL = 300


class QueryError(Exception):
    """A query gave no number."""

    def __init__(self, reason: QueryReason) -> None:
        super().__init__(repr(reason))
        self.reason = reason


@dataclass(frozen=True)
class RangeResult:
    """The values of a query over a range of time."""

    mean: float
    maximum: float


class PrometheusApi:
    """One Prometheus."""

    def __init__(self, settings: Prometheus, token: str | None, ca: str | None) -> None:
        """``ca`` are PEM certificates.

        Raises:
            ValueError: if they are not.
        """
        self._url = settings.url.rstrip("/") + _PATH
        self._timeout_seconds = duration_seconds(settings.timeout)
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=self._timeout_seconds,
            verify=_trust(settings, ca),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def query(self, query: str, start_seconds: float, end_seconds: float) -> RangeResult:
        """Evaluate a query each second (fewer times in long ranges) from start to end.

        Both are seconds since the epoch.

        Raises:
            QueryError: if there is no answer in time, an error, or not exactly one series.
        """
        step = max(1, math.ceil((end_seconds - start_seconds) / _MAX_POINTS))
        parameters = {
            "query": query,
            "start": f"{start_seconds:.3f}",
            "end": f"{end_seconds:.3f}",
            "step": str(step),
        }
        body = bytearray()
        try:
            async with self._http.stream("GET", self._url, params=parameters) as response:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MAX_ANSWER_BYTES:
                        raise QueryError(AnswerTooLarge(most_bytes=_MAX_ANSWER_BYTES))
        except httpx.TimeoutException as error:
            raise QueryError(NoAnswerInTime(seconds=self._timeout_seconds)) from error
        except httpx.HTTPError as error:
            raise QueryError(QueryFailed(detail="no answer")) from error
        return _result(bytes(body))


def _trust(settings: Prometheus, ca: str | None) -> ssl.SSLContext | bool:
    if ca is not None:
        try:
            context = ssl.create_default_context(cadata=ca)
        except ssl.SSLError as error:
            raise ValueError(f"holds no certificates in PEM: {error}") from error
        # Authorities of one's own often lack the extensions that newer Pythons insist on.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context
    return not (settings.tls is not None and settings.tls.insecure_skip_verify)


def _result(body: bytes) -> RangeResult:
    """Return what an answer of Prometheus says, which must be about one series."""
    try:
        answer = json.loads(body)
        if answer["status"] == "error":
            raise QueryError(
                QueryFailed(detail=f"{answer['errorType']}: {answer['error']}"[:_MAX_DETAIL])
            )
        series: list[Any] = answer["data"]["result"]
    except (ValueError, KeyError, TypeError) as error:
        raise QueryError(AnswerNotUnderstood()) from error
    if not series:
        raise QueryError(NothingReturned())
    if len(series) > 1:
        raise QueryError(SeveralSeries(series=len(series)))
    try:
        values = [float(text) for _, text in series[0]["values"]]
    except (ValueError, KeyError, TypeError) as error:
        raise QueryError(NotARange()) from error
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        raise QueryError(NothingFinite())
    return RangeResult(sum(finite) / len(finite), max(finite))
