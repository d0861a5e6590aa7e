from doubles.cluster import MemoryApi
from unit.controller.world import record

from krobench.api.kinds import RunKind
from krobench.cli.cluster import results_of
from krobench.cli.names import RunName
from krobench.record.run import RunState
from krobench.record.test import TestState

NAME = RunName(RunKind.BENCHMARK, "default", "bench")


def with_results(failed: str) -> MemoryApi:
    """Return a cluster with the results of a run in progress, and this status of it."""
    condition = {"type": "Failed", "status": failed, "reason": "LoadJobFailed", "message": "x"}
    status = {
        "resultsRef": {"namespace": "default", "name": "bench-results"},
        "conditions": [condition],
        "completionTime": "2026-01-01T00:01:00Z",
    }
    benchmark = {"metadata": {"name": "bench", "namespace": "default"}, "status": status}
    results = {
        "metadata": {"name": "bench-results", "namespace": "default"},
        "data": {"run.json": record().model_dump_json(by_alias=True)},
    }
    return MemoryApi(
        {
            "/apis/bench.kro.run/v1alpha1/namespaces/default/krobenchmarks/bench": benchmark,
            "/api/v1/namespaces/default/configmaps/bench-results": results,
        }
    )


async def test_a_run_whose_load_died_is_read_as_aborted() -> None:
    run = await results_of(with_results(failed="True"), NAME)
    assert (run.state, run.end_time) == (RunState.ABORTED, "2026-01-01T00:01:00Z")
    assert run.error is not None
    assert run.error.reason == "LoadJobFailed"
    assert run.tests[0].state is TestState.FAILED


async def test_a_run_in_progress_is_read_as_running() -> None:
    run = await results_of(with_results(failed="False"), NAME)
    assert (run.state, run.tests[0].state) == (RunState.RUNNING, TestState.RUNNING)
