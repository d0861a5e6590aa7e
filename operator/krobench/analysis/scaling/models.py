"""Models of how a figure depends on size.

Each is fitted to values by size and predicts the figure at another size.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Protocol

from krobench.analysis.statistics.theilsen import Line, fit_line
from krobench.findings.scaling import CurveFit, CurveModel

Values = Mapping[float, Sequence[float]]
"""Values by size."""
Row = tuple[float, float, float]
_TINY = 1e-12


def relative_fit(rows: Sequence[Row]) -> Row | None:
    """Return the weights, none below 0, with which the terms of each row come nearest to 1.

    The first weight is above 0. So few terms may be tried in all combinations: the best of those
    without a negative weight is the answer (Lawson and Hanson, Solving Least Squares Problems,
    1974, chapter 23). None if there is none.
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


_KNEES = 60
"""Sizes that are tried as the knee, and again around the best of them."""


class Fitted(Protocol):
    """A model with its parameters."""

    @property
    def parameters(self) -> Mapping[str, float]:
        """Return the parameters by their names."""
        ...

    def at(self, size: float) -> float:
        """Return the figure at a size above 0."""
        ...


@dataclass(frozen=True)
class Linear:
    """``intercept + slope * size``, by Theil and Sen."""

    line: Line

    @property
    def parameters(self) -> Mapping[str, float]:
        return {"intercept": self.line.intercept, "slope": self.line.slope}

    def at(self, size: float) -> float:
        return self.line.at(size)

    def size_of(self, value: float) -> float | None:
        """Return the size at which the figure has grown to a value."""
        return (value - self.line.intercept) / self.line.slope if self.line.slope > 0 else None


@dataclass(frozen=True)
class Power:
    """``factor * size ** exponent``: a line by Theil and Sen through the logarithms."""

    line: Line

    @property
    def parameters(self) -> Mapping[str, float]:
        return {"factor": _exp(self.line.intercept), "exponent": self.line.slope}

    def at(self, size: float) -> float:
        return _exp(self.line.at(math.log(size)))

    def size_of(self, value: float) -> float | None:
        """Return the size at which the figure has grown to a value."""
        if self.line.slope <= 0:
            return None
        return _exp((math.log(value) - self.line.intercept) / self.line.slope)


@dataclass(frozen=True)
class Scalability:
    """The Universal Scalability Law: ``one * n / (1 + contention * (n - 1) + coherency * n *
    (n - 1))``.

    N. J. Gunther, Guerrilla Capacity Planning, 2007, chapter 4; A General Theory of Computational
    Scalability Based on Rational Functions, arXiv:0808.1431.
    """

    one: float
    contention: float
    coherency: float

    @property
    def parameters(self) -> Mapping[str, float]:
        return {"one": self.one, "contention": self.contention, "coherency": self.coherency}

    def at(self, size: float) -> float:
        slowed = 1 + self.contention * (size - 1) + self.coherency * size * (size - 1)
        return self.one * size / slowed if slowed > 0 else math.inf

    @property
    def peak(self) -> float:
        """The size of the greatest throughput; infinite if it only ever grows."""
        if self.coherency <= 0:
            return math.inf
        return math.sqrt(max(0.0, 1 - self.contention) / self.coherency)


@dataclass(frozen=True)
class Knee:
    """Flat up to the knee, then rising: two straight pieces over the logarithms."""

    level: float
    knee: float
    exponent: float

    @property
    def parameters(self) -> Mapping[str, float]:
        return {"level": self.level, "knee": self.knee, "exponent": self.exponent}

    def at(self, size: float) -> float:
        rise = self.exponent * max(0.0, math.log(size) - math.log(self.knee))
        return self.level * _exp(rise)


def fit_linear(values: Values) -> Linear | None:
    """Return the straight line; None for fewer than two sizes."""
    line = fit_line(values)
    return Linear(line) if line is not None else None


def fit_power(values: Values) -> Power | None:
    """Return the power law; None if a value is not above 0."""
    logs = _logs(values)
    line = fit_line(logs) if logs is not None else None
    return Power(line) if line is not None else None


def fit_scalability(values: Values) -> Scalability | None:
    """Return the law that leaves the least squares of deviations, as ratios.

    Over ``n / throughput``, it is a sum of three terms, each at least 0.
    """
    points = [(n, x) for n, each in values.items() for x in each]
    if len(values) < 3 or any(x <= 0 for _, x in points):
        return None
    rows = [(x / n, (n - 1) * x / n, (n - 1) * x) for n, x in points]
    found = relative_fit(rows)
    if found is None:
        return None
    base, contention, coherency = found
    return Scalability(1 / base, contention / base, coherency / base)


def fit_knee(values: Values) -> Knee | None:
    """Return the two pieces that leave the least squares of logarithms."""
    logs = _logs(values)
    if logs is None or len(logs) < 4:
        return None
    sizes = sorted(logs)
    points = [(x, y) for x, each in logs.items() for y in each]
    start, end = sizes[1], sizes[-2]
    for _ in range(2):
        width = (end - start) / _KNEES
        tried = (_two_pieces(points, start + width * index) for index in range(_KNEES + 1))
        best = min(tried, key=lambda pieces: pieces[0])
        start, end = max(sizes[1], best[1] - width), min(sizes[-2], best[1] + width)
    _, knee, level, slope = best
    return Knee(_exp(level), _exp(knee), slope)


def fitted_of(record: CurveFit) -> Fitted:
    """Return a fit that was recorded."""
    values = {each.name: each.value for each in record.parameters}
    match record.model:
        case "linear":
            return Linear(Line(values["intercept"], values["slope"]))
        case "power":
            return Power(Line(math.log(values["factor"]), values["exponent"]))
        case "usl":
            return Scalability(values["one"], values["contention"], values["coherency"])
        case "knee":
            return Knee(values["level"], values["knee"], values["exponent"])


FITS: Mapping[CurveModel, tuple[Callable[[Values], Fitted | None], int]] = {
    "linear": (fit_linear, 2),
    "power": (fit_power, 2),
    "usl": (fit_scalability, 3),
    "knee": (fit_knee, 3),
}
"""How each is fitted, and how many parameters it has."""


def _two_pieces(
    points: list[tuple[float, float]], knee: float
) -> tuple[float, float, float, float]:
    """Return the squares that are left, the knee, the level before it and the slope after it."""
    beyond = [max(0.0, x - knee) for x, _ in points]
    mean_x, mean_y = fmean(beyond), fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x in beyond)
    together = sum((x - mean_x) * (y - mean_y) for x, (_, y) in zip(beyond, points, strict=True))
    slope = max(0.0, together / spread) if spread > 0 else 0.0
    level = mean_y - slope * mean_x
    left = sum((y - level - slope * x) ** 2 for x, (_, y) in zip(beyond, points, strict=True))
    return left, knee, level, slope


def _logs(values: Values) -> dict[float, list[float]] | None:
    if any(value <= 0 for each in values.values() for value in each):
        return None
    return {math.log(size): [math.log(value) for value in each] for size, each in values.items()}


def _exp(value: float) -> float:
    return math.exp(min(700.0, max(-700.0, value)))
