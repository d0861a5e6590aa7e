from typing import Any

import pytest
from unit.analysis.test_slopes import iteration, record, sized

from krobench.analysis.growth import measure_differences
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.findings.growth import CostDifference


def pair(with_it: tuple[float, ...], without: tuple[float, ...]) -> dict[str, CostDifference]:
    tests = [sized("with", minus="without"), sized("without")]
    spec = KroBenchmarkSpec.model_validate({"tests": tests, "order": "Interleaved"})
    records = [record(tests[0], *with_it), record(tests[1], *without)]
    return {found.figure: found for found in measure_differences(spec, records)}


def test_a_test_minus_another_is_a_difference_with_an_interval() -> None:
    requests = pair((148.0, 150.0, 152.0), (99.0, 100.0, 101.0))["kro.requests.total"]
    assert (requests.value, requests.minus_value, requests.difference) == (150.0, 100.0, 50.0)
    assert requests.each == 12.5, "there are four instances"
    assert requests.low is not None
    assert requests.high is not None
    assert 44 < requests.low < 50 < requests.high < 56


def test_what_does_not_grow_with_each_instance_is_not_shared_out() -> None:
    assert pair((5.0, 6.0), (1.0, 2.0))["kro.memory.liveHeapBytes"].each is None


def test_of_one_iteration_each_there_is_no_interval() -> None:
    requests = pair((150.0,), (100.0,))["kro.requests.total"]
    assert (requests.difference, requests.low, requests.high) == (50.0, None, None)


def test_a_figure_that_one_test_lacks_has_no_difference() -> None:
    requests = pair((150.0, 151.0), ())["kro.requests.total"]
    assert (requests.points, requests.minus_points) == (2, 0)
    assert (requests.value, requests.minus_value, requests.difference) == (150.5, None, None)
    ready = pair((150.0,), (100.0,))["latency.instanceReady.p50"]
    assert (ready.points, ready.difference) == (0, None)


def test_each_variant_has_its_own_difference() -> None:
    tests = [sized("with", minus="without"), sized("without")]
    variants = [{"name": "a"}, {"name": "b"}]
    spec = KroBenchmarkSpec.model_validate(
        {"tests": tests, "order": "Interleaved", "variants": variants}
    )
    records = []
    for number, variant in enumerate(("a", "b")):
        for raw, value in zip(tests, (10.0 * (number + 1), 5.0), strict=True):
            made = record(raw, value)
            made.name, made.variant = f"{raw['name']}.{variant}", variant
            records.append(made)
    found = {
        each.test: each.difference
        for each in measure_differences(spec, records)
        if each.figure == "kro.requests.total"
    }
    assert found == {"with.a": 5.0, "with.b": 15.0}


def test_warm_up_is_left_out() -> None:
    tests = [sized("with", minus="without"), sized("without")]
    spec = KroBenchmarkSpec.model_validate({"tests": tests, "order": "Interleaved"})
    records = [record(tests[0], 150.0), record(tests[1], 100.0)]
    cold = iteration(1, 900.0)
    cold.warmup = True
    records[0].iterations.append(cold)
    assert {d.points for d in measure_differences(spec, records)} <= {0, 1}


@pytest.mark.parametrize(
    ("other", "spec", "words"),
    [
        (sized("without", instances=5), {}, "must name a test with the same workload.instances"),
        (sized("without", rgds=2), {}, "must name a test with the same workload.instances"),
        (sized("without", load={"arrival": "constant", "rate": 1}), {}, "differ in load"),
        (sized("without", concurrency=3), {}, "differ in concurrency"),
        (sized("other"), {}, "must name another test"),
        (sized("without"), {"order": "Sequential"}, "order: must be Interleaved"),
    ],
)
def test_what_makes_no_difference_is_refused(
    other: dict[str, Any], spec: dict[str, Any], words: str
) -> None:
    tests = [sized("with", minus="without"), other]
    with pytest.raises(ValueError, match=words):
        KroBenchmarkSpec.model_validate({"tests": tests, "order": "Interleaved"} | spec)


def test_a_test_minus_itself_is_refused() -> None:
    tests = [sized("with", minus="with")]
    with pytest.raises(ValueError, match="must name another test"):
        KroBenchmarkSpec.model_validate({"tests": tests, "order": "Interleaved"})
