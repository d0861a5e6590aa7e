from base64 import b64encode
from typing import Any

import pytest
from aiohttp import web
from doubles.cluster import MemoryApi
from unit.collect.servers import serve
from unit.collect.test_prometheus import Server, matrix, settings

from krobench.figures.reasons.sources import QueryReason
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.loadjob.prometheus import ExistingPrometheus
from krobench.report.words.reasons import reason_line

SECRET = "/api/v1/namespaces/team/secrets/prom"
REFERENCE = {"bearerTokenSecretRef": {"name": "prom", "key": "token"}}

Measured = tuple[dict[str, float | None], dict[str, QueryReason], list[str]]


class Objects(MemoryApi):
    """Has some objects, and forbids to read others."""

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if path not in self.objects:
            raise ApiError(403, "Forbidden", "you may not")


def secret(data: bytes) -> dict[str, JsonObject]:
    return {SECRET: {"data": {"token": b64encode(data).decode()}}}


async def measure(server: Server, objects: dict[str, JsonObject], **changes: Any) -> Measured:
    """Measure two run phases, and return what the second gave and all warnings."""
    warnings: list[str] = []
    client = Objects(objects)
    async with serve(server) as port:
        spec = settings(f"http://127.0.0.1:{port}", **changes)
        prometheus = ExistingPrometheus(client, spec, "team", warnings.append)
        await prometheus.open()
        await prometheus.measure(0, 1)
        metrics, unavailable = await prometheus.measure(1, 2)
        await prometheus.close()
    return metrics, unavailable, warnings


async def test_a_query_becomes_two_metrics() -> None:
    server = Server(matrix(["1", "3"]))
    metrics, unavailable, warnings = await measure(server, secret(b"s3cret\n"), **REFERENCE)
    assert metrics == {"prometheus.up.mean": 2.0, "prometheus.up.max": 3.0}
    assert unavailable == {}
    assert warnings == []
    assert isinstance(server.request, web.Request)
    assert server.request.headers["Authorization"] == "Bearer s3cret"


async def test_a_query_without_a_result_is_not_available_with_one_warning() -> None:
    metrics, unavailable, warnings = await measure(Server(matrix()), {})
    assert metrics == {"prometheus.up.mean": None, "prometheus.up.max": None}
    assert unavailable.keys() == metrics.keys()
    [warning] = warnings
    assert warning.startswith("Prometheus query up is not available: it returned nothing")


@pytest.mark.parametrize(
    ("objects", "changes", "message"),
    [
        ({}, REFERENCE, "Secret prom: you may not; name it in the chart's value load.prom"),
        ({SECRET: {}}, REFERENCE, "Secret prom has no key token"),
        (secret(b"\xff"), REFERENCE, "is not text"),
        (secret(b"a\r\nHost: b"), REFERENCE, "is not a token"),
        (
            {"/api/v1/namespaces/team/configmaps/ca": {"data": {"x": "nonsense"}}},
            {"tls": {"caConfigMapRef": {"name": "ca", "key": "x"}}},
            "key x of ConfigMap ca holds no certificates",
        ),
    ],
)
async def test_a_token_or_authority_that_cannot_be_had_is_the_reason(
    objects: dict[str, JsonObject], changes: dict[str, Any], message: str
) -> None:
    server = Server(matrix(["1"]))
    _, unavailable, _ = await measure(server, objects, **changes)
    assert message in reason_line(unavailable["prometheus.up.mean"])
    assert server.request is None, "nothing is sent without the token that was asked for"
