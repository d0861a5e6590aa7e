"""The service account of the pod that this process runs in.

The official client can load it, too; but importing it takes 15 MB, which count in a load Job.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from krobench.kube.errors import ConfigError

_DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# The kubelet renews a token long before it ends: at 80 % of its time.
_REREAD_SECONDS = 60.0


class ServiceAccount:
    """Credentials that the kubelet keeps in files of the pod."""

    def __init__(
        self, directory: Path = _DIRECTORY, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._token = ""
        self._read_at = float("-inf")

    @property
    def ca_file(self) -> Path:
        """Certificates of the authority that the API server's own is from."""
        return self._directory / "ca.crt"

    @property
    def namespace(self) -> str | None:
        """Namespace of this pod; None outside of a cluster."""
        file = self._directory / "namespace"
        return file.read_text().strip() if file.exists() else None

    def server(self) -> str:
        """Return the base URL of the API server.

        Raises:
            ConfigError: if the kubelet gave none.
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
            self._token, self._read_at = self._read_token(), now
        return f"Bearer {self._token}"

    def _read_token(self) -> str:
        file = self._directory / "token"
        try:
            token = file.read_text().strip()
        except OSError as error:
            raise ConfigError(
                f"no token of a service account: {error}; let the pod have one "
                "(automountServiceAccountToken), or set KUBECONFIG to a kubeconfig file"
            ) from error
        if not token:
            raise ConfigError(f"{file} is empty: it should hold a service account's token")
        return token
