import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.analysis.resourcequantities import cpu_quantity, memory_quantity, number_of


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("2", 2.0),
        ("1930m", 1.93),
        ("1Gi", 2.0**30),
        ("128Mi", 128 * 2.0**20),
        ("1.5G", 1.5e9),
        ("", None),
        (None, None),
        ("off", None),
    ],
)
def test_quantities_are_numbers(quantity: str | None, number: float | None) -> None:
    assert number_of(quantity) == number


@given(st.floats(1, 1e12))
def test_writes_no_less_memory_than_asked_for(size: float) -> None:
    written = number_of(memory_quantity(size))

    assert written is not None
    assert size <= written < size + 16 * 2**20 + 1


@pytest.mark.parametrize(
    ("cores", "text"), [(0.3, "300m"), (0.301, "350m"), (2.0, "2"), (0.001, "50m")]
)
def test_writes_cores(cores: float, text: str) -> None:
    assert cpu_quantity(cores) == text
