"""``krobench history``: the kept runs of a name, and where something changed."""

import asyncio

from krobench.analysis.comparison.estimates import condense
from krobench.analysis.history import changes, series_lengths
from krobench.api.kinds import RunKind
from krobench.cli.errors import ResultsError
from krobench.cli.names import parse_name
from krobench.cli.sources import read_history
from krobench.kube.errors import KubeError
from krobench.record.reading import RecordError
from krobench.report.history import render, render_limits


def show_history(name: str, namespace: str) -> str:
    """Return the history of a KroBenchmark's or KroScaleTest's name as text.

    Raises:
        ResultsError: if there is none, or it cannot be read.
    """
    try:
        runs = asyncio.run(read_history(parse_name(name, namespace)))
    except (KubeError, RecordError) as error:
        raise ResultsError(str(error)) from error
    if runs[0].kind == RunKind.SCALE_TEST:
        return render_limits(runs)
    condensed = [condense(run) for run in runs]
    return render(runs, changes(condensed), series_lengths(condensed))
