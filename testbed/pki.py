"""Keys and certificates of the cluster, and the kubeconfigs that carry them."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed import shell
from testbed.paths import State
from testbed.settings import API_SERVICE_ADDRESS, NODE_ADDRESS, NODE_NAME

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_VALID_DAYS = "3650"

CA = "ca"
FRONT_PROXY_CA = "front-proxy-ca"
SERVICE_ACCOUNT = "service-account"


@dataclass(frozen=True)
class Certificate:
    """One certificate that the cluster's CA signs."""

    name: str
    common_name: str
    organization: str | None = None
    alternative_names: Sequence[str] = ()

    def subject(self) -> str:
        """The subject in the notation of openssl."""
        organization = f"/O={self.organization}" if self.organization else ""
        return f"{organization}/CN={self.common_name}"

    def extensions(self) -> str:
        """The extensions in the notation of openssl."""
        lines = ["extendedKeyUsage=serverAuth,clientAuth"]
        if self.alternative_names:
            lines.append("subjectAltName=" + ",".join(self.alternative_names))
        return "".join(f"{line}\n" for line in lines)


API_SERVER = Certificate(
    "kube-apiserver",
    "kube-apiserver",
    alternative_names=(
        "DNS:localhost",
        "DNS:kubernetes",
        "DNS:kubernetes.default",
        "DNS:kubernetes.default.svc",
        "IP:127.0.0.1",
        f"IP:{NODE_ADDRESS}",
        f"IP:{API_SERVICE_ADDRESS}",
    ),
)
API_SERVER_KUBELET_CLIENT = Certificate(
    "kube-apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"
)
ADMIN = Certificate("admin", "admin", "system:masters")
CONTROLLER_MANAGER = Certificate("controller-manager", "system:kube-controller-manager")
SCHEDULER = Certificate("scheduler", "system:kube-scheduler")
PROXY = Certificate("proxy", "system:kube-proxy", "system:node-proxier")
KUBELET = Certificate(
    "kubelet",
    f"system:node:{NODE_NAME}",
    "system:nodes",
    alternative_names=(f"DNS:{NODE_NAME}", f"IP:{NODE_ADDRESS}", "IP:127.0.0.1"),
)
_CERTIFICATES = (
    API_SERVER,
    API_SERVER_KUBELET_CLIENT,
    ADMIN,
    CONTROLLER_MANAGER,
    SCHEDULER,
    PROXY,
    KUBELET,
)
_CLIENTS = (ADMIN, CONTROLLER_MANAGER, SCHEDULER, PROXY, KUBELET)


def create(state: State, api_port: int) -> None:
    """Write all keys, certificates and kubeconfigs."""
    _create_authority(state.pki, CA)
    _create_authority(state.pki, FRONT_PROXY_CA)
    _create_service_account_key(state.pki)
    for certificate in _CERTIFICATES:
        _sign(state.pki, certificate)
    for client in _CLIENTS:
        text = kubeconfig(state.pki, client.name, f"https://127.0.0.1:{api_port}")
        _write_secret(kubeconfig_path(state, client), text)
    _write_secret(state.kubeconfig, kubeconfig_path(state, ADMIN).read_text())


def kubeconfig_path(state: State, client: Certificate) -> Path:
    """The kubeconfig of one component."""
    return state.pki / f"{client.name}.kubeconfig"


def kubeconfig(pki: Path, client: str, server: str) -> str:
    """A self-contained kubeconfig, as JSON, which is YAML too."""

    def encoded(file: str) -> str:
        return base64.b64encode((pki / file).read_bytes()).decode()

    name = "krobench-testbed"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": client}}],
        "clusters": [
            {
                "name": name,
                "cluster": {"server": server, "certificate-authority-data": encoded(f"{CA}.crt")},
            }
        ],
        "users": [
            {
                "name": client,
                "user": {
                    "client-certificate-data": encoded(f"{client}.crt"),
                    "client-key-data": encoded(f"{client}.key"),
                },
            }
        ],
    }
    return json.dumps(config, indent=1)


def _create_authority(pki: Path, name: str) -> None:
    files = ("-keyout", pki / f"{name}.key", "-out", pki / f"{name}.crt")
    request = ("openssl", "req", "-x509", *_NEW_KEY, "-days", _VALID_DAYS, "-subj", f"/CN={name}")
    shell.run([*request, *files])


def _create_service_account_key(pki: Path) -> None:
    key = pki / f"{SERVICE_ACCOUNT}.key"
    shell.run(["openssl", "genrsa", "-out", key, "2048"])
    shell.run(["openssl", "rsa", "-in", key, "-pubout", "-out", key.with_suffix(".pub")])


def _sign(pki: Path, certificate: Certificate) -> None:
    key, request, signed, extensions = (
        pki / f"{certificate.name}.{suffix}" for suffix in ("key", "csr", "crt", "ext")
    )
    new_request = ("openssl", "req", *_NEW_KEY, "-subj", certificate.subject())
    shell.run([*new_request, "-keyout", key, "-out", request])
    extensions.write_text(certificate.extensions())
    authority = ("-CA", pki / f"{CA}.crt", "-CAkey", pki / f"{CA}.key", "-CAcreateserial")
    sign = ("openssl", "x509", "-req", "-in", request, "-out", signed, "-days", _VALID_DAYS)
    shell.run([*sign, *authority, "-extfile", extensions])


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
