"""HTTP servers on this machine that stand for pods and for API servers."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from krobench.figures.environment import KroFingerprint
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.kropods import KroPod
from krobench.kube.transport import RetryPolicy

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serve(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serve all paths by one handler, and give the port."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def closed_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def api_server(port: int) -> KubeClient:
    policy = RetryPolicy(first_seconds=0.0, readiness_seconds=0.0)
    return KubeClient(ClientConfig(f"http://127.0.0.1:{port}", None, lambda: None), policy=policy)


def kro_pod() -> KroPod:
    return KroPod(
        namespace="kro-system",
        name="kro-0",
        ip="127.0.0.1",
        node="n",
        container="kro",
        metrics_port=1,
        fingerprint=KroFingerprint(namespace="kro-system", pod="kro-0", image="kro:1"),
    )
