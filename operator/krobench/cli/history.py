"""``krobench history``: the kept runs of a KroBenchmark, and where something changed."""

import asyncio

from krobench.analysis.comparison.estimates import condense
from krobench.analysis.history import changes
from krobench.cli.results import ResultsError
from krobench.cli.sources import read_history
from krobench.kube.errors import KubeError
from krobench.record.store import RecordError
from krobench.report.history import render


def show_history(namespace: str, name: str) -> str:
    """Return the history of a KroBenchmark's name as text.

    Raises:
        ResultsError: if there is none, or it cannot be read.
    """
    try:
        runs = asyncio.run(read_history(namespace, name))
    except (KubeError, RecordError) as error:
        raise ResultsError(str(error)) from error
    return render(runs, changes([condense(run) for run in runs]))
