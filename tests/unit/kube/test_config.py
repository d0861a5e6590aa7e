import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from krobench.kube.config import ServiceAccount, load_client_config
from krobench.kube.errors import ConfigError

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
clusters:
- {name: c, cluster: {server: "https://example.test:6443/", insecure-skip-tls-verify: true}}
users: [{name: u, user: {token: secret}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "namespace").write_text("krobench-system")
    return tmp_path


def test_a_pod_has_its_service_account(files: Path) -> None:
    account = ServiceAccount(files, POD)
    assert account.server() == "https://10.96.0.1:443"
    assert account.authorization() == "Bearer first"
    assert account.namespace == "krobench-system"


def test_an_address_of_ipv6_is_bracketed(files: Path) -> None:
    account = ServiceAccount(files, POD | {"KUBERNETES_SERVICE_HOST": "fd00::1"})
    assert account.server() == "https://[fd00::1]:443"


def test_a_token_that_was_renewed_is_read_again(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = ServiceAccount(files, POD)
    account.authorization()
    (files / "token").write_text("second")
    assert account.authorization() == "Bearer first"
    monkeypatch.setattr("time.monotonic", lambda: account._read_at + 61)
    assert account.authorization() == "Bearer second"


def test_missing_credentials_are_named(files: Path) -> None:
    with pytest.raises(ConfigError, match="KUBERNETES_SERVICE_PORT"):
        ServiceAccount(files, {}).server()
    (files / "token").write_text("")
    with pytest.raises(ConfigError, match="is empty"):
        ServiceAccount(files, POD).authorization()
    (files / "token").unlink()
    with pytest.raises(ConfigError, match="automountServiceAccountToken"):
        ServiceAccount(files, POD).authorization()
    assert ServiceAccount(files / "nowhere", POD).namespace is None


def test_a_kubeconfig_comes_before_the_pods_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    loaded = load_client_config()
    assert loaded.server == "https://example.test:6443"
    assert loaded.authorization() == "Bearer secret"
    assert loaded.tls is not None
    assert loaded.tls.verify_mode == ssl.CERT_NONE


def test_a_missing_kubeconfig_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="no usable kubeconfig"):
        load_client_config()


def test_a_load_job_does_without_libraries_that_few_need() -> None:
    heavy = ("kubernetes", "celpy", "kopf")
    code = f"import sys, krobench.loadjob.main; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
