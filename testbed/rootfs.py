"""The Debian base of the operator's image, and work done inside it.

Without a container engine no base image can be pulled; debootstrap makes one from Debian's
packages. Its root file system stays in the cache beside the layer, because byte code has to
be compiled by the very Python that will read it.
"""

import functools
import hashlib
import platform
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import oci, packages, shell, versions
from testbed.locks import exclusive
from testbed.oci import Layer
from testbed.paths import Cache
from testbed.steps import step

_PACKAGES = ("python3", "ca-certificates")
_COLD_SECONDS = 60
_COMPILE_SECONDS = 600
_LEFT_OUT = (
    "dev",
    "proc",
    "sys",
    "tmp",
    "run",
    "var/cache",
    "var/log",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
)
"""Directories whose content stays out of the layer."""
_OF_THIS_MACHINE = ("etc/hostname", "etc/resolv.conf", "etc/machine-id")
"""Files that debootstrap copies from here; a container gets its own."""
_FIXED_SECONDS = "1767225600"
"""For what tools write a date into, such as the age of passwords: 2026-01-01."""

_APT_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
_URI_IN_LIST = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s", re.MULTILINE)
_FIELD_IN_STANZA = re.compile(r"^(\w[\w-]*):\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Base:
    """The base: its layer, and the root file system the layer was packed from."""

    key: str
    root: Path
    layer: Layer

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A temporary directory inside of the root file system."""
        workspace = Path(tempfile.mkdtemp(prefix="layer-", dir=self.root / "tmp"))
        try:
            yield workspace
        finally:
            shutil.rmtree(workspace)

    def compile_bytecode(self, directory: Path, installed_at: str) -> None:
        """Compile the Python files below a workspace for the place they will have.

        The compiled files don't depend on times, and are trusted without a look at their
        source: the image is read-only. A file that is not valid Python, as in some test
        suites, is left as it is, which is why the exit code says nothing.
        """
        inside = f"/{directory.relative_to(self.root)}"
        compileall = ("chroot", self.root, "python3", "-m", "compileall", "-qq")
        options = ("--invalidation-mode=unchecked-hash", "-s", inside, "-p", installed_at)
        shell.succeeds([*compileall, *options, inside], timeout_seconds=_COMPILE_SECONDS)


def ensure_base(cache: Cache) -> Base:
    """Make the base unless the cache holds it."""
    parts = (*_PACKAGES, *_LEFT_OUT, *_OF_THIS_MACHINE, _FIXED_SECONDS)
    identity = [versions.DEBIAN_SUITE, platform.machine(), *parts]
    key = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:12]
    target = cache.images / f"base-{versions.DEBIAN_SUITE}-{key}"
    if not target.is_dir():
        packages.install(packages.IMAGE_PACKAGES)
        with exclusive(cache.locks / target.name):
            if not target.is_dir():
                _make_base(target)
    return Base(key, target / "rootfs", Layer.of(target / "layer.tar"))


def mirror_of(sources: Sequence[str], suite: str) -> str | None:
    """The mirror that this machine's apt uses for a suite, from the text of its sources."""
    for text in sources:
        for stanza in text.split("\n\n"):
            fields: dict[str, str] = dict(_FIELD_IN_STANZA.findall(stanza))
            if suite in fields.get("Suites", "").split():
                return fields["URIs"].split()[0]
        for uri, listed_suite in _URI_IN_LIST.findall(text):
            if listed_suite == suite:
                return str(uri)
    return None


def _make_base(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    mirror = mirror_of(_apt_sources(), versions.DEBIAN_SUITE)
    with step(f"Debian {versions.DEBIAN_SUITE} base of the image", _COLD_SECONDS):
        try:
            draft.chmod(0o755)
            root = draft / "rootfs"
            command = ["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
            shell.run(
                [*command, versions.DEBIAN_SUITE, root, *([mirror] if mirror else [])],
                env={"SOURCE_DATE_EPOCH": _FIXED_SECONDS, "PYTHONHASHSEED": "0"},
            )
            packed = functools.partial(trimmed, newest_seconds=newest_change(root))
            oci.layer_of_directory(root, "", draft / "layer.tar", packed)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def newest_change(root: Path) -> int:
    """When the newest of the packages in a root file system was made, in seconds.

    No file of a package is newer than its changelog; what is newer was made here.
    """
    changelogs = (root / "usr/share/doc").glob("*/changelog*")
    return max(int(changelog.lstat().st_mtime) for changelog in changelogs)


def trimmed(info: tarfile.TarInfo, newest_seconds: int) -> tarfile.TarInfo | None:
    """Keep owners, and the times of packages' files: Debian's compiled Python files depend on them.

    What was made here gets the time of the newest package: the same packages make the same layer.
    """
    path = info.name.removeprefix("./")
    if path in _OF_THIS_MACHINE or any(path.startswith(f"{each}/") for each in _LEFT_OUT):
        return None
    info.mtime = min(int(info.mtime), newest_seconds)
    return info


def _apt_sources() -> list[str]:
    files = [_APT_SOURCES[0], *sorted(_APT_SOURCES[1].glob("*"))]
    return [
        file.read_text()
        for file in files
        if file.suffix in (".list", ".sources") and file.is_file()
    ]
