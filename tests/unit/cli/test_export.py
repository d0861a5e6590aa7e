"""A run as files for other tools, from a record that a real run has stored."""

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from promtool import promtool

from krobench.cli.errors import CliError
from krobench.cli.export import ExportFormat, export, openmetrics, tables_of
from krobench.cli.saved import SavedRun
from krobench.figures.rawdata import Sample
from krobench.record.store import read_run_record

DATA = Path(__file__).parents[1] / "record" / "data"


def stored(file: str = "run-v1-2026-11.json") -> SavedRun:
    content = json.loads((DATA / file).read_text())
    config_map = content if "data" in content else {"data": content}
    config_map["metadata"] = {"name": "stored"}
    return SavedRun(read_run_record(config_map), DATA, [config_map])


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_every_figure_object_and_sample(tmp_path: Path) -> None:
    files = export(stored(), ExportFormat.CSV, tmp_path / "new")
    assert [path.name for path in files] == ["iterations.csv", "objects.csv", "series.csv"]
    iterations, objects, series = map(read_csv, files)
    run = stored()
    stored_objects, samples = run.lines()
    assert (len(objects), len(series)) == (len(stored_objects), len(samples))
    figures = [i.figures.root for test in run.record.tests for i in test.iterations]
    assert len(iterations) == sum(map(len, figures))
    assert {row["test"] for row in iterations} == {test.name for test in run.record.tests}
    ready = [row for row in objects if row["ready_seconds"]]
    assert ready
    assert all(float(row["ready_seconds"]) >= float(row["start_seconds"]) for row in ready)


def test_parquet_has_the_same_with_types(tmp_path: Path) -> None:
    files = export(stored(), ExportFormat.PARQUET, tmp_path)
    for path, table in zip(files, tables_of(stored().record, *stored().lines()), strict=True):
        read = pyarrow.parquet.read_table(path)
        assert read.column_names == list(table.columns)
        assert read.num_rows == len(table.rows)
    types = {each.name: str(each.type) for each in pyarrow.parquet.read_schema(files[1])}
    assert types["ready_seconds"] == "double"
    assert (types["iteration"], types["warmup"], types["operation"]) == ("int64", "bool", "string")


def test_without_pyarrow_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CliError, match=r"krobench\[export\]"):
        export(stored(), ExportFormat.PARQUET, tmp_path)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CliError, match="cannot write to"):
        export(stored(), ExportFormat.CSV, tmp_path / "file")


def parsed(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))


def test_figures_of_a_scale_test_have_their_size() -> None:
    run = stored("scale-2026-11.json").record
    [iterations, _, _] = tables_of(run, [], [])
    sizes = {row[list(iterations.columns).index("size")] for row in iterations.rows}
    assert run.scale is not None
    assert sizes == {each.size for each in run.scale.sizes}


def exposed(samples: Sequence[Sample]) -> str:
    return "".join(openmetrics(stored().record, samples))


def test_prometheus_can_import_the_samples(tmp_path: Path) -> None:
    [path] = export(stored(), ExportFormat.OPENMETRICS, tmp_path)
    families = parsed(path.read_text())
    _, samples = stored().lines()
    assert sum(len(family.samples) for family in families) <= len(samples)
    assert {s.labels["krobench_run"] for f in families for s in f.samples} == {"old-record"}
    blocks = tmp_path / "blocks"
    assert promtool("tsdb", "create-blocks-from", "openmetrics", path, blocks) == ""
    assert list(blocks.iterdir())


def test_samples_keep_their_labels_and_odd_values() -> None:
    counts = [
        Sample(seconds=1.0, source="kro", metric='x{of="a"}', value=float("inf")),
        Sample(seconds=1.0, source="etcd", metric="x", value=float("nan")),
        Sample(seconds=0.0, source="kro", metric='x{of="a"}', value=2.0),
        Sample(seconds=1.0, source="kro", metric='x{of="a"}', value=3.0),
    ]
    [family] = parsed(exposed(counts))
    assert [(s.labels["source"], s.labels.get("of")) for s in family.samples] == [
        ("etcd", None),
        ("kro", "a"),
        ("kro", "a"),
    ]
