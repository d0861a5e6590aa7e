import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.model.quantity import bytes_of, cores_of, cpu_quantity, memory_quantity


@pytest.mark.parametrize(
    ("text", "cores"), [("2", 2.0), ("1930m", 1.93), ("0.5", 0.5), (None, None), ("many", None)]
)
def test_reads_cores(text: str | None, cores: float | None) -> None:
    assert cores_of(text) == cores


@pytest.mark.parametrize(
    ("text", "size"),
    [("1Gi", 2**30), ("500M", 5e8), ("24684092Ki", 24684092 * 1024), ("12", 12.0), ("", None)],
)
def test_reads_bytes(text: str, size: float | None) -> None:
    assert bytes_of(text) == size


@given(st.floats(1, 1e12))
def test_writes_no_less_memory_than_asked_for(size: float) -> None:
    written = bytes_of(memory_quantity(size))

    assert written is not None
    assert size <= written < size + 16 * 2**20 + 1


@pytest.mark.parametrize(
    ("cores", "text"), [(0.3, "300m"), (0.301, "350m"), (2.0, "2"), (0.001, "50m")]
)
def test_writes_cores(cores: float, text: str) -> None:
    assert cpu_quantity(cores) == text
