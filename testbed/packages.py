"""The Debian packages that are neither Go programs nor worth building."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from testbed import shell
from testbed.errors import SetupError
from testbed.locks import exclusive
from testbed.steps import step

NODE_PACKAGES: Mapping[str, Path] = {
    "runc": Path("/usr/sbin/runc"),
    "containernetworking-plugins": Path("/usr/lib/cni/bridge"),
    "iptables": Path("/usr/sbin/iptables"),
    "iproute2": Path("/usr/sbin/ip"),
    "openssl": Path("/usr/bin/openssl"),
}
"""Each package with a file of it, which is quicker to look at than the package database."""

BUILD_PACKAGES: Mapping[str, Path] = {
    "gcc": Path("/usr/bin/gcc"),
    "libc6-dev": Path("/usr/include/stdlib.h"),
}
"""Parts of Kubernetes and containerd use cgo."""

IMAGE_PACKAGES: Mapping[str, Path] = {
    "debootstrap": Path("/usr/sbin/debootstrap"),
    "debian-archive-keyring": Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    "gpgv": Path("/usr/bin/gpgv"),
}


BROWSER_PACKAGES: Mapping[str, Path] = {
    "chromium": Path("/usr/bin/chromium"),
    "chromium-driver": Path("/usr/bin/chromedriver"),
}
_LOCK = Path(tempfile.gettempdir()) / "krobench-apt.lock"
"""Of two commands that install at the same time, apt would refuse one."""
_APT = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")
_NONINTERACTIVE = {"DEBIAN_FRONTEND": "noninteractive"}


def install(packages: Mapping[str, Path]) -> None:
    """Install those packages whose files are not there."""
    if not (missing := _missing(packages)):
        return
    _check_apt(missing)
    with exclusive(_LOCK):
        if not (missing := _missing(packages)):
            return
        with step(f"Debian packages {_list(missing)}", cold_seconds=30):
            shell.run([*_APT, "update"], env=_NONINTERACTIVE)
            shell.run(
                [*_APT, "install", "-y", "--no-install-recommends", *missing], env=_NONINTERACTIVE
            )


def download(package: str, directory: Path) -> Path:
    """Download a package without installing it, and return the file."""
    _check_apt([package])
    with exclusive(_LOCK), step(f"Debian package {package}", cold_seconds=20):
        shell.run([*_APT, "update"], env=_NONINTERACTIVE)
        shell.run([*_APT, "download", package], cwd=directory)
    [file] = directory.glob("*.deb")
    return file


def _missing(packages: Mapping[str, Path]) -> list[str]:
    return [name for name, file in packages.items() if not file.exists()]


def _check_apt(names: Iterable[str]) -> None:
    if not shell.is_installed("apt-get"):
        raise SetupError(f"these programs are missing, and there is no apt-get: {_list(names)}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
