"""The API server's address, and the credentials for it.

In a pod, they are those of its service account, elsewhere those of a kubeconfig. Kubeconfigs are
left to the official client, which knows every form of them: exec plugins, OIDC, certificates.
Importing it takes 20 MB of memory, so it is imported only if there is a kubeconfig to load: a load
Job takes its memory from the machine that it measures.
"""

import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from krobench.api.access import Access, KubeletTrust
from krobench.kube.errors import ConfigError

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# The kubelet renews a token when 80 % of its lifetime have passed, long before it expires.
_REREAD_SECONDS = 60.0


@dataclass(frozen=True)
class ClientConfig:
    """An API server's address and our credentials."""

    server: str
    """Base URL, without a trailing slash."""
    tls: ssl.SSLContext | None
    """None for plain HTTP, as an emulated API server speaks it."""
    authorization: Callable[[], str | None]
    """Returns the current Authorization header; called for each request, as tokens expire."""
    kubelet_tls: ssl.SSLContext | None = None
    """For connections to kubelets; None for plain HTTP, as an emulated one speaks it."""


def load_client_config() -> ClientConfig:
    """Load the service account of the pod we run in, else the kubeconfig.

    Raises:
        ConfigError: if there is neither, or the kubeconfig is broken.
    """
    if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
        account = ServiceAccount()
        account.authorization()  # reports a missing token now, not at the first request
        trust = Access.from_environment().kubelet
        return ClientConfig(
            account.server(),
            _tls(str(account.ca_file)),
            account.authorization,
            _kubelet_tls(trust, str(account.ca_file)),
        )
    return _load_kubeconfig()


def own_namespace() -> str | None:
    """Return the namespace of this pod; None outside of a cluster."""
    return ServiceAccount().namespace


class ServiceAccount:
    """Credentials that the kubelet keeps in files of the pod."""

    def __init__(
        self, directory: Path = _SERVICE_ACCOUNT, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._token = ""
        self._read_at = float("-inf")

    @property
    def ca_file(self) -> Path:
        """Certificates of the authority that signed the API server's."""
        return self._directory / "ca.crt"

    @property
    def namespace(self) -> str | None:
        """Namespace of this pod; None outside of a cluster."""
        file = self._directory / "namespace"
        return file.read_text().strip() if file.exists() else None

    def server(self) -> str:
        """Return the base URL of the API server.

        Raises:
            ConfigError: if its address is not in the environment.
        """
        host = self._environment.get("KUBERNETES_SERVICE_HOST")
        port = self._environment.get("KUBERNETES_SERVICE_PORT")
        if not host or not port:
            raise ConfigError(
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set, as they are "
                "in a pod; set KUBECONFIG to a kubeconfig file"
            )
        return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"

    def authorization(self) -> str:
        """Return the current Authorization header.

        Raises:
            ConfigError: if there is no token.
        """
        now = time.monotonic()
        if now - self._read_at > _REREAD_SECONDS:
            file = self._directory / "token"
            try:
                token = file.read_text().strip()
            except OSError as error:
                raise ConfigError(
                    f"the service account's token cannot be read: {error}; let the pod mount one "
                    "(automountServiceAccountToken), or set KUBECONFIG to a kubeconfig file"
                ) from error
            if not token:
                raise ConfigError(
                    f"{file} is empty, but must hold a service account's token; delete the pod to "
                    "get a new one"
                )
            self._token, self._read_at = token, now
        return f"Bearer {self._token}"


def _load_kubeconfig() -> ClientConfig:
    """Load the file that KUBECONFIG names, else the user's own."""
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_kube_config

    loaded = Configuration()
    try:
        load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=loaded)
    except (ConfigException, OSError) as error:
        raise ConfigError(
            f"no usable kubeconfig: {error}; set KUBECONFIG to a kubeconfig file"
        ) from error
    tls: ssl.SSLContext | None = None
    if loaded.host.startswith("https:"):
        tls = _tls(loaded.ssl_ca_cert)
        if not loaded.verify_ssl:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        if loaded.cert_file:
            tls.load_cert_chain(loaded.cert_file, loaded.key_file)

    def authorization() -> str | None:
        token: str | None = loaded.get_api_key_with_prefix("BearerToken", "authorization")
        return token

    return ClientConfig(loaded.host.rstrip("/"), tls, authorization, tls)


def _kubelet_tls(trust: KubeletTrust, ca_file: str) -> ssl.SSLContext:
    try:
        tls = _tls(None, trust.ca_bundle) if trust.ca_bundle else _tls(ca_file)
    except ssl.SSLError as error:
        raise ConfigError(
            f"no certificates in PEM for kubelets: {error}; correct load.kubelet.caBundle"
        ) from error
    if trust.insecure_skip_verify:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls


def _tls(ca_file: str | None, ca_bundle: str | None = None) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=ca_file, cadata=ca_bundle)
    # The CAs that installers of Kubernetes make often lack a key usage extension.
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return tls
