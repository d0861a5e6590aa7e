"""etcd's own metrics, if it exposes them."""

import httpx

from krobench.collect.source import (
    HEADERS,
    SCRAPE_TIMEOUT_SECONDS,
    Scrape,
    SourceUnavailableError,
    lines_of,
    parse,
)
from krobench.figures.lines import SourceName
from krobench.kube.config import ClientConfig

_SERIES = lines_of("etcd")


class EtcdSource:
    """The ``/metrics`` of one etcd, by plain HTTP, or by HTTPS with what the API server is
    trusted and spoken to with."""

    name: SourceName = "etcd"

    def __init__(self, url: str, config: ClientConfig) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            timeout=SCRAPE_TIMEOUT_SECONDS,
            trust_env=False,
            verify=config.tls or True,
            headers=HEADERS,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def scrape(self) -> Scrape:
        """Return current readings of etcd."""
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
        except httpx.HTTPError as error:
            detail = str(error) or type(error).__name__
            raise SourceUnavailableError(f"etcd's metrics at {self._url}: {detail}") from error
        return parse(response.text, _SERIES)
