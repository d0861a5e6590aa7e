"""Debian's Prometheus and promtool, unpacked in the cache.

An installed package would start a service.
"""

import shutil
import tempfile
from pathlib import Path

from testbed import shell
from testbed.errors import SetupError
from testbed.paths import Cache

_PACKAGE = "prometheus"
_PROGRAMS = ("prometheus", "promtool")


def programs(cache: Cache) -> Path:
    """The directory of ``prometheus`` and ``promtool``.

    Raises:
        SetupError: if this is not Debian, or its packages are out of reach.
    """
    installed = cache.programs / "prometheus" / "usr" / "bin"
    if all((installed / name).exists() for name in _PROGRAMS):
        return installed
    if not shell.is_installed("apt-get") or not shell.is_installed("dpkg-deb"):
        raise SetupError("Prometheus comes from Debian's packages, and there is no apt-get")
    cache.programs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.programs) as scratch:
        shell.run(["apt-get", "download", "-q", _PACKAGE], cwd=Path(scratch))
        [package] = Path(scratch).glob("*.deb")
        unpacked = Path(scratch) / "unpacked"
        shell.run(["dpkg-deb", "--extract", package, unpacked])
        shutil.rmtree(cache.programs / "prometheus", ignore_errors=True)
        unpacked.rename(cache.programs / "prometheus")
    return installed
