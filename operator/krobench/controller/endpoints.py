"""What the operator serves by HTTP: its metrics, and whether it is alive and ready.

kopf's own liveness endpoint and prometheus-client's server each bind one address family. A kubelet
and a Prometheus use IPv4, IPv6 or both, so these are bound to both.
"""

import contextlib
import socket
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

METRICS_PORT = 8080
LIVENESS_PORT = 8081

_SHUTDOWN_SECONDS = 1.0


class Endpoints:
    """The servers of one operator, in its event loop."""

    def __init__(
        self,
        metrics: CollectorRegistry,
        trouble: Callable[[], str | None],
        ready: Callable[[], bool],
    ) -> None:
        """``trouble`` returns why the operator is not alive; None if it is."""
        self._registry = metrics
        self._trouble = trouble
        self._ready = ready
        self._served = {
            METRICS_PORT: [web.get("/metrics", self._metrics)],
            LIVENESS_PORT: [
                web.get("/healthz", self._health),
                web.get("/readyz", self._readiness),
            ],
        }
        self._runners: list[web.AppRunner] = []

    async def start(self, **_: Any) -> None:
        for port, routes in self._served.items():
            app = web.Application()
            app.add_routes(routes)
            runner = web.AppRunner(
                app, handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
            )
            await runner.setup()
            self._runners.append(runner)
            await web.SockSite(runner, listen(port)).start()

    async def stop(self, **_: Any) -> None:
        for runner in self._runners:
            await runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        """Send one metric after another: there may be 10,000 series, and others have their turn."""
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
        response.enable_compression()
        with contextlib.suppress(ConnectionResetError):  # nobody waits for the rest
            await response.prepare(request)
            for metric in self._registry.collect():
                await response.write(generate_latest(_One(metric)))
        return response

    async def _health(self, _: web.Request) -> web.Response:
        trouble = self._trouble()
        return web.Response(status=503, text=trouble) if trouble else web.Response(text="ok")

    async def _readiness(self, _: web.Request) -> web.Response:
        if not self._ready():
            return web.Response(status=503, text="waiting for the API server")
        return web.Response(text="ok")


class _One(Collector):
    """A single metric, as ``prometheus_client`` writes it."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return [self._metric]


def listen(port: int) -> socket.socket:
    """Return a socket that accepts IPv4 and IPv6; IPv4 alone on a machine without IPv6."""
    try:
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except (OSError, ValueError):
        # ValueError: this machine has no dual-stack sockets.
        return socket.create_server(("0.0.0.0", port))  # noqa: S104 - a pod's own ports
