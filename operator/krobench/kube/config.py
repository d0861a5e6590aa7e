"""How to reach the API server, and as whom.

Loading is left to the official client, which knows every form of kubeconfig (exec plugins,
OIDC, certificates) and renews service-account tokens.
"""

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

from krobench.kube.errors import ConfigError

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


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
    configuration = Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
            load_incluster_config(client_configuration=configuration)
        else:
            load_kube_config(client_configuration=configuration)
    except (ConfigException, OSError) as error:
        raise ConfigError(
            f"no usable kubeconfig: {error}; set KUBECONFIG to a kubeconfig file"
        ) from error
    return _from_official(configuration)


def _from_official(configuration: Configuration) -> ClientConfig:
    tls: ssl.SSLContext | None = None
    if configuration.host.startswith("https:"):
        tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        # The CAs that installers of Kubernetes make often lack a key usage extension.
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not configuration.verify_ssl:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        if configuration.cert_file:
            tls.load_cert_chain(configuration.cert_file, configuration.key_file)

    def authorization() -> str | None:
        token: str | None = configuration.get_api_key_with_prefix("BearerToken", "authorization")
        return token

    return ClientConfig(configuration.host.rstrip("/"), tls, authorization)


def own_namespace() -> str | None:
    """Return the namespace of this pod; None outside of a cluster."""
    return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.exists() else None
