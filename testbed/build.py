"""Builds the programs from their Go modules, once for each version, into the cache."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed import kubernetes as kubernetes_source
from testbed import oci, packages, shell, versions
from testbed.krosource import KroSource
from testbed.locks import exclusive
from testbed.paths import SOURCE_DIR, Cache
from testbed.settings import KRO_REPOSITORY, PAUSE_IMAGE
from testbed.steps import step

_GO_ENV = {"GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}
_VERSION_PACKAGE = "k8s.io/component-base/version"
_KUBERNETES_NAMES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
)
_CONTAINERD_TOOLS = ("containerd", "containerd-shim-runc-v2", "ctr")
_CONTAINERD_TAGS = "no_btrfs no_devmapper no_zfs"
_KRO_COLD_SECONDS = 120
_KUBERNETES_COLD_SECONDS = 400
_IMAGE_LAYOUT = "one layer, uncompressed"

IMAGE_ARCHIVE = "image.tar"
"""The image beside a program that has one."""


@dataclass(frozen=True)
class Program:
    """Something to build. ``recipe`` puts files into the directory that it is given."""

    name: str
    version: str
    cold_seconds: float
    recipe: Callable[[Path], None]
    inputs: str
    """What else than the version decides about the outcome; part of the cache's key."""

    def directory(self, cache: Cache) -> Path:
        """Where the files are once built."""
        digest = hashlib.sha256(self.inputs.encode()).hexdigest()[:12]
        return cache.programs / f"{self.name}-{self.version}-{digest}"

    def is_built(self, cache: Cache) -> bool:
        """Whether the cache holds it."""
        return self.directory(cache).is_dir()

    def ensure(self, cache: Cache) -> Path:
        """Build it unless the cache holds it, and return its directory."""
        target = self.directory(cache)
        if target.is_dir():
            return target
        packages.install(packages.BUILD_PACKAGES)
        with exclusive(cache.locks / target.name):
            if not target.is_dir():
                with step(f"build {self.name} {self.version}", self.cold_seconds):
                    _build_atomically(self.recipe, target)
        return target


