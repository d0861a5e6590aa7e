"""Debian's Prometheus and promtool, unpacked in the cache.

An installed package would start a service.
"""

import shutil
import tempfile
from pathlib import Path

from testbed import packages, shell
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
    cache.programs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.programs) as scratch:
        package = packages.download(_PACKAGE, Path(scratch))
        unpacked = Path(scratch) / "unpacked"
        shell.run(["dpkg-deb", "--extract", package, unpacked])
        shutil.rmtree(cache.programs / "prometheus", ignore_errors=True)
        unpacked.rename(cache.programs / "prometheus")
    return installed
