import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from unit.collect.servers import closed_port, serve

from krobench.api.specs.collect import Prometheus
from krobench.collect.prometheus import PrometheusApi, QueryError, RangeResult


def settings(url: str, **changes: Any) -> Prometheus:
    queries = [{"name": "up", "query": "up"}]
    return Prometheus.model_validate({"url": url, "queries": queries} | changes)


def matrix(*series: list[str]) -> dict[str, Any]:
    """Return an answer as Prometheus gives it: series with these values, a second apart."""
    result = [
        {"metric": {"n": str(n)}, "values": [[1700000000 + t, v] for t, v in enumerate(values)]}
        for n, values in enumerate(series)
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


class Server:
    """Answers each request alike, and remembers the last one."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.answer, self.status = answer, status
        self.request: web.Request | None = None

    async def __call__(self, request: web.Request) -> web.Response:
        self.request = request
        text = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return web.Response(text=text, status=self.status)


async def ask(server: Server, token: str | None = None) -> RangeResult:
    async with serve(server) as port:
        api = PrometheusApi(settings(f"http://127.0.0.1:{port}/prom/"), token, None)
        try:
            return await api.query("sum(up)", 1700000000.0, 1700000002.5)
        finally:
            await api.close()


async def test_a_range_has_a_mean_and_a_maximum() -> None:
    server = Server(matrix(["1", "2", "6"]))
    assert await ask(server, token="s3cret") == RangeResult(3.0, 6.0)
    assert server.request is not None
    assert server.request.path == "/prom/api/v1/query_range"
    assert server.request.headers["Authorization"] == "Bearer s3cret"
    assert dict(server.request.query) == {
        "query": "sum(up)",
        "start": "1700000000.000",
        "end": "1700000002.500",
        "step": "1",
    }


async def test_values_that_are_not_finite_are_left_out() -> None:
    assert await ask(Server(matrix(["NaN", "2", "+Inf", "4"]))) == RangeResult(3.0, 4.0)


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (matrix(), 200, "NothingReturned"),
        (matrix(["1"], ["2"]), 200, "SeveralSeries.*series=2"),
        (matrix(["NaN"]), 200, "NothingFinite"),
        (
            {"status": "error", "errorType": "bad_data", "error": "parse error at char 4"},
            400,
            "bad_data: parse error at char 4",
        ),
        ("<html>top secret</html>", 200, "AnswerNotUnderstood"),
        ("[]", 502, "AnswerNotUnderstood"),
        ({"status": "success", "data": {"result": [{"value": 1}]}}, 200, "NotARange"),
        ("x" * (3 << 20), 200, "AnswerTooLarge.*2097152"),
    ],
)
async def test_an_answer_without_one_series_is_a_reason(
    answer: Any, status: int, message: str
) -> None:
    with pytest.raises(QueryError, match=message) as error:
        await ask(Server(answer, status))
    assert "top secret" not in str(error.value)


async def test_a_timeout_is_a_reason() -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with serve(hang) as port:
        api = PrometheusApi(settings(f"http://127.0.0.1:{port}", timeout="1s"), None, None)
        with pytest.raises(QueryError, match=r"NoAnswerInTime.*1.0"):
            await api.query("up", 0, 1)
        await api.close()


async def test_a_refused_connection_is_a_reason() -> None:
    api = PrometheusApi(settings(f"http://127.0.0.1:{closed_port()}"), None, None)
    with pytest.raises(QueryError, match="no answer"):
        await api.query("up", 0, 1)
    await api.close()


def test_certificates_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="no certificates in PEM"):
        PrometheusApi(settings("https://127.0.0.1"), None, "nonsense")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "ftp://x"}, "match pattern"),
        ({"url": "http://user:pass@host"}, "match pattern"),
        ({"url": "http://host/?a=b"}, "match pattern"),
        ({"timeout": "2m"}, "between 1s and 1m"),
        ({"queries": []}, "at least 1 item"),
        (
            {"queries": [{"name": "a", "query": "1"}, {"name": "a", "query": "2"}]},
            "used more than once",
        ),
        (
            {"tls": {"insecureSkipVerify": True, "caConfigMapRef": {"name": "a", "key": "b"}}},
            "not both",
        ),
    ],
)
def test_invalid_settings_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**{"url": "http://prometheus:9090"} | change)
