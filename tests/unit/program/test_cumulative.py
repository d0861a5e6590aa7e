from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from krobench.program.sizes import next_upon, way_to

DOUBLING = (50.0, 100.0, 200.0, 400.0, 800.0)
SIZES = st.lists(st.integers(1, 1000), min_size=1, max_size=10, unique=True).map(
    lambda sizes: tuple(map(float, sorted(sizes)))
)


def test_a_size_of_the_spec_is_built_on_all_smaller_ones() -> None:
    assert way_to(50, DOUBLING) == (50,)
    assert way_to(400, DOUBLING) == (50, 100, 200, 400)


def test_a_size_of_the_search_adds_at_least_the_smallest_difference() -> None:
    assert way_to(566, DOUBLING) == (50, 100, 200, 400, 566)
    assert way_to(430, DOUBLING) == (50, 100, 200, 430)


def test_it_continues_on_what_exists_or_starts_from_nothing() -> None:
    assert next_upon([], 200, DOUBLING) == 50
    assert next_upon([50, 100], 200, DOUBLING) == 200
    assert next_upon([50, 100], 400, DOUBLING) == 200
    assert next_upon([50, 100, 200], 200, DOUBLING) is None, "it is there already"
    assert next_upon([50, 100, 200, 400], 230, DOUBLING) is None


@given(sizes=SIZES, size=st.integers(1, 1000))
def test_the_way_to_a_size_has_no_smaller_difference_than_the_smallest(
    sizes: tuple[float, ...], size: int
) -> None:
    way = way_to(size, sizes)
    assert way[-1] == size
    least = min((b - a for a, b in pairwise(sizes)), default=0.0)
    assert all(0 < high - low >= least for low, high in pairwise(way))
    built: list[float] = []
    while not built or built[-1] != size:
        upon = next_upon(built, size, sizes)
        assert upon is not None
        built.append(upon)
    assert next_upon(built, size, sizes) is None
