"""Sizes of a scale test that are built upon each other: which one comes on top of what is there.

What a size shows then depends on how much it adds, so that each is always added to the same
smaller one: on the way to a size are all of the spec's that are smaller by at least the smallest
step between two of them. A size of the search so adds no less than the steps of the spec do, and
has as many observations.
"""

from collections.abc import Sequence
from itertools import pairwise


def way_to(size: float, sizes: Sequence[float]) -> tuple[float, ...]:
    """Return the sizes that are run one upon the other up to this one, which is the last.

    ``sizes`` are those of the spec, ascending.
    """
    least = min((high - low for low, high in pairwise(sizes)), default=0.0)
    return (*(below for below in sizes if below < size and below <= size - least), size)


def adds_alike(sizes: Sequence[float]) -> bool:
    """Whether each size, the first too, adds as much as any other."""
    return len({high - low for low, high in pairwise((0.0, *sizes))}) == 1


def next_upon(built: Sequence[float], size: float, sizes: Sequence[float]) -> float | None:
    """Return what is run next on the way to a size, upon those that are built already.

    None where these do not lie on its way, so that all has to be taken down first.
    """
    way = way_to(size, sizes)
    on_the_way = len(built) < len(way) and tuple(built) == way[: len(built)]
    return way[len(built)] if on_the_way else None
