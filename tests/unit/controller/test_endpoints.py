"""The operator's endpoints answer over IPv4 and IPv6."""

import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge

from krobench.controller import endpoints
from krobench.controller.endpoints import Endpoints, listen

HOSTS = ["127.0.0.1", "[::1]"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]


def free_port() -> int:
    with listen(0) as found:
        port: int = found.getsockname()[1]
        return port


class Served:
    """Endpoints on free ports, which an operator may report trouble to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trouble: str | None = None
        self.metrics, self.liveness = free_port(), free_port()
        monkeypatch.setattr(endpoints, "METRICS_PORT", self.metrics)
        monkeypatch.setattr(endpoints, "LIVENESS_PORT", self.liveness)
        registry = CollectorRegistry()
        Gauge("krobench_planted", "", registry=registry).set(7)
        self.ready = False
        self.endpoints = Endpoints(registry, lambda: self.trouble, lambda: self.ready)


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    found = Served(monkeypatch)
    await found.endpoints.start()
    yield found
    await found.endpoints.stop()


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url)


@pytest.mark.parametrize("host", HOSTS)
async def test_metrics_are_served_on_both_families(served: Served, host: str) -> None:
    answer = await get(f"http://{host}:{served.metrics}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "krobench_planted 7.0" in answer.text


@pytest.mark.parametrize("host", HOSTS)
async def test_an_operator_in_trouble_is_not_alive(served: Served, host: str) -> None:
    url = f"http://{host}:{served.liveness}/healthz"
    assert (await get(url)).status_code == 200
    served.trouble = "no progress"
    answer = await get(url)
    assert (answer.status_code, answer.text) == (503, "no progress")


def test_a_machine_without_ipv6_is_served_by_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.create_server

    def without_ipv6(address: tuple[str, int], *, family: int = socket.AF_INET, **options: bool):  # type: ignore[no-untyped-def]
        if family == socket.AF_INET6:
            raise OSError("Address family not supported by protocol")
        return create(address, family=family, **options)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    with listen(0) as found:
        assert found.family == socket.AF_INET


async def test_an_operator_that_waits_for_the_api_server_is_alive_and_not_ready(
    served: Served,
) -> None:
    url = f"http://127.0.0.1:{served.liveness}"
    assert (await get(f"{url}/readyz")).status_code == 503
    assert (await get(f"{url}/healthz")).status_code == 200
    served.ready = True
    assert (await get(f"{url}/readyz")).status_code == 200
