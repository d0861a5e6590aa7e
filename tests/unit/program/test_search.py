from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.api.specs.scaletest import MAX_SIZES, Axis, KroScaleTestSpec, ScaleSizes
from krobench.findings.scaling import SizeIteration, SizeRecord, SizeVerdict
from krobench.program.search import (
    MOST_UNDECIDED,
    bracket_of,
    next_size,
    verdict_of,
)
from krobench.program.sizes import sizes_of

Met = Callable[[float, int], bool | None]
"""What the repetition of a size comes to."""


def spec_of(axis: str = "instances", iterations: int = 3, **fields: Any) -> KroScaleTestSpec:
    load = {"arrival": "constant", "rate": 1} if axis == "arrivalRate" else {"arrival": "closed"}
    named = fields.pop("sizes", {"from": 10, "to": 1000})
    return KroScaleTestSpec.model_validate(
        {
            "axis": axis,
            "sizes": named,
            "slo": ["errors.total == 0"],
            "workload": {"scenario": "single"},
            "load": load,
            "iterations": iterations,
            "search": fields,
        }
    )


def walk(
    spec: KroScaleTestSpec, met: Met, records: list[SizeRecord] | None = None
) -> list[SizeRecord]:
    """Run all that the planner asks for; ``records`` gets what it has tried."""
    sizes = sizes_of(spec.sizes, spec.axis)
    records = [] if records is None else records
    while (size := next_size(spec, sizes, records)) is not None:
        record = next((record for record in records if record.size == size), None)
        if record is None:
            record = SizeRecord(size=size, test=f"s-{size}")
            records.append(record)
        record.iterations.append(
            SizeIteration(iteration=len(record.iterations), met=met(size, len(record.iterations)))
        )
        record.verdict = verdict_of(record)
        assert sum(len(record.iterations) for record in records) < 1000, "it never ends"
    return records


def counts(records: Sequence[SizeRecord]) -> dict[float, int]:
    return {record.size: len(record.iterations) for record in records}


@pytest.mark.parametrize(
    ("named", "axis", "expected"),
    [
        ({"from": 50, "to": 500}, Axis.INSTANCES, (50, 100, 200, 400, 500)),
        ({"from": 1, "to": 4, "factor": 1.3}, Axis.RGDS, (1, 2, 3, 4)),
        ({"from": 10, "to": 30, "growth": "linear", "increment": 10}, Axis.RGDS, (10, 20, 30)),
        ({"from": 0, "to": 1, "growth": "linear", "increment": 1}, Axis.RGDS, None),
        ({"from": 1, "to": 2, "growth": "linear"}, Axis.RGDS, (1, 2)),
        ({"from": 0.5, "to": 2}, Axis.ARRIVAL_RATE, (0.5, 1, 2)),
        ({"values": [3, 7, 7.4, 20]}, Axis.INSTANCES, (3, 7, 20)),
    ],
)
def test_sizes_end_with_the_last_and_are_whole_but_for_rates(
    named: dict[str, Any], axis: Axis, expected: tuple[float, ...] | None
) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="greater than or equal"):
            ScaleSizes.model_validate(named)
        return
    assert sizes_of(ScaleSizes.model_validate(named), axis) == expected


def test_sizes_ascend_to_the_breach_whose_neighbours_are_repeated_and_refined() -> None:
    records = walk(spec_of(resolution="20%"), lambda size, _: size <= 130)
    assert counts(records) == {10: 1, 20: 1, 40: 1, 80: 3, 160: 3, 113: 3, 134: 3}
    bracket = bracket_of(records)
    assert [record.size for record in bracket.ends] == [113, 134]


def test_the_bisection_is_arithmetic_if_sizes_grow_linearly() -> None:
    named = {"from": 100, "to": 500, "growth": "linear", "increment": 200}
    walked = walk(spec_of(iterations=1, sizes=named, resolution="30%"), lambda size, _: size < 450)
    assert [record.size for record in walked] == [100, 300, 500, 400]


def test_without_refinement_only_the_two_are_repeated() -> None:
    assert counts(walk(spec_of(refine=False), lambda size, _: size < 30)) == {10: 1, 20: 3, 40: 3}


