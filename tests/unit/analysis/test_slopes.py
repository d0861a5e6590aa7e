from typing import Any

from unit.records import figures, some_iteration, some_test

from krobench.analysis.growth import measure_slopes
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.record.test import IterationRecord, TestRecord


def sized(name: str, instances: int = 4, rgds: int = 1, **changes: Any) -> dict[str, Any]:
    workload = {"scenario": "single", "instances": instances, "rgds": rgds}
    return {"name": name, "workload": workload} | changes


def record(raw: dict[str, Any], *values: float) -> TestRecord:
    return some_test(
        name=raw["name"],
        planned_iterations=len(values),
        instances=raw["workload"]["instances"],
        rgds=raw["workload"]["rgds"],
        iterations=[iteration(index, value) for index, value in enumerate(values)],
    )


def iteration(index: int, value: float) -> IterationRecord:
    return some_iteration(
        index=index,
        figures=figures({"kro.requests.total": value, "kro.memory.liveHeapBytes": value}),
    )


def slopes(*tests: tuple[dict[str, Any], tuple[float, ...]]) -> dict[str, Any]:
    spec = KroBenchmarkSpec.model_validate({"tests": [raw for raw, _ in tests]})
    found = measure_slopes(spec, [record(raw, *values) for raw, values in tests])
    return {slope.figure: slope for slope in found}


def test_tests_of_one_workload_in_several_sizes_give_a_slope() -> None:
    found = slopes(
        (sized("many", instances=20), (200.0, 201.0, 202.0)),
        (sized("few", instances=10, thresholds=["errors.total == 0"]), (100.0, 101.0, 102.0)),
    )
    requests = found["kro.requests.total"]
    assert (requests.axis, requests.sizes, requests.tests) == (
        "instances",
        [10, 20],
        ["few", "many"],
    )
    assert requests.per_one == 10.0
    assert requests.low < 10.0 < requests.high


def test_rgds_that_each_bring_their_instances_are_what_grows() -> None:
    found = slopes(
        (sized("a", instances=1, rgds=1), (1e6,)), (sized("b", instances=3, rgds=3), (5e6,))
    )
    heap = found["kro.memory.liveHeapBytes"]
    assert (heap.axis, heap.per_one, heap.low) == ("rgds", 2e6, None)


def test_tests_that_differ_in_more_than_size_give_none() -> None:
    assert (
        slopes(
            (sized("a", instances=10, concurrency=2), (1.0,)),
            (sized("b", instances=20, concurrency=4), (2.0,)),
        )
        == {}
    )
    assert slopes((sized("a", 10, rgds=2), (1.0,)), (sized("b", 10, rgds=2), (2.0,))) == {}
    assert slopes((sized("a", 10, rgds=1), (1.0,)), (sized("b", 30, rgds=2), (2.0,))) == {}
