import pytest

from krobench.api.access import ACCESS_VARIABLE, Access
from krobench.api.administered import VariableError

ACCESS = Access(urls=["http://prometheus.monitoring:9090/", "http://etcd:2381/metrics"])


@pytest.mark.parametrize(
    "url",
    [
        "http://prometheus.monitoring:9090",
        "http://prometheus.monitoring:9090/prom",
        "http://etcd:2381/metrics",
    ],
)
def test_an_allowed_url_and_all_below_it_are_allowed(url: str) -> None:
    assert ACCESS.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://prometheus.monitoring:90900",
        "http://prometheus.monitoring:9090.example.org/",
        "http://prometheus.monitoring:9090@example.org/",
        "https://prometheus.monitoring:9090/",
        "http://etcd:2381/",
        "http://etcd:2381/metrics/../keys",
        "http://etcd:2381/metrics/%2E%2e/keys",
        "http://169.254.169.254/latest",
    ],
)
def test_no_other_url_is_allowed(url: str) -> None:
    assert not ACCESS.allows(url)


def test_without_an_administrator_all_urls_are_allowed() -> None:
    assert Access.from_environment({}).allows("http://etcd:2381/")
    assert not Access.from_environment({ACCESS_VARIABLE: '{"urls": []}'}).allows("http://a")


def test_no_webhook_is_allowed_unless_it_is_listed() -> None:
    assert not Access.from_environment({}).allows_webhook("http://a")
    some = Access(webhook_urls=["https://events.example.com/krobench/"])
    assert some.allows_webhook("https://events.example.com/krobench/one")
    assert not some.allows_webhook("https://events.example.com/krobench/../other")
    assert not some.allows_webhook("https://events.example.com/krobench-of-others")


def test_a_malformed_variable_is_named() -> None:
    with pytest.raises(VariableError, match=ACCESS_VARIABLE):
        Access.from_environment({ACCESS_VARIABLE: "{"})
