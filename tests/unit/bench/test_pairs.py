from itertools import islice

import pytest

from bench.pairs import Cell, Outcome, as_table, one_beyond, wilson


def outcomes(row: str, column: str, **by_shape: list[bool]) -> list[Outcome]:
    return [
        Outcome(Cell(row, column), shape, yes) for shape, said in by_shape.items() for yes in said
    ]


def test_a_cell_has_its_share_with_the_interval_and_shapes_that_differ_much() -> None:
    alike = outcomes("a", "2%", root=[True, False], square=[False, True])
    apart = outcomes("b", "2%", root=[True] * 4, square=[False] * 4)
    elsewhere = outcomes("b", "20%", root=[False])
    text = as_table("of 100", iter(alike + apart + elsewhere))
    assert "| a | 50 (15 to 85) | not simulated |" in text
    assert "| b | 50 (22 to 78); by shape 0 to 100 | 0 (0 to 79) |" in text


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Newcombe (Statistics in Medicine 17, 1998), table I: 81 of 263, and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_equal_seeds_give_equal_tables() -> None:
    first, again, other = (as_table("t", islice(one_beyond(9, seed), 36)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
