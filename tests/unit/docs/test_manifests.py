"""What the documents and the examples show is taken by the operator, and can be run."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.docs.documents import ROOT, blocks
from unit.docs.fragments import Manifest, Shown, own_rgds, shown, shown_manifests

from krobench.api.kinds import RunKind
from krobench.cli.generate import generate
from krobench.controller.runs import parse_run

_OURS = set(RunKind)
_EXAMPLES = sorted((ROOT / "manifests/examples").glob("*.yaml"))
_NOTES = ROOT / "helm/krobench/templates/NOTES.txt"
# These say what is installed, and are compared with the chart by tests of the chart.
_INSTALLED = ROOT / "manifests"
_OPTIONAL = {"kro-aggregation.yaml", "variants.yaml"}


def is_taken_and_can_be_planned(manifest: Manifest, directory: Path) -> None:
    given_by_the_server = {"uid": "00000000", "creationTimestamp": "2026-11-01T00:00:00Z"}
    seen = manifest | {"metadata": manifest["metadata"] | given_by_the_server}
    run = parse_run(RunKind(manifest["kind"]), seen)
    assert [error.message for error in run.errors] == []
    file = directory / "manifest.yaml"
    file.write_text(yaml.safe_dump_all([manifest, own_rgds()]))
    assert "kind: ResourceGraphDefinition" in generate(file, None)


@pytest.mark.parametrize("part", shown_manifests(), ids=str)
def test_what_a_document_shows_is_taken_by_the_operator(part: Shown, tmp_path: Path) -> None:
    is_taken_and_can_be_planned(part.manifest, tmp_path)


def test_blocks_of_all_kinds_are_found() -> None:
    found = shown()
    assert sum(part.is_manifest for part in found) >= 1
    assert sum(part.is_of_chart for part in found) >= 1
    assert sum(part.is_of_kros_chart for part in found) >= 1
    assert {part.manifest["kind"] for part in shown_manifests()} == _OURS


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    # What has no language is a drawing, or what a command prints.
    assert {block.language for block in blocks()} == {"", "console", "python", "yaml"}
    for block in blocks(""):
        assert yaml_of(block.text) is None, f"{block}: mark this block as yaml"


def yaml_of(text: str) -> Any:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return content if isinstance(content, dict | list) else None


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_taken_by_the_operator(path: Path, tmp_path: Path) -> None:
    [example] = yaml.safe_load_all(path.read_text())
    assert example["metadata"] == {"name": path.stem, "namespace": "default"}
    is_taken_and_can_be_planned(example, tmp_path)


def test_first_command_of_the_notes_is_taken_by_the_operator(tmp_path: Path) -> None:
    [_, heredoc] = _NOTES.read_text().split("<<EOF\n")
    [text, _] = heredoc.split("EOF\n")
    manifest = yaml.safe_load(text)
    manifest["metadata"].setdefault("namespace", "default")
    is_taken_and_can_be_planned(manifest, tmp_path)


def test_every_manifest_is_an_example_or_is_installed() -> None:
    listed = yaml.safe_load((_INSTALLED / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in (_INSTALLED / "optional").iterdir()} == _OPTIONAL
    beside = {path.name for path in _INSTALLED.glob("*.yaml")} - {"kustomization.yaml"}
    assert beside == {entry for entry in listed if not entry.startswith("../")}
    assert set(_EXAMPLES) == set((_INSTALLED / "examples").iterdir())
