"""The notebook runs on what `krobench export` writes of a stored scale test."""

import csv
import json
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from unit.cli.test_export import stored

from krobench.cli.export import ExportFormat, export

NOTEBOOK = Path(__file__).parents[3] / "docs" / "notebooks" / "explore-a-run.ipynb"
SECONDS = 120


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    export(stored("scale-2026-11.json"), ExportFormat.CSV, tmp_path)
    return tmp_path


@pytest.fixture
def slower(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a run whose kro took twice the CPU time."""
    directory = tmp_path_factory.mktemp("slower")
    with (exported / "iterations.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (directory / "iterations.csv").open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for row in rows:
            of_cpu = row["figure"] == "kro.cpu.seconds" and row["value"]
            writer.writerow(row | {"value": 2 * float(row["value"])} if of_cpu else row)
    return directory


def executed(directory: Path, other: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setenv("KROBENCH_RUN", str(directory))
    monkeypatch.setenv("KROBENCH_OTHER", str(other))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=SECONDS).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_notebook_runs(exported: Path, slower: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = executed(exported, slower, monkeypatch)
    shown = [{kind for output in cell.outputs for kind in output.get("data", {})} for cell in cells]
    drawn = ["image/png" in kinds for kinds in shown]
    assert drawn == [False, True, True, False, True, True, False]
    assert "application/vnd.plotly.v1+json" in shown[3]
    compared = [line.split() for line in cells[-1].outputs[-1].data["text/plain"].splitlines()]
    assert ["0.5", "1.0"] in [line[1:] for line in compared]


def test_it_is_stored_without_outputs() -> None:
    cells = [
        cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"
    ]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)
