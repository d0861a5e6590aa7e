"""Results as they are read from a cluster."""

from typing import Any, cast

from unit.controller.world import record

from krobench.api.kinds import RunKind
from krobench.cli.names import RunName
from krobench.cli.results import results_of
from krobench.kube.client import KubeClient
from krobench.record.run import RunState
from krobench.record.test import TestState

NAME = RunName(RunKind.BENCHMARK, "default", "bench")


class Holding:
    """A client of a cluster that holds the results of a run under way, and this status of it."""

    def __init__(self, failed: str) -> None:
        condition = {"type": "Failed", "status": failed, "reason": "LoadJobFailed", "message": "x"}
        self._status = {
            "resultsRef": {"namespace": "default", "name": "bench-results"},
            "conditions": [condition],
            "completionTime": "2026-01-01T00:01:00Z",
        }

    async def get(self, path: str) -> dict[str, Any]:
        if "krobenchmarks" in path:
            return {"status": self._status}
        data = {"run.json": record().model_dump_json(by_alias=True)}
        return {"metadata": {"name": "bench-results", "namespace": "default"}, "data": data}


async def test_a_run_whose_load_died_is_not_read_as_one_under_way() -> None:
    run = await results_of(cast("KubeClient", Holding(failed="True")), NAME)
    assert (run.state, run.end_time) == (RunState.ABORTED, "2026-01-01T00:01:00Z")
    assert run.error is not None
    assert run.error.reason == "LoadJobFailed"
    assert run.tests[0].state is TestState.FAILED


async def test_a_run_under_way_is_read_as_it_stands() -> None:
    run = await results_of(cast("KubeClient", Holding(failed="False")), NAME)
    assert (run.state, run.tests[0].state) == (RunState.RUNNING, TestState.RUNNING)
