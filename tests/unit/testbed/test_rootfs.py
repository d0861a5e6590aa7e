"""The base image comes from the mirror that the machine's own apt uses."""

import pytest

from testbed.image import pip_platforms
from testbed.rootfs import mirror_of

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
