import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.analysis.records import iterations

from krobench.analysis.precision import headline
from krobench.analysis.statistics.intervals import FEWEST_FOR_INTERVAL
from krobench.api import units
from krobench.figures.precision import Headline
from krobench.report.intervals import headline_interval, precision, precision_text, ratio, spanned

POSITIVE = st.floats(1e-3, 1e4)


def number(value: float | None, digits: int = units.DIGITS) -> str:
    assert value is not None
    return f"{value:.{digits}g}"


@given(value=POSITIVE, below=st.floats(0, 1), above=st.floats(1, 50))
def test_an_interval_as_written_holds_its_figure(value: float, below: float, above: float) -> None:
    shown, ends = spanned(value, below * value, above * value, number)
    low, high = map(float, ends.split(" to "))
    assert 0 <= low <= float(shown) <= high


@given(value=POSITIVE, below=st.floats(0, 1), above=st.floats(1, 50))
def test_a_ratio_as_written_lies_within_its_ends(value: float, below: float, above: float) -> None:
    shown, ends = ratio(value, below * value, above * value).rstrip(")").split(" (")
    low, high = map(float, ends.split(" to "))
    assert 0 <= low <= float(shown) <= high


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (1.21, 1.26, ("1.23 s", "1.21 s to 1.26 s")),
        (0.8123, 1.5678, ("1.2 s", "810 ms to 1.6 s")),
    ],
)
def test_a_figure_has_the_digits_that_its_interval_justifies(
    low: float, high: float, shown: tuple[str, str]
) -> None:
    assert spanned(1.2345, low, high, units.seconds) == shown


def test_a_ratio_has_more_decimals_if_its_interval_is_narrow() -> None:
    assert ratio(1.0341, 1.0212, 1.0471) == "1.034 (1.021 to 1.047)"
    assert ratio(1.2123, 0.9412, 1.5312) == "1.21 (0.94 to 1.53)"
    assert ratio(0.0123, 0.01, 0.02) == "0.012 (0.010 to 0.020)"
    assert ratio(1.2123) == "1.21"


def test_an_end_far_off_is_a_factor_and_not_more_than_a_hundred_percent() -> None:
    assert precision(0.0312) == "±3.1 %"
    assert precision(1.14) == "within a factor of 2.1"


@given(values=st.lists(POSITIVE, min_size=1, max_size=6))
def test_too_few_iterations_have_no_interval_anywhere(values: list[float]) -> None:
    figure = headline(iterations(*values))
    assert figure is not None
    _, interval = headline_interval(figure)
    few = len(values) < FEWEST_FOR_INTERVAL
    assert ("too few" in interval) is few
    assert (precision_text(figure) is None) is few


def test_an_interval_of_an_older_version_that_was_cut_off_at_zero_is_not_shown() -> None:
    old = Headline(
        iterations=3, mean_seconds=1.25, low_seconds=0.0, high_seconds=2.67, half_width_ratio=1.14
    )
    assert precision_text(old) is None
    assert headline_interval(old)[0] == "1.25 s"
    assert "0 µs" not in headline_interval(old)[1]
