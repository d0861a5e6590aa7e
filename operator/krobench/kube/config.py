"""How to reach the API server, and as whom."""

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from krobench.kube.serviceaccount import ServiceAccount


@dataclass(frozen=True)
class ClientConfig:
    """An API server's address and our credentials."""

    server: str
    """Base URL, without a trailing slash."""
    tls: ssl.SSLContext | None
    """None for plain HTTP, as an emulated API server speaks it."""
    authorization: Callable[[], str | None]
    """Returns the current Authorization header; called for each request, as tokens expire."""


def load_client_config() -> ClientConfig:
    """Load the service account of the pod we run in, else the kubeconfig.

    Raises:
        ConfigError: if there is neither, or the kubeconfig is broken.
    """
    if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
        return _of_pod(ServiceAccount())
    return _of_kubeconfig()


def _of_pod(account: ServiceAccount) -> ClientConfig:
    account.authorization()  # a missing token is told now, and not at the first request
    return ClientConfig(account.server(), _tls(str(account.ca_file)), account.authorization)


def _of_kubeconfig() -> ClientConfig:
    from krobench.kube.kubeconfig import load_kubeconfig

    loaded = load_kubeconfig()
    tls: ssl.SSLContext | None = None
    if loaded.server.startswith("https:"):
        tls = _tls(loaded.ca_file)
        if not loaded.verify:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        if loaded.client_certificate is not None:
            tls.load_cert_chain(*loaded.client_certificate)
    return ClientConfig(loaded.server.rstrip("/"), tls, loaded.authorization)


def _tls(ca_file: str | None) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=ca_file)
    # The CAs that installers of Kubernetes make often lack a key usage extension.
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return tls


def own_namespace() -> str | None:
    """Return the namespace of this pod; None outside of a cluster."""
    return ServiceAccount().namespace
