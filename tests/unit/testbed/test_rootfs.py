"""The base of the image: where it comes from, and what of this machine stays out of it."""

import functools
import os
import tarfile
from pathlib import Path

import pytest

from testbed import oci
from testbed.image import pip_platforms
from testbed.rootfs import mirror_of, newest_change, trimmed

STANZAS = """Types: deb
URIs: http://first.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://second.example/debian
Suites: bookworm bookworm-updates
Components: main
"""


@pytest.mark.parametrize(
    ("sources", "mirror"),
    [
        ([STANZAS], "http://second.example/debian"),
        (
            ["deb [arch=amd64] http://third.example/debian bookworm main\n"],
            "http://third.example/debian",
        ),
        (["# deb http://third.example/debian bookworm main\n"], None),
        ([], None),
    ],
)
def test_mirror_of_a_suite(sources: list[str], mirror: str | None) -> None:
    assert mirror_of(sources, "bookworm") == mirror


def test_wheels_may_be_as_new_as_the_bases_glibc() -> None:
    platforms = pip_platforms("x86_64", 36)
    assert platforms[0] == "--platform=manylinux_2_36_x86_64"
    assert "--platform=manylinux_2_37_x86_64" not in platforms
    assert "--platform=manylinux_2_17_x86_64" in platforms


PACKAGED_SECONDS = 1_700_000_000


def root_file_system(root: Path, made_seconds: int) -> Path:
    """Return one that was made at a time of packages that are older."""
    files = {
        "usr/share/doc/bash/changelog.gz": PACKAGED_SECONDS,
        "usr/lib/python3/os.py": PACKAGED_SECONDS - 5,
        "usr/lib/python3/__pycache__/os.pyc": made_seconds,
        "etc/hostname": made_seconds,
        "var/log/bootstrap.log": made_seconds,
    }
    for name, seconds in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(seconds) if name in ("etc/hostname", "var/log/bootstrap.log") else name)
        os.utime(file, (seconds, seconds))
    return root


def packed(root: Path) -> oci.Layer:
    clamped = functools.partial(trimmed, newest_seconds=newest_change(root))
    return oci.layer_of_directory(root, "", root.with_suffix(".tar"), clamped)


def test_the_same_packages_make_the_same_base_at_any_time(tmp_path: Path) -> None:
    first = packed(root_file_system(tmp_path / "first", PACKAGED_SECONDS + 1_000))
    second = packed(root_file_system(tmp_path / "second", PACKAGED_SECONDS + 2_000))
    assert first.digest == second.digest
    with tarfile.open(first.archive) as tar:
        times = {info.name.removeprefix("./"): info.mtime for info in tar if info.isfile()}
    assert "etc/hostname" not in times
    assert "var/log/bootstrap.log" not in times
    assert times["usr/lib/python3/os.py"] == PACKAGED_SECONDS - 5, "byte code depends on it"
    assert times["usr/lib/python3/__pycache__/os.pyc"] == PACKAGED_SECONDS
