"""``krobench export``: the tables of a run, for notebooks and other tools.

CSV and OpenMetrics need nothing but Python; Parquet needs pyarrow, which the image does not have.
"""

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import get_args, get_type_hints

from krobench.api.common import parse_rfc3339
from krobench.api.notation import labelled, labels_of
from krobench.cli.errors import CliError
from krobench.cli.sources import FoundRun
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.record.run import RunRecord

OPENMETRICS_FILE = "series.om"
Cell = str | float | int | bool | None
Columns = Mapping[str, type]


class ExportFormat(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"
    OPENMETRICS = "openmetrics"


@dataclass(frozen=True)
class Table:
    """A table of a run; its file has the same name."""

    name: str
    columns: Columns
    rows: Sequence[Sequence[Cell]]


def export(run: FoundRun, form: ExportFormat, directory: Path) -> list[Path]:
    """Write the tables of a run to a directory and return their files.

    Raises:
        CliError: if its lines cannot be read, a package is missing, or a file cannot be written.
    """
    objects, samples = run.lines()
    write = _WRITERS[form]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return list(write(run.record, objects, samples, directory))
    except OSError as error:
        raise CliError(f"cannot write to {directory}: {error.strerror}") from error


def tables_of(
    run: RunRecord, objects: Iterable[ObjectRecord], samples: Iterable[Sample]
) -> list[Table]:
    """Return the tables: a row for each figure of an iteration, each operation and each sample."""
    return [
        Table("iterations", _ITERATIONS, list(_iterations(run))),
        Table(
            "objects",
            _OBJECTS,
            [[*asdict(each).values(), each.start_seconds] for each in objects],
        ),
        Table("series", _SERIES, [list(asdict(each).values()) for each in samples]),
    ]


_KINDS: tuple[type, ...] = (bool, int, float)
_ITERATIONS: Columns = {
    "run": str,
    "kro_version": str,
    "test": str,
    "size": float,
    "iteration": int,
    "warmup": bool,
    "valid": bool,
    "figure": str,
    "value": float,
}


def _columns(model: type) -> dict[str, type]:
    """Return the columns of a class of raw lines; what is neither a number nor a flag is text."""
    hints = get_type_hints(model)
    return {
        each.name: next(
            (kind for kind in _KINDS if kind in (hints[each.name], *get_args(hints[each.name]))),
            str,
        )
        for each in fields(model)
    }


_OBJECTS: Columns = {**_columns(ObjectRecord), "start_seconds": float}
_SERIES: Columns = _columns(Sample)


def _iterations(run: RunRecord) -> Iterator[Sequence[Cell]]:
    """Yield each figure of each iteration; ``size`` is that of a scale test."""
    sizes = {each.test: each.size for each in run.scale.sizes} if run.scale is not None else {}
    kro = run.environment.kro
    version = kro.version if kro is not None else None
    for test in run.tests:
        for iteration in test.iterations:
            for figure, value in iteration.figures.root.items():
                yield (
                    run.name,
                    version,
                    test.name,
                    sizes.get(test.name),
                    iteration.index,
                    iteration.warmup,
                    iteration.validity.valid,
                    figure,
                    value,
                )


def _write_csv(
    run: RunRecord, objects: list[ObjectRecord], samples: list[Sample], directory: Path
) -> Iterator[Path]:
    for table in tables_of(run, objects, samples):
        path = directory / f"{table.name}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows(table.rows)
        yield path


def _write_parquet(
    run: RunRecord, objects: list[ObjectRecord], samples: list[Sample], directory: Path
) -> Iterator[Path]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise CliError(
            "Parquet needs pyarrow: run pip install 'krobench[export]', or export as csv"
        ) from error
    types = {
        str: pa.string(),
        float: pa.float64(),
        int: pa.int64(),
        bool: pa.bool_(),
    }
    for table in tables_of(run, objects, samples):
        path = directory / f"{table.name}.parquet"
        columns = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
        arrays = [
            pa.array(values, types[kind])
            for values, kind in zip(columns, table.columns.values(), strict=True)
        ]
        parquet.write_table(pa.table(arrays, list(table.columns)), path)
        yield path


def _write_openmetrics(
    run: RunRecord, _: list[ObjectRecord], samples: list[Sample], directory: Path
) -> Iterator[Path]:
    path = directory / OPENMETRICS_FILE
    with path.open("w") as file:
        file.writelines(openmetrics(run, samples))
    yield path


def openmetrics(run: RunRecord, samples: Iterable[Sample]) -> Iterator[str]:
    """Yield the samples with their times as lines that Prometheus can import.

    Each has labels for its source and its run. The type of a metric was not stored.
    """
    start = parse_rfc3339(run.start_time).timestamp()
    own = {"krobench_namespace": run.namespace, "krobench_run": run.name}
    ordered = sorted(samples, key=lambda s: (_family(s), s.source, s.metric, s.seconds))
    for family, of_family in groupby(ordered, _family):
        yield f"# TYPE {family} unknown\n"
        last: tuple[str, float] | None = None
        for each in of_family:
            labels = own | {"source": each.source} | labels_of(each.metric)
            at = round(start + each.seconds, 3)
            series = labelled(family, labels)
            if (series, at) != last:  # two samples of one moment are an error in this format
                yield f"{series} {_number(each.value)} {at:.3f}\n"
            last = series, at
    yield "# EOF\n"


def _family(sample: Sample) -> str:
    return sample.metric.partition("{")[0]


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)


_Writer = Callable[[RunRecord, list[ObjectRecord], list[Sample], Path], Iterator[Path]]
_WRITERS: dict[ExportFormat, _Writer] = {
    ExportFormat.CSV: _write_csv,
    ExportFormat.PARQUET: _write_parquet,
    ExportFormat.OPENMETRICS: _write_openmetrics,
}
