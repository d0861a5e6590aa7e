"""Loading a kubeconfig.

That is left to the official client, which knows every form of it: exec plugins, OIDC, certificates.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_kube_config

from krobench.kube.errors import ConfigError


@dataclass(frozen=True)
class Kubeconfig:
    """What the current context of a kubeconfig says."""

    server: str
    ca_file: str | None
    verify: bool
    """Whether the server must prove who it is."""
    client_certificate: tuple[str, str | None] | None
    """Files of a certificate and its key."""
    authorization: Callable[[], str | None]
    """Returns the current Authorization header."""


def load_kubeconfig() -> Kubeconfig:
    """Load the file that KUBECONFIG names, else the user's own.

    Raises:
        ConfigError: if there is none, or it is broken.
    """
    configuration = Configuration()
    try:
        load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=configuration)
    except (ConfigException, OSError) as error:
        raise ConfigError(
            f"no usable kubeconfig: {error}; set KUBECONFIG to a kubeconfig file"
        ) from error

    def authorization() -> str | None:
        token: str | None = configuration.get_api_key_with_prefix("BearerToken", "authorization")
        return token

    return Kubeconfig(
        server=configuration.host,
        ca_file=configuration.ssl_ca_cert,
        verify=configuration.verify_ssl,
        client_certificate=_certificate(configuration.cert_file, configuration.key_file),
        authorization=authorization,
    )


def _certificate(file: str | None, key_file: str | None) -> tuple[str, str | None] | None:
    return (file, key_file) if file else None
