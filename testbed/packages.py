"""The Debian packages that are neither Go programs nor worth building."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from testbed import shell
from testbed.errors import SetupError
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


def install(packages: Mapping[str, Path]) -> None:
    """Install those packages whose files are not there."""
    missing = [name for name, file in packages.items() if not file.exists()]
    if not missing:
        return
    if not shell.is_installed("apt-get"):
        raise SetupError(f"these programs are missing, and there is no apt-get: {_list(missing)}")
    noninteractive = {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Debian packages {_list(missing)}", cold_seconds=30):
        shell.run(["apt-get", "update", "-q"], env=noninteractive)
        shell.run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing],
            env=noninteractive,
        )


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
