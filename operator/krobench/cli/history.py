"""``krobench history``: the kept runs of a name, and where something changed."""

import asyncio

from krobench.analysis.comparison.estimates import condense
from krobench.analysis.history import changes
from krobench.cli.results import ResultsError
from krobench.cli.sources import read_history
from krobench.kube.errors import KubeError
from krobench.model.kinds import RunKind
from krobench.record.reading import RecordError
from krobench.report.history import render, render_limits


def show_history(namespace: str, name: str) -> str:
    """Return the history of a KroBenchmark's or KroScaleTest's name as text.

    Raises:
        ResultsError: if there is none, or it cannot be read.
    """
    try:
        runs = asyncio.run(read_history(namespace, name))
    except (KubeError, RecordError) as error:
        raise ResultsError(str(error)) from error
    benchmarks = [run for run in runs if run.kind == RunKind.BENCHMARK]
    scale_tests = [run for run in runs if run.kind == RunKind.SCALE_TEST]
    parts = []
    if benchmarks:
        parts.append(render(benchmarks, changes([condense(run) for run in benchmarks])))
    if scale_tests:
        parts.append(render_limits(scale_tests))
    return "\n".join(parts)
