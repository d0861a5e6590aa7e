"""The same content makes the same image, wherever and whenever it is built."""

import json
import os
import tarfile
from pathlib import Path

import pytest

from testbed import oci
from testbed.oci import Image, Layer


def tree(root: Path, seconds: int) -> Path:
    (root / "package").mkdir(parents=True)
    for name in ("b.py", "a.py"):
        file = root / "package" / name
        file.write_text(f"# {name}\n")
        os.utime(file, (seconds, seconds))
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o700 if seconds % 2 else 0o755)
    return root


def layer(tmp_path: Path, name: str, seconds: int) -> Layer:
    source = tree(tmp_path / name, seconds)
    return oci.layer_of_directory(source, "opt/x", tmp_path / f"{name}.tar", oci.reproducible)


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


def test_digests_depend_on_content_alone(tmp_path: Path) -> None:
    first, second = layer(tmp_path, "one", 1_000_001), layer(tmp_path, "two", 2_000_000)
    assert first.digest == second.digest
    assert Image(("x",), (first,)).digest() == Image(("x",), (second,)).digest()


def test_digests_change_with_content_and_configuration(tmp_path: Path) -> None:
    only = layer(tmp_path, "one", 1)
    images = [
        Image(("x",), (only,)),
        Image(("y",), (only,)),
        Image(("x",), (only,), env={"A": "b"}),
        Image(("x",), (only,), user="1:1"),
    ]
    assert len({image.digest() for image in images}) == len(images)


def test_a_layer_is_sorted_and_below_its_prefix(tmp_path: Path) -> None:
    assert names(layer(tmp_path, "one", 1).archive) == [
        "opt/x",
        "opt/x/package",
        "opt/x/package/a.py",
        "opt/x/package/b.py",
        "opt/x/run",
    ]


@pytest.mark.parametrize("is_stored", [False, True])
def test_archives_leave_out_stored_layers(tmp_path: Path, is_stored: bool) -> None:
    only = layer(tmp_path, "one", 1)
    image = Image(("x",), (only,))
    archive = tmp_path / "image.tar"
    stored = frozenset({only.digest}) if is_stored else frozenset[str]()
    oci.write_archive(image, ("r/x:1", "r/x:2"), archive, stored)
    assert ("blobs/" + only.digest.replace(":", "/") in names(archive)) is not is_stored
    with tarfile.open(archive) as tar:
        index = json.loads(tar.extractfile("index.json").read())  # type: ignore[union-attr]
    references = [each["annotations"]["io.containerd.image.name"] for each in index["manifests"]]
    assert references == ["r/x:1", "r/x:2"]
    assert {each["digest"] for each in index["manifests"]} == {image.digest()}
