"""What the machine lacks is said in one sentence, before anything is started."""

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import network, preflight
from testbed.errors import SetupError
from testbed.paths import Cache
from testbed.settings import Ports


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.fixture
def free_ports() -> Ports:
    sockets = [socket.socket() for _ in range(7)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    numbers = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return Ports(*numbers)


def test_a_taken_port_is_named_with_its_holder(taken_port: int, free_ports: Ports) -> None:
    ports = replace(free_ports, controller_manager=taken_port)
    with pytest.raises(SetupError) as error:
        preflight.check_ports(ports)
    message = str(error.value)
    assert f"port {taken_port} is taken by process {os.getpid()}" in message
    assert "--controller-manager-port" in message


def test_free_ports_pass(free_ports: Ports) -> None:
    preflight.check_ports(free_ports)


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="needs root"):
        preflight.check_user()


@pytest.mark.parametrize("output", ["go version go1.25.9 linux/amd64", "go version devel"])
def test_an_old_go_is_refused(output: str) -> None:
    with pytest.raises(SetupError, match=r"Go 1\.26 or newer is needed"):
        preflight.check_go_version(output)


@pytest.mark.parametrize("output", ["go version go1.26.0 linux/amd64", "go version go2.0 x/y"])
def test_a_new_go_passes(output: str) -> None:
    preflight.check_go_version(output)


@pytest.mark.parametrize(
    ("system", "release", "message"),
    [
        ("Linux", "4.19.0-27-amd64", r"Linux 5\.4 or newer is needed, and this is 4\.19"),
        ("Darwin", "24.1.0", "this is Darwin: use PROVIDER=kind"),
    ],
)
def test_an_unfit_kernel_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, release: str, message: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.release", lambda: release)
    with pytest.raises(SetupError, match=message):
        preflight.check_machine(Cache(tmp_path), Path("/state"), ())


def test_a_long_state_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="too long for the Unix sockets"):
        preflight.check_machine(Cache(tmp_path), Path("/" + "x" * 60), ())


def test_a_full_disk_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(SetupError, match=r"4 GB of free disk are needed .* 1\.0 GB are available"):
        preflight.check_machine(Cache(tmp_path / "missing"), Path("/state"), ())


@pytest.mark.parametrize(
    ("address", "clash"),
    [
        ("10.88.0.7/16", "10.88.0.0/24"),
        ("10.0.0.1/8", "10.87.0.1/32"),
        ("10.96.3.4/24", "10.96.0.0/16"),
        ("192.168.0.4/24", None),
    ],
)
def test_overlapping_networks_are_found(address: str, clash: str | None) -> None:
    assert network.overlapping(address) == clash


def test_listening_sockets_are_found_by_port() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid  t inode\n"
        "   0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 111 1\n"
        "   1: 0100007F:192B 0100007F:9999 01 00000000:00000000 00:00000000 00000000 0 0 222 1\n"
        "   2: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 333 1\n"
    )
    assert preflight.listening_inodes(table, 6443) == ["111"]
