"""OCI images, written without a container engine.

Layers are plain tar files: containerd imports them faster than compressed ones. The same
content gives the same digest at any time and place.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

_MEDIA_TYPE = "application/vnd.oci.image"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_EPOCH = "1970-01-01T00:00:00Z"

TarFilter = Callable[[tarfile.TarInfo], tarfile.TarInfo | None]


@dataclass(frozen=True)
class Layer:
    """One layer: a tar file and its digest."""

    archive: Path
    digest: str
    size_bytes: int

    @classmethod
    def of(cls, archive: Path) -> "Layer":
        """The layer that a finished tar file is."""
        with archive.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        return cls(archive, f"sha256:{digest}", archive.stat().st_size)


@dataclass(frozen=True)
class Image:
    """What an image runs, and the layers it consists of, the lowest first."""

    entrypoint: Sequence[str]
    layers: Sequence[Layer]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_dir: str = "/"
    labels: Mapping[str, str] = field(default_factory=dict)

    def config(self) -> bytes:
        """The image's configuration."""
        return _json(
            {
                "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "created": _EPOCH,
                "config": {
                    "Entrypoint": list(self.entrypoint),
                    "Env": [f"{name}={value}" for name, value in self.env.items()],
                    "User": self.user,
                    "WorkingDir": self.working_dir,
                    "Labels": dict(self.labels),
                },
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
            }
        )

    def manifest(self) -> bytes:
        """The image's manifest, whose digest identifies the image."""
        config = self.config()
        return _json(
            {
                "schemaVersion": 2,
                "mediaType": f"{_MEDIA_TYPE}.manifest.v1+json",
                "config": _descriptor("config.v1+json", digest_of(config), len(config)),
                "layers": [
                    _descriptor("layer.v1.tar", layer.digest, layer.size_bytes)
                    for layer in self.layers
                ],
            }
        )

    def digest(self) -> str:
        """The image's identity."""
        return digest_of(self.manifest())


def reproducible(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """A tar filter: owners and times say nothing about content."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
    return info


def layer_of_directory(source: Path, prefix: str, archive: Path, tar_filter: TarFilter) -> Layer:
    """Pack a directory's content, in sorted order, below a prefix within the image."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(source, arcname=prefix or ".", filter=tar_filter)
    return Layer.of(archive)


def layer_of_file(source: Path, path_in_image: str, archive: Path) -> Layer:
    """Pack a single file."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(source, arcname=path_in_image.lstrip("/"), filter=reproducible)
    return Layer.of(archive)


def write_archive(
    image: Image, references: Sequence[str], archive: Path, stored: frozenset[str] = frozenset()
) -> None:
    """Write an OCI archive, leaving out the layers that its reader has ``stored`` already."""
    config, manifest = image.config(), image.manifest()
    index = {
        "schemaVersion": 2,
        "manifests": [_named_manifest(manifest, reference) for reference in references],
    }
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        _add_bytes(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add_bytes(tar, "index.json", _json(index))
        for blob in (config, manifest):
            _add_bytes(tar, _blob_path(digest_of(blob)), blob)
        for layer in image.layers:
            if layer.digest not in stored:
                with layer.archive.open("rb") as content:
                    _add(tar, _blob_path(layer.digest), content, layer.size_bytes)


def digest_of(content: bytes) -> str:
    """The digest by which registries know some content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _named_manifest(manifest: bytes, reference: str) -> dict[str, Any]:
    return {
        **_descriptor("manifest.v1+json", digest_of(manifest), len(manifest)),
        "annotations": {"io.containerd.image.name": reference},
    }


def _descriptor(kind: str, digest: str, size_bytes: int) -> dict[str, Any]:
    return {"mediaType": f"{_MEDIA_TYPE}.{kind}", "digest": digest, "size": size_bytes}


def _blob_path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    _add(tar, name, io.BytesIO(content), len(content))


def _add(tar: tarfile.TarFile, name: str, content: BinaryIO, size_bytes: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = size_bytes
    tar.addfile(info, content)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
