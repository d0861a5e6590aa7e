import pytest

from krobench.collect.source import SourceUnavailableError
from krobench.collect.sources import EtcdSource
from krobench.kube.config import ClientConfig


async def test_an_etcd_that_does_not_answer_is_named_with_its_address() -> None:
    url = "http://127.0.0.1:1/metrics"
    source = EtcdSource(url, ClientConfig("", None, lambda: None))
    with pytest.raises(SourceUnavailableError, match=f"Etcd.*{url}"):
        await source.scrape()
    await source.close()
