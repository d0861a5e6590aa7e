"""What the operator serves by HTTP: its metrics, and whether it is alive and ready.

kopf's own liveness endpoint and prometheus-client's server each bind one address family. A kubelet
and a Prometheus use IPv4, IPv6 or both, so these are bound to both.
"""

import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

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
        self._trouble = trouble
        self._ready = ready
        self._served = {
            METRICS_PORT: [web.get("/metrics", make_aiohttp_handler(metrics))],
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

    async def _health(self, _: web.Request) -> web.Response:
        trouble = self._trouble()
        return web.Response(status=503, text=trouble) if trouble else web.Response(text="ok")

    async def _readiness(self, _: web.Request) -> web.Response:
        if not self._ready():
            return web.Response(status=503, text="waiting for the API server")
        return web.Response(text="ok")


def listen(port: int) -> socket.socket:
    """Return a socket that accepts IPv4 and IPv6; IPv4 alone on a machine without IPv6."""
    try:
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except (OSError, ValueError):
        # ValueError: this machine has no dual-stack sockets.
        return socket.create_server(("0.0.0.0", port))  # noqa: S104 - a pod's own ports
