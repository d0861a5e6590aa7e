"""The cache of custom resources: the order in which runs go, and what is kept of them."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from unit.controller.world import SPECS

from krobench.api.common import FINALIZER
from krobench.api.kinds import RunKind, RunRef
from krobench.controller.runs import RunCache, parse_run
from krobench.kube.client import KubeClient
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS


def resource(
    name: str, kind: RunKind = RunKind.BENCHMARK, second: int = 0, phase: str = "", **changes: Any
) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "default",
        # Such as an API server gives out, in no order.
        "uid": f"{hash((kind, name)) % 2**32:08x}-0000-4000-8000-000000000000",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": f"2026-01-01T00:00:{second:02d}Z",
    }
    status = {"phase": phase, "startTime": "2026-01-01T00:00:00Z"} if phase else {}
    spec = changes.pop("spec", SPECS[kind])
    return {"metadata": metadata | changes, "spec": spec, "status": status}


class Lists:
    """An API server that has these resources, a page of two at a time."""

    def __init__(self) -> None:
        self.items: list[tuple[RunKind, dict[str, Any]]] = []

    async def pages(self, path: str, limit: int) -> AsyncIterator[list[dict[str, Any]]]:
        of_kind = [item for kind, item in self.items if path.endswith(kind.plural)]
        for begin in range(0, len(of_kind), 2):
            yield of_kind[begin : begin + 2]


def cache(*items: tuple[RunKind, dict[str, Any]], server: Lists | None = None) -> RunCache:
    made = RunCache(cast("KubeClient", server or Lists()), DEFAULT_MAX_OBJECTS)
    for kind, item in items:
        made.put(kind, item)
    return made


def order(*items: tuple[RunKind, dict[str, Any]]) -> list[str]:
    return [run.name for run in cache(*items).queue()]


def benchmark(name: str, **changes: Any) -> tuple[RunKind, dict[str, Any]]:
    return RunKind.BENCHMARK, resource(name, **changes)


def scale_test(name: str, **changes: Any) -> tuple[RunKind, dict[str, Any]]:
    return RunKind.SCALE_TEST, resource(name, RunKind.SCALE_TEST, **changes)


def test_runs_of_one_second_go_by_their_names() -> None:
    names = ["second", "first", "third", "fourth"]
    assert order(*(benchmark(name) for name in names)) == ["first", "fourth", "second", "third"]


def test_the_older_goes_first_whatever_its_kind_and_name() -> None:
    items = benchmark("a", second=7), scale_test("z", second=5), benchmark("m", second=6)
    assert order(*items) == ["z", "m", "a"]


def test_a_running_one_keeps_its_place() -> None:
    items = benchmark("a", second=5), benchmark("b", second=6, phase="Running")
    assert order(*items) == ["b", "a"]


def test_finished_and_refused_runs_and_those_being_deleted_are_not_in_the_queue() -> None:
    finished = benchmark("a", phase="Completed")
    refused = benchmark("b", spec={"tests": []})
    deleted = benchmark("c", deletionTimestamp="2026-01-01T00:01:00Z", finalizers=["x"])
    assert order(finished, refused, deleted, benchmark("d")) == ["d"]


def test_a_run_knows_which_go_first() -> None:
    runs = cache(benchmark("a"), benchmark("b"), benchmark("c"), benchmark("d"))
    [*_, last] = [run for ref in runs.queue() if (run := runs.get(ref.uid)) is not None]
    assert [ref.name for ref in runs.ahead_of(last)] == ["a", "b", "c"]


def test_a_run_that_changes_leaves_its_old_place() -> None:
    runs = cache(benchmark("a"), benchmark("b"))
    runs.put(*benchmark("b", resourceVersion="2", finalizers=[FINALIZER]))
    assert [ref.name for ref in runs.queue()] == ["b", "a"]
    runs.put(*benchmark("b", resourceVersion="3", phase="Completed"))
    assert [ref.name for ref in runs.queue()] == ["a"]
    runs.remove(resource("a")["metadata"]["uid"])
    assert runs.queue() == ()


def test_an_older_version_is_no_news() -> None:
    runs = cache(benchmark("a", resourceVersion="10", phase="Running"))
    assert not runs.put(*benchmark("a", resourceVersion="9"))
    assert not runs.put(*benchmark("a", resourceVersion="10"))
    [run] = [runs.get(ref.uid) for ref in runs.queue()]
    assert run is not None
    assert run.started


def test_a_resource_that_only_its_finalizers_kept_is_gone_without_them() -> None:
    runs = cache(benchmark("a"))
    assert runs.put(*benchmark("a", resourceVersion="2", deletionTimestamp="2026-01-01T00:01:00Z"))
    assert runs.unsettled() == []


async def test_a_refresh_finds_what_watches_missed() -> None:
    server = Lists()
    runs = cache(benchmark("gone"), benchmark("stays"), server=server)
    server.items = [benchmark(name) for name in ("stays", "b", "c")] + [scale_test("d")]
    await runs.refresh()
    assert sorted(ref.name for ref in runs.queue()) == ["b", "c", "d", "stays"]


ODD_SPECS: list[Any] = [
    {"tests": [{"name": "a", "workload": {"rgds": [{"inline": {"spec": []}}], "instances": 1}}]},
    {"tests": [{"name": "a", "workload": {"rgds": [{"inline": {"metadata": 1}}]}}]},
    {"tests": 7},
    [],
]


@pytest.mark.parametrize("kind", RunKind)
@pytest.mark.parametrize("spec", ODD_SPECS)
def test_a_spec_that_nobody_foresees_is_refused_and_stops_no_other(
    kind: RunKind, spec: Any
) -> None:
    run = parse_run(kind, resource("odd", kind, spec=spec))
    assert run.errors
    assert {error.reason for error in run.errors} == {"InvalidSpec"}
    assert order((kind, resource("odd", kind, spec=spec)), benchmark("sound")) == ["sound"]


def test_little_is_kept_of_a_finished_run() -> None:
    item = resource("a", phase="Completed", finalizers=[FINALIZER])
    item["status"]["tests"] = [
        {"name": "t", "phase": "Succeeded", "iterations": "1/1", "instanceReadyP50Seconds": 0.5}
    ]
    run = parse_run(RunKind.BENCHMARK, item)
    assert run.spec is None
    assert run.status.model_dump(exclude_none=True, exclude_defaults=True) == {"phase": "Completed"}
    kept = {name: (labels, value) for name, labels, value in run.figures.values}
    labels, value = kept["krobench_test_latency_seconds"]
    assert ({"default", "a", "t"} < set(labels), value) == (True, 0.5)
    assert run.ref == RunRef.of(RunKind.BENCHMARK, item["metadata"])
    assert not run.settled
