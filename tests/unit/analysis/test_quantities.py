import pytest

from krobench.analysis.quantities import number_of


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
