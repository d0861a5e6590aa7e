"""The API server's own metrics."""

from krobench.collect.source import Scrape, lines_of, scrape_through, with_present_names
from krobench.figures.lines import SourceName
from krobench.kube.client import KubeClient


class ApiServerSource:
    """The ``/metrics`` of the API server that answers us.

    Of ``instance_groups``, every kind counts as an instance: each iteration has its own.
    """

    name: SourceName = "apiserver"

    def __init__(self, client: KubeClient, instance_groups: frozenset[str]) -> None:
        self._client = client
        self._series = lines_of("apiserver", instance_groups)

    async def close(self) -> None:
        """Nothing of its own is open."""

    async def scrape(self) -> Scrape:
        """Return current readings of the API server."""
        scrape = await scrape_through(
            self._client,
            "/metrics",
            "the API server's /metrics",
            "get on the nonResourceURL /metrics",
            self._series,
        )
        return with_present_names(scrape, "apiserver")