def _build_atomically(recipe: Callable[[Path], None], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    try:
        draft.chmod(0o755)
        recipe(draft)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _go(arguments: Sequence[str | Path], *, cwd: Path, **env: str) -> str:
    return shell.run(["go", *arguments], cwd=cwd, env={**_GO_ENV, **env})


def _go_source(name: str) -> Path:
    return SOURCE_DIR / "go" / name


def _source_inputs(name: str, *flags: str) -> str:
    files = sorted(path for path in _go_source(name).iterdir() if path.is_file())
    return "\n".join([*flags, *(path.read_text() for path in files)])


def _build_etcd(target: Path) -> None:
    _go(["build", "-ldflags", "-s -w", "-o", target / "etcd", "."], cwd=_go_source("etcd"))


def _build_containerd(target: Path) -> None:
    tools = [f"github.com/containerd/containerd/v2/cmd/{name}" for name in _CONTAINERD_TOOLS]
    flags = ["-tags", _CONTAINERD_TAGS, "-ldflags", "-s -w", "-o", f"{target}/"]
    _go(["build", *flags, *tools], cwd=_go_source("containerd"))


def _build_helm(target: Path) -> None:
    package = f"{versions.HELM_MODULE}/cmd/helm@v{versions.HELM}"
    _go(["install", package], cwd=target, GOBIN=str(target))


def _build_pause(target: Path) -> None:
    flags = ("-ldflags", "-s -w", "-o", target / "pause")
    _go(["build", *flags, "."], cwd=_go_source("pause"), CGO_ENABLED="0")
    _pack(target / "pause", "/pause", (PAUSE_IMAGE,))


def _build_s3(target: Path) -> None:
    flags = ("-ldflags", "-s -w", "-o", target / "s3")
    _go(["build", *flags, "."], cwd=_go_source("s3"), CGO_ENABLED="0")


def _pack(binary: Path, path_in_image: str, references: Sequence[str]) -> None:
    """Make an image of one static program, beside it."""
    layer = oci.layer_of_file(binary, path_in_image, binary.with_name("layer.tar"))
    image = oci.Image(entrypoint=(path_in_image,), layers=(layer,))
    oci.write_archive(image, references, binary.with_name(IMAGE_ARCHIVE))
    layer.archive.unlink()


def kubernetes(version: str) -> Program:
    """All components of a version of Kubernetes."""
    major, minor, _ = version.split(".")
    set_by_linker = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    words = [f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in set_by_linker.items()]
    flags = " ".join(["-s -w", *words])

    def recipe(target: Path) -> None:
        binary = target / "kubernetes"
        with kubernetes_source.source(version) as directory:
            _go(["build", "-ldflags", flags, "-o", binary, "."], cwd=directory)
        for name in _KUBERNETES_NAMES:
            (target / name).symlink_to(binary.name)

    inputs = _source_inputs("control-plane", flags, *_KUBERNETES_NAMES)
    return Program("kubernetes", version, _KUBERNETES_COLD_SECONDS, recipe, inputs)


KUBERNETES = kubernetes(versions.KUBERNETES)
"""The version by default; its kubectl serves clusters of other versions, too."""
ETCD = Program(
    name="etcd",
    version=versions.ETCD,
    cold_seconds=50,
    recipe=_build_etcd,
    inputs=_source_inputs("etcd"),
)
CONTAINERD = Program(
    name="containerd",
    version=versions.CONTAINERD,
    cold_seconds=95,
    recipe=_build_containerd,
    inputs=_source_inputs("containerd", _CONTAINERD_TAGS),
)
HELM = Program(name="helm", version=versions.HELM, cold_seconds=120, recipe=_build_helm, inputs="")
PAUSE = Program(
    name="pause",
    version=versions.PAUSE,
    cold_seconds=2,
    recipe=_build_pause,
    inputs=_source_inputs("pause", PAUSE_IMAGE, _IMAGE_LAYOUT),
)
S3 = Program(
    name="s3",
    version=versions.RCLONE,
    cold_seconds=60,
    recipe=_build_s3,
    inputs=_source_inputs("s3"),
)
"""For tests of results in object storage; ``up`` needs it not."""


def kro(source: KroSource) -> Program:
    """The kro controller, its image and, beside it, its Helm chart."""
    version = source.version

    def recipe(target: Path) -> None:
        # The same flags and no paths: Go's build cache serves all trees of kro.
        flags = ("-trimpath", "-tags", "pprof", "-o", target / "controller")
        with source.checkout() as directory:
            _go(["build", *flags, "./cmd/controller"], cwd=directory, CGO_ENABLED="0")
            _copy_chart(directory / "helm", target / "chart", version)
        _pack(target / "controller", "/ko-app/controller", kro_images(version))

    inputs = "\n".join(("pprof", _IMAGE_LAYOUT, *kro_images(version)))
    return Program("kro", version, _KRO_COLD_SECONDS, recipe, inputs)


def _copy_chart(source: Path, chart: Path, version: str) -> None:
    """Copy the chart, and give it its release's version, as kro's own release does."""
    # The module cache is read-only, which a copy of permissions would spread.
    for file in (path for path in source.rglob("*") if path.is_file()):
        copy = chart / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    metadata = chart / "Chart.yaml"
    versioned = re.sub(
        r"^(version|appVersion):.*$", rf"\1: {version}", metadata.read_text(), flags=re.MULTILINE
    )
    metadata.write_text(versioned)


def kro_images(version: str) -> tuple[str, str]:
    """The image's references: kro's chart asks for the second one where profiling is on."""
    return f"{KRO_REPOSITORY}:{version}", f"{KRO_REPOSITORY}:{version}-debug"


def all_programs(kubernetes_version: str, source: KroSource | None) -> tuple[Program, ...]:
    """Everything that ``up`` needs."""
    cluster = (ETCD, CONTAINERD, kubernetes(kubernetes_version), PAUSE)
    return cluster if source is None else (*cluster, HELM, kro(source))
