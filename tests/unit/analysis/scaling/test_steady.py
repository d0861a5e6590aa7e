from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.analysis.scaling.steady import (
    METRICS,
    SteadyCheck,
    check_steady,
)
from krobench.figures.rawdata import Sample
from krobench.figures.series import Series
from krobench.findings.steady import (
    CpuChanging,
    MemoryChanging,
    NotSampled,
    QueueNotEmpty,
    TooFewCollections,
    WindowTooShort,
)

MIB = 2**20
WINDOW = 30.0
INTERVAL = 5.0
SIZES = st.floats(30 * MIB, 4096 * MIB)
GROWTHS = st.floats(0.03, 5.0)
"""In a minute, of what there was."""
RIPPLES = st.lists(st.floats(-0.001, 0.001), min_size=7, max_size=7)


def sample(seconds: float, metric: str, value: float) -> Sample:
    return Sample(seconds=seconds, source="kro", metric=metric, value=value)


def series(
    memory: Sequence[float],
    cores: Callable[[float], float] = lambda _: 0.003,
    queue: Sequence[int] = (),
    interval: float = INTERVAL,
    collected: Sequence[int] = (),
) -> Series:
    """Return samples from the end of the load on; CPU time in whole hundredths, as kro's is.

    ``collected`` are the samples that find that garbage was collected; all where it is empty.
    """
    used = 40.0
    samples = []
    for index, value in enumerate(memory):
        seconds = index * interval
        samples.append(sample(seconds, "process_resident_memory_bytes", value))
        used += cores(seconds) * interval
        samples.append(sample(seconds, "process_cpu_seconds_total", round(used, 2)))
        count = sum(at <= index for at in collected) if collected else index
        samples.append(sample(seconds, "go_gc_duration_seconds_count", count))
        if index < len(queue):
            samples.append(sample(seconds, "instance_queue_depth", queue[index]))
    return Series(samples)


def judged(found: Series, window: float = WINDOW, began: float = 0.0) -> SteadyCheck:
    return check_steady(found, began, window)


@given(size=SIZES, count=st.integers(7, 40))
def test_a_kro_at_rest_is_steady(size: float, count: int) -> None:
    found = judged(series([size] * count, queue=[0] * count))
    assert found == SteadyCheck(steady=True, memory_bytes_per_second=0.0)


@given(size=SIZES, leap=st.floats(-0.5, 3.0), at=st.sampled_from([1, 12]))
def test_one_leap_at_an_end_of_the_window_and_between_no_collections_is_no_trend(
    size: float, leap: float, at: int
) -> None:
    memory = [size] * at + [size * (1 + leap)] * (13 - at)
    assert judged(series(memory, collected=(3, 10)), window=60).steady


