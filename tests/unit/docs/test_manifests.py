"""The manifests in the documents and the examples are valid."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.docs.documents import ROOT, blocks
from unit.docs.fragments import Manifest, Shown, own_rgds, shown, shown_manifests

from krobench.api.kinds import KINDS, RunKind, ScheduleKind
from krobench.cli.generate import as_run, generate
from krobench.controller.limits import Limits
from krobench.controller.runs import parse_run
from krobench.controller.schedules.cache import parse_spec
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS

_OURS = set(KINDS)
_EXAMPLES = sorted((ROOT / "manifests/examples").glob("*.yaml"))
_NOTES = ROOT / "helm/krobench/templates/NOTES.txt"
# Tests of the chart compare these with the chart.
_INSTALLED = ROOT / "manifests"
_OPTIONAL = {"kro-aggregation.yaml", "variants.yaml"}


def assert_valid(manifest: Manifest, directory: Path) -> None:
    set_by_the_server = {"uid": "00000000", "creationTimestamp": "2026-11-01T00:00:00Z"}
    run = as_run(manifest)
    assert run is not None
    seen = run | {"metadata": run["metadata"] | set_by_the_server}
    assert [error.message for error in parse_run(RunKind(run["kind"]), seen).errors] == []
    if manifest["kind"] == ScheduleKind.SCHEDULE:
        assert parse_spec(manifest["spec"], DEFAULT_MAX_OBJECTS, Limits())[1] is None
    file = directory / "manifest.yaml"
    file.write_text(yaml.safe_dump_all([manifest, own_rgds()]))
    assert "kind: ResourceGraphDefinition" in generate(file, None)


@pytest.mark.parametrize("part", shown_manifests(), ids=str)
def test_a_documented_manifest_is_valid(part: Shown, tmp_path: Path) -> None:
    assert_valid(part.manifest, tmp_path)


def test_manifests_of_all_kinds_are_found() -> None:
    found = shown()
    assert sum(part.is_manifest for part in found) >= 1
    assert sum(part.is_of_chart for part in found) >= 1
    assert sum(part.is_of_kros_chart for part in found) >= 1
    assert {part.manifest["kind"] for part in shown_manifests()} == _OURS


def test_every_block_is_in_a_language_that_is_checked() -> None:
    # Blocks without a language are drawings and output.
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
def test_an_example_is_valid(path: Path, tmp_path: Path) -> None:
    [example] = yaml.safe_load_all(path.read_text())
    assert example["metadata"] == {"name": path.stem, "namespace": "default"}
    assert_valid(example, tmp_path)


def test_the_manifest_in_the_chart_notes_is_valid(tmp_path: Path) -> None:
    [_, heredoc] = _NOTES.read_text().split("<<EOF\n")
    [text, _] = heredoc.split("EOF\n")
    manifest = yaml.safe_load(text)
    manifest["metadata"].setdefault("namespace", "default")
    assert_valid(manifest, tmp_path)


def test_every_manifest_is_an_example_or_installed() -> None:
    listed = yaml.safe_load((_INSTALLED / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in (_INSTALLED / "optional").iterdir()} == _OPTIONAL
    beside = {path.name for path in _INSTALLED.glob("*.yaml")} - {"kustomization.yaml"}
    assert beside == {entry for entry in listed if not entry.startswith("../")}
    assert set(_EXAMPLES) == set((_INSTALLED / "examples").iterdir())
