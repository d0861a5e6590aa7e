"""The operator's image for the test bed, in layers that change at different speeds.

Base, dependencies, code: the lower two are cached, so that a change of code packs and imports
one small layer. A tag made of the image's own digest lets Deployments roll when it changes.
"""

import hashlib
import platform
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from testbed import oci, shell, versions
from testbed.cluster import Cluster
from testbed.errors import SetupError
from testbed.locks import exclusive
from testbed.oci import Image, Layer
from testbed.paths import Cache
from testbed.rootfs import Base, ensure_base
from testbed.steps import step

_DEPENDENCIES_DIR = "/opt/krobench/dependencies"
_CODE_DIR = "/opt/krobench/code"
_ENTRYPOINT = ("python3", "-m", "krobench")
_ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONPATH": f"{_CODE_DIR}:{_DEPENDENCIES_DIR}",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    # The working directory is the root: nothing there is to be imported.
    "PYTHONSAFEPATH": "1",
}
_USER = "65532:65532"
_OLDEST_GLIBC_MINOR = 5
_TAG_CHARACTERS = 12


@dataclass(frozen=True)
class ImageRequest:
    """What to build an image of."""

    wheel: Path
    requirements: Path
    name: str

    def check(self) -> None:
        """Raise SetupError where the inputs are not there."""
        for file in (self.wheel, self.requirements):
            if not file.is_file():
                raise SetupError(f"{file} not found")

    def tagged(self, digest: str) -> str:
        """The name with a tag that changes with the content."""
        return f"{self.name}-{digest.removeprefix('sha256:')[:_TAG_CHARACTERS]}"


def build_and_import(cache: Cache, cluster: Cluster, request: ImageRequest) -> str:
    """Build the image, import it, and return the reference that names its content."""
    request.check()
    cluster.check_running()
    _dependencies_layer(cache, ensure_base(cache), request.requirements)
    with (
        tempfile.TemporaryDirectory(prefix=".image-", dir=cache.images) as draft,
        step("pack and import the image", cold_seconds=15),
    ):
        image = build(cache, request, Path(draft))
        reference = request.tagged(image.digest())
        archive = Path(draft) / "image.tar"
        oci.write_archive(image, (request.name, reference), archive, cluster.stored_digests())
        cluster.import_image(archive)
    return reference


def build(cache: Cache, request: ImageRequest, draft: Path) -> Image:
    """Build the image; its code layer is in the draft, the others are in the cache."""
    base = ensure_base(cache)
    dependencies = _dependencies_layer(cache, base, request.requirements)
    code = _code_layer(base, request.wheel, draft)
    return Image(_ENTRYPOINT, (base.layer, dependencies, code), _ENV, _USER, labels=labels(request))


def labels(request: ImageRequest) -> dict[str, str]:
    """What registries and scanners show; the Dockerfile sets the same."""
    name, version = request.wheel.name.split("-")[:2]
    return {
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
    }


def pip_platforms(machine: str, glibc_minor: int) -> list[str]:
    """Wheel platforms that run on a glibc, given as pip's arguments, the newest first."""
    minors = range(glibc_minor, _OLDEST_GLIBC_MINOR - 1, -1)
    names = [f"manylinux_2_{minor}_{machine}" for minor in minors]
    return [f"--platform={name}" for name in [*names, f"manylinux2014_{machine}"]]


def _dependencies_layer(cache: Cache, base: Base, requirements: Path) -> Layer:
    inputs = base.key.encode() + requirements.read_bytes()
    target = cache.images / f"dependencies-{hashlib.sha256(inputs).hexdigest()[:12]}.tar"
    if not target.exists():
        with exclusive(cache.locks / target.name):
            if not target.exists():
                with step("the image's Python dependencies", cold_seconds=60):
                    _pack_dependencies(base, requirements, target)
    return Layer.of(target)


def _pack_dependencies(base: Base, requirements: Path, target: Path) -> None:
    with base.workspace() as workspace:
        _pip_install(requirements, workspace)
        # Scripts start with the path of the Python that installed them.
        shutil.rmtree(workspace / "bin", ignore_errors=True)
        base.compile_bytecode(workspace, _DEPENDENCIES_DIR)
        draft = target.with_suffix(".draft")
        oci.layer_of_directory(workspace, _DEPENDENCIES_DIR[1:], draft, oci.reproducible)
        draft.rename(target)


def _pip_install(requirements: Path, target: Path) -> None:
    pip = [sys.executable, "-m", "pip"]
    if not shell.succeeds([*pip, "--version"], timeout_seconds=60):
        raise SetupError(f"{sys.executable} has no pip, which the image's dependencies need")
    install = (*pip, "install", "--quiet", "--no-compile", f"--target={target}")
    wheels = ("--only-binary=:all:", "--implementation=cp", "--require-hashes")
    python = f"--python-version={versions.DEBIAN_PYTHON}"
    platforms = pip_platforms(platform.machine(), versions.DEBIAN_GLIBC_MINOR)
    shell.run([*install, *wheels, python, *platforms, f"--requirement={requirements}"])


def _code_layer(base: Base, wheel: Path, draft: Path) -> Layer:
    with base.workspace() as workspace:
        with zipfile.ZipFile(wheel) as content:
            content.extractall(workspace)
        base.compile_bytecode(workspace, _CODE_DIR)
        archive = draft / "code.tar"
        return oci.layer_of_directory(workspace, _CODE_DIR[1:], archive, oci.reproducible)