@given(size=SIZES, growth=GROWTHS, cycle=st.integers(4, 24))
def test_a_heap_that_is_fuller_at_each_collection_is_not_steady_though_flat_between(
    size: float, growth: float, cycle: int
) -> None:
    # Garbage fills what is known of the heap, and at the end of each cycle some more than that.
    leap = size * growth * cycle * INTERVAL / 60
    memory = [size + leap * (index // cycle) for index in range(3 * cycle)]
    found = judged(series(memory, collected=(cycle, 2 * cycle)))
    assert found.steady is False
    assert found.memory_bytes_per_second == pytest.approx(size * growth / 60)


@pytest.mark.parametrize(("collected", "times"), [((99,), 0), ((4,), 1)])
def test_before_garbage_was_collected_twice_nothing_can_be_told(
    collected: tuple[int, ...], times: int
) -> None:
    found = judged(series([100 * MIB] * 9, collected=collected))
    assert found.steady is None
    assert found.findings == (TooFewCollections(collections=times),)
    assert found.memory_bytes_per_second == 0
    growing = judged(series([100 * MIB * (1 + 0.01 * i) for i in range(9)], collected=collected))
    assert growing.steady is False


@given(size=SIZES, ripple=RIPPLES)
def test_a_ripple_of_a_thousandth_is_no_trend(size: float, ripple: list[float]) -> None:
    assert judged(series([size * (1 + each) for each in ripple], collected=(1, 6))).steady


@given(size=SIZES, growth=GROWTHS | st.floats(-0.9, -0.03), ripple=RIPPLES)
def test_memory_that_grows_or_falls_is_not_steady_and_how_fast_is_told(
    size: float, growth: float, ripple: list[float]
) -> None:
    memory = [size * (1 + each + growth * i * INTERVAL / 60) for i, each in enumerate(ripple)]
    found = judged(series(memory))
    assert found.steady is False
    assert found.memory_bytes_per_second is not None
    assert (found.memory_bytes_per_second > 0) is (growth > 0)
    assert MemoryChanging(bytes_per_second=found.memory_bytes_per_second) in found.findings
    if not any(ripple):
        assert found.memory_bytes_per_second == pytest.approx(size * growth / 60)


@given(size=SIZES, growth=GROWTHS, every=st.sampled_from([2, 3, 4, 5, 6]))
def test_growth_in_leaps_is_a_trend_as_long_as_there_are_several_in_the_window(
    size: float, growth: float, every: int
) -> None:
    count = 4 * every
    leap = size * growth * every * INTERVAL / 60
    memory = [size + leap * (index // every) for index in range(count)]
    found = judged(series(memory), window=(count - 1) * INTERVAL)
    assert found.steady is False
    assert found.memory_bytes_per_second is not None
    assert found.memory_bytes_per_second > 0


def test_the_bound_does_not_hang_on_how_often_kro_is_sampled() -> None:
    for interval in (0.2, 1.0, 5.0):
        count = round(WINDOW / interval) + 1
        for growth, steady in ((0.009, True), (0.011, False)):
            memory = [100 * MIB * (1 + growth * i * interval / 60) for i in range(count)]
            assert judged(series(memory, interval=interval)).steady is steady


def test_over_a_longer_window_than_a_minute_it_is_the_change_within_that() -> None:
    memory = [100 * MIB * (1 + 0.002 * i) for i in range(7)]  # 1.2 % in six minutes
    found = judged(series(memory, interval=60), window=360)
    assert found.steady is False
    assert found.memory_bytes_per_second == pytest.approx(205 * 1024 / 60, rel=0.01)
    assert [each.code for each in found.findings] == ["MemoryChanging"]


def test_cpu_use_that_still_falls_is_reported_with_the_change_of_memory() -> None:
    found = judged(series([100 * MIB] * 7, cores=lambda at: 1 - at / 40))
    assert found.steady is False
    [change] = found.findings
    assert isinstance(change, CpuChanging)
    assert change.cores == pytest.approx(-0.749, abs=0.001)
    assert found.memory_bytes_per_second == 0


def test_a_kro_that_always_has_something_to_do_is_steady() -> None:
    found = judged(series([100 * MIB] * 7, cores=lambda at: 0.5 + 0.04 * (at % 10 == 0)))
    assert found.steady


def test_a_forced_collection_of_garbage_in_the_window_is_no_trend() -> None:
    found = judged(series([100 * MIB] * 7, cores=lambda at: 0.4 if at == 20 else 0.003))
    assert found.steady


@pytest.mark.parametrize(
    ("queue", "steady"),
    [
        ([9, 4, 0, 0, 0, 0, 0], True),
        ([0, 0, 0, 0, 0, 0, 2], False),
        ([9, 8, 7, 6, 5, 0, 0], False),
        ([], True),
    ],
)
def test_instances_in_kro_s_queue_are_work_still_to_be_done(queue: list[int], steady: bool) -> None:
    found = judged(series([100 * MIB] * 7, queue=queue))
    assert found.steady is steady
    assert (QueueNotEmpty(instances=max(queue, default=0)) in found.findings) is not steady


@given(count=st.integers(1, 6))
def test_too_few_samples_decide_nothing(count: int) -> None:
    found = judged(series([100 * MIB] * count))
    assert found.steady is None
    assert found.memory_bytes_per_second is None
    [short] = found.findings
    assert isinstance(short, WindowTooShort)
    assert (short.samples, short.needed_samples, short.needed_seconds) == (count, 6, 30)


def test_what_was_sampled_before_the_load_ended_does_not_count() -> None:
    memory = [50 * MIB] * 7 + [100 * MIB] * 6
    assert judged(series(memory), began=30.1).steady is None
    assert judged(series([*memory, 100 * MIB]), began=30.1).steady


def test_what_is_not_sampled_is_named() -> None:
    for missing in ("process_resident_memory", "process_cpu_seconds", "go_gc_duration_seconds"):
        known = [
            sample(index * INTERVAL, metric, index)
            for index in range(7)
            for metric in METRICS
            if not metric.startswith(missing)
        ]
        found = judged(Series(known))
        assert found.steady is None
        [unknown] = found.findings
        assert isinstance(unknown, NotSampled)
        assert unknown.metric.startswith(missing)