def test_the_largest_size_is_repeated_if_no_size_breaches() -> None:
    assert counts(walk(spec_of(sizes={"values": [1, 2, 4]}), lambda *_: True)) == {1: 1, 2: 1, 4: 3}


def test_the_smallest_size_is_repeated_if_it_breaches() -> None:
    assert counts(walk(spec_of(), lambda *_: False)) == {10: 3}


def test_it_goes_on_beyond_the_breach_if_asked_to() -> None:
    spec = spec_of(sizes={"values": [1, 2, 4, 8]}, stopAtBreach=False, refine=False)
    records = walk(spec, lambda size, _: size in {1, 4})
    assert counts(records) == {1: 3, 2: 3, 4: 1, 8: 1}


def test_repetitions_may_turn_a_breach_around_and_the_ascent_goes_on() -> None:
    spec = spec_of(sizes={"values": [1, 2, 4]}, refine=False)
    records = walk(spec, lambda size, iteration: size < 4 and (size, iteration) != (2, 0))
    assert counts(records) == {1: 3, 2: 3, 4: 3}
    assert [record.size for record in bracket_of(records).ends] == [2, 4]


def test_an_undecided_iteration_is_repeated() -> None:
    spec = spec_of(sizes={"values": [1, 2]}, refine=False)
    records = walk(spec, lambda size, iteration: None if iteration in {0, 2} else size < 2)
    assert counts(records) == {1: 5, 2: 5}
    assert [verdict_of(record) for record in records] == [SizeVerdict.MET, SizeVerdict.BREACHED]


def test_a_size_that_stays_undecided_ends_the_search() -> None:
    records = walk(spec_of(), lambda size, _: None if size == 20 else True)
    assert counts(records) == {10: 1, 20: MOST_UNDECIDED}
    assert records[-1].verdict is SizeVerdict.INVALID


def test_a_size_that_could_not_be_measured_ends_the_test() -> None:
    failed = SizeRecord(size=10, test="a", verdict=SizeVerdict.FAILED)
    assert next_size(spec_of(), (10, 20), [failed]) is None
    assert verdict_of(failed) is SizeVerdict.FAILED


def test_as_many_breaches_as_not_are_a_breach() -> None:
    trials = [SizeIteration(iteration=i, met=met) for i, met in enumerate((True, False))]
    assert verdict_of(SizeRecord(size=1, test="a", iterations=trials)) is SizeVerdict.BREACHED


@given(
    limit=st.floats(0.5, 5000),
    iterations=st.integers(1, 4),
    percent=st.sampled_from(["0.5%", "5%", "30%"]),
    factor=st.floats(1.2, 10),
    growth=st.sampled_from(["geometric", "linear"]),
    axis=st.sampled_from(["instances", "rgds", "arrivalRate"]),
)
def test_the_limit_lies_between_the_two_and_they_are_as_close_as_asked_for(
    limit: float, iterations: int, percent: str, factor: float, growth: str, axis: str
) -> None:
    named = {"from": 1, "to": 2000, "factor": factor, "growth": growth}
    spec = spec_of(axis, iterations, sizes=named, resolution=percent)
    walked = walk(spec, lambda size, _: size <= limit)
    assert len(walked) <= MAX_SIZES
    bracket = bracket_of(walked)
    low, high = bracket.last_met, bracket.first_breach
    assert low is None or low.size <= limit
    assert high is None or high.size > limit
    assert all(len(record.iterations) == iterations for record in bracket.ends)
    if low is None or high is None or len(walked) == MAX_SIZES:
        return
    gap = high.size - low.size
    smallest = 1 if spec.axis.whole else 0.001 * high.size
    assert gap <= max(spec.search.resolution_ratio * high.size, smallest)


@given(
    answers=st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=60),
    iterations=st.integers(1, 5),
)
def test_it_ends_whatever_iterations_show_and_continues_from_any_record(
    answers: list[bool | None], iterations: int
) -> None:
    spec = spec_of(iterations=iterations)
    said = iter(answers * 200)
    records = walk(spec, lambda *_: next(said))
    sizes = sizes_of(spec.sizes, spec.axis)
    assert next_size(spec, sizes, list(reversed(records))) is None
    most = iterations + MOST_UNDECIDED
    assert all(len(record.iterations) <= most for record in records)
    planned = [record.size for record in records if record.size in sizes]
    assert all(before < after for before, after in pairwise(planned))
