import pytest

from krobench.figures.rawdata import Sample
from krobench.figures.series import Series, UnavailableError


def samples(*points: tuple[float, float], metric: str = "m") -> list[Sample]:
    return [Sample(seconds=t, source="kro", metric=metric, value=v) for t, v in points]


def test_growth_is_taken_from_the_samples_around_the_window() -> None:
    series = Series(samples((0, 10), (1, 12), (2, 17), (3, 20), (4, 50)))
    delta = series.delta("kro", "m", 1.0, 3.0)
    assert (delta.value, delta.seconds) == (8.0, 2.0)


def test_a_counter_that_went_backwards_gives_no_number() -> None:
    series = Series(samples((0, 10), (1, 2), (2, 30)))
    with pytest.raises(UnavailableError, match="WentBackwards"):
        series.delta("kro", "m", 0.0, 2.0)


def test_a_counter_whose_first_event_came_in_the_window_grew_from_zero() -> None:
    others = samples((0, 7), (1, 7), (2, 7), (3, 7), metric="other")
    series = Series(others + samples((2, 4), (3, 9)))
    delta = series.delta("kro", "m", 1.0, 3.0)
    assert (delta.value, delta.seconds) == (9.0, 2.0)
    with pytest.raises(UnavailableError, match="NoSampleAtBorder"):
        series.delta("kro", "m", -1.0, 3.0)


def test_a_rare_counter_of_a_process_that_is_gone_is_no_base_for_its_successors() -> None:
    alive = samples((0, 7), (1, 1), (2, 2), metric="always there")
    assert Series(alive + samples((0, 40), (2, 3))).growth("kro", "m", 1.0, 2.0) == 3.0
    assert Series(alive + samples((0, 40), (1, 1), (2, 3))).growth("kro", "m", 1.0, 2.0) == 2.0


def test_a_metric_that_was_never_sampled_is_named() -> None:
    with pytest.raises(UnavailableError, match=r"NotExposed.*other"):
        Series(samples((0, 1))).delta("kro", "other", 0.0, 1.0)


def test_a_window_whose_end_was_not_sampled_gives_no_number() -> None:
    with pytest.raises(UnavailableError, match="NoSampleAtBorder"):
        Series(samples((0, 1), (1, 2))).delta("kro", "m", 0.0, 5.0)


def stamped(*points: tuple[float, float, float]) -> list[Sample]:
    return [Sample(seconds=t, source="kubelet", metric="m", value=v, at=at) for t, v, at in points]


def test_scrapes_of_one_and_the_same_measurement_count_once() -> None:
    series = Series(stamped((0, 1, 100), (5, 1, 100), (10, 1, 100)))
    with pytest.raises(UnavailableError, match="TooFewMeasurements"):
        series.stamped_delta("kubelet", "m", 0.0, 10.0)


def test_the_sources_own_times_divide_its_growth() -> None:
    series = Series(stamped((0, 1, 98), (5, 1, 98), (10, 6, 108)))
    delta = series.stamped_delta("kubelet", "m", 0.0, 10.0)
    assert (delta.value, delta.seconds) == (5.0, 10.0)
