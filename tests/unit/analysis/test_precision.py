from math import exp

import pytest
from unit.analysis.records import iteration, iterations

from krobench.analysis.precision import enough, headline
from krobench.api.specs.suite import Precision

PRECISION = Precision(target="5%", max_iterations=5)


def test_measured_iterations_are_the_replicates() -> None:
    figure = headline([iteration(9.0, warmup=True), *iterations(1.8, 2.0, 2.2, None)])
    assert figure is not None
    assert (figure.iterations, figure.mean_seconds) == (3, 2.0)
    factor = exp(4.30265 * 0.1 / 3**0.5)
    assert figure.half_width_ratio == pytest.approx(factor - 1, rel=1e-5)
    assert figure.low_seconds == pytest.approx(2.0 / factor, rel=1e-5)


def test_a_time_has_no_interval_that_goes_below_zero() -> None:
    figure = headline(iterations(0.1, 0.2, 9.0))
    assert figure is not None
    assert figure.low_seconds is not None
    assert 0 < figure.low_seconds < figure.mean_seconds


@pytest.mark.parametrize("values", [(1.0,), (0.1, 9.0)])
def test_few_iterations_have_no_interval_and_none_has_no_figure(values: tuple[float]) -> None:
    figure = headline(iterations(*values))
    assert figure is not None
    assert (figure.low_seconds, figure.half_width_ratio) == (None, None)
    assert headline(iterations(None)) is None


def test_it_stops_when_the_interval_is_narrow_enough_and_not_before_the_least() -> None:
    narrow = iterations(1.0, 1.01, 0.99)
    assert enough(PRECISION, 4, narrow) is None
    stop = enough(PRECISION, 3, narrow)
    assert stop is not None
    assert (stop.reason, stop.iterations, stop.target_ratio) == ("PrecisionReached", 3, 0.05)
    assert stop.half_width_ratio == pytest.approx(0.025, abs=1e-3)


def test_it_repeats_while_the_interval_is_wide_and_stops_at_the_most() -> None:
    wide = iterations(1.0, 2.0, 3.0, 4.0, 5.0)
    assert enough(PRECISION, 3, wide[:4]) is None
    stop = enough(PRECISION, 3, wide)
    assert stop is not None
    assert stop.reason == "MaxIterations"
    assert stop.iterations == 5
