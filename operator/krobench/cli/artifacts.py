"""All files of a run that a CI system keeps: reports, records, and figures for trackers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from krobench.cli.errors import CliError
from krobench.cli.report import page_of
from krobench.cli.sources import FoundRun
from krobench.record.store import RUN_KEY
from krobench.report import junit, markdown, trackers


def write_artifacts(found: FoundRun, directory: Path) -> list[Path]:
    """Write everything into a directory, which is created, and return the files.

    Raises:
        CliError: if a file cannot be written.
    """
    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in _files(found):
            (directory / name).write_bytes(content)
            written.append(directory / name)
    except OSError as error:
        raise CliError(f"cannot write {error.filename}: {error.strerror}") from error
    return written


def _files(found: FoundRun) -> Iterator[tuple[str, bytes]]:
    run = found.record
    yield RUN_KEY, run.model_dump_json(by_alias=True).encode()
    yield "report.md", markdown.render(run).encode()
    yield "junit.xml", junit.render(run).encode()
    yield "perfdata.json", _json(trackers.perfdata(run))
    for better in (False, True):
        name = f"github-action-benchmark-{'bigger' if better else 'smaller'}-is-better.json"
        yield name, _json(trackers.github_action(run, higher_is_better=better))
    yield "bencher.json", _json(trackers.bencher(run))
    # Last, as it takes the raw lines, which the cluster may not give.
    yield "report.html", page_of(found).encode()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"
