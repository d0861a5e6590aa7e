from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.collect.exposition import Reading, Series, read
from krobench.collect.source import SourceUnavailableError, scrape_through
from krobench.figures.reasons.sources import Exposition
from krobench.kube.client import KubeClient

WANTED = (Series("requests_total", {"code": "200"}), Series("bytes"))
EXPOSITION = (
    "# HELP requests_total Größe\n"
    'requests_total{code="200",path="/ä"} 3\n'
    'requests_total{code="200"} 4\n'
    'requests_total{code="500"} 1\n'
    "bytes 17 1700000000000"
)


class Client(KubeClient):
    """Hands an exposition out in pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def chunks(self, path: str) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


@given(cuts=st.lists(st.integers(0, len(EXPOSITION.encode())), max_size=8))
async def test_it_does_not_matter_where_an_exposition_is_cut(cuts: list[int]) -> None:
    data = EXPOSITION.encode()
    borders = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(borders)]
    scrape = await scrape_through(Client(pieces), "/metrics", WANTED, Exposition.API_SERVER)
    assert scrape.readings == read(EXPOSITION, WANTED)
    assert scrape.readings == [
        Reading("requests_total", 7, None),
        Reading("bytes", 17, 1_700_000_000),
    ]
    assert scrape.scraped_bytes == len(data)


async def test_an_invalid_exposition_is_an_error_with_the_name_of_the_source() -> None:
    client = Client([b"bytes <html>\n"])
    with pytest.raises(SourceUnavailableError, match=r"InvalidFormat.*APIServer"):
        await scrape_through(client, "/metrics", WANTED, Exposition.API_SERVER)
