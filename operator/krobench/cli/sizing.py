"""``krobench sizing``: what kro needs for a wanted scale."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import orjson

from krobench.analysis.sizing.growth import SizingError
from krobench.analysis.sizing.size import Wanted, size_for
from krobench.api.yaml import dump
from krobench.cli.errors import CliError
from krobench.cli.names import RunName
from krobench.cli.saved import read_saved
from krobench.cli.sources import fetch_run
from krobench.report import sizing
from krobench.report.words.sizing import sizing_refusal_line


def sizing_of(
    files: Sequence[Path],
    names: Sequence[RunName],
    wanted: Wanted,
    output: Literal["text", "json", "yaml"],
) -> str:
    """Return what kro needs for a wanted scale, from the records in files and of runs.

    Raises:
        CliError: if a record cannot be read, or they are not enough for a sizing.
    """
    records = [read_saved(file).record for file in files]
    records += [fetch_run(name) for name in names]
    try:
        found = size_for(records, wanted)
    except SizingError as error:
        raise CliError(sizing_refusal_line(error.reason)) from error
    if output == "text":
        return sizing.text(found)
    plain = sizing.plain(found)
    if output == "yaml":
        return dump(plain)
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n"
