"""Least squares with three terms, none of which may be below zero."""

from collections.abc import Sequence
from itertools import combinations

Row = tuple[float, float, float]
_TINY = 1e-12


def relative_fit(rows: Sequence[Row]) -> Row | None:
    """Return the weights, none below 0, with which the terms of each row come nearest to 1.

    The first weight is above 0. So few terms may be tried in all combinations: the best of those
    without a negative weight is the answer (Lawson and Hanson, Solving Least Squares Problems,
    1974, chapter 23). None where there is none.
    """
    best: tuple[float, Row] | None = None
    for count in range(3):
        for others in combinations((1, 2), count):
            weights = _solve(rows, (0, *others))
            if weights is None or min(weights) < 0 or weights[0] <= 0:
                continue
            left = sum((1 - _dot(weights, row)) ** 2 for row in rows)
            if best is None or left < best[0]:
                best = left, weights
    return best[1] if best is not None else None


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _solve(rows: Sequence[Row], terms: Sequence[int]) -> Row | None:
    """Return the weights of some terms, by the normal equations; the others' are 0."""
    scales = [max(abs(row[term]) for row in rows) for term in terms]
    if min(scales) <= 0:
        return None
    columns = [
        [row[term] / scale for row in rows] for term, scale in zip(terms, scales, strict=True)
    ]
    matrix = [[_dot(left, right) for right in columns] + [sum(left)] for left in columns]
    solved = _eliminate(matrix)
    if solved is None:
        return None
    weights = [0.0, 0.0, 0.0]
    for term, scale, value in zip(terms, scales, solved, strict=True):
        weights[term] = value / scale
    return weights[0], weights[1], weights[2]


def _eliminate(matrix: list[list[float]]) -> list[float] | None:
    """Solve the equations in the rows, each with its right side last."""
    size = len(matrix)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(matrix[row][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        if abs(matrix[column][column]) < _TINY:
            return None
        for row in range(size):
            if row != column:
                share = matrix[row][column] / matrix[column][column]
                matrix[row] = [
                    value - share * other
                    for value, other in zip(matrix[row], matrix[column], strict=True)
                ]
    return [matrix[index][-1] / matrix[index][index] for index in range(size)]
