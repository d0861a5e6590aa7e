"""Models of how a figure depends on size.

Each is fitted to values by size and predicts the figure at another size.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import itemgetter, mul
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
    scales = [max(map(abs, column)) or 1.0 for column in zip(*rows, strict=True)]
    columns = [
        [value / scale for value in column]
        for column, scale in zip(zip(*rows, strict=True), scales, strict=True)
    ]
    normal = [[_dot(left, right) for right in columns] + [sum(left)] for left in columns]
    best: tuple[float, Row] | None = None
    for count in range(3):
        for others in combinations((1, 2), count):
            weights = _solve(normal, scales, (0, *others))
            if weights is None or min(weights) < 0 or weights[0] <= 0:
                continue
            first, second, third = weights
            left = sum([(1 - (first * a + second * b + third * c)) ** 2 for a, b, c in rows])
            if best is None or left < best[0]:
                best = left, weights
    return best[1] if best is not None else None


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return float(sum(map(mul, left, right)))


def _solve(
    normal: Sequence[Sequence[float]], scales: Sequence[float], terms: Sequence[int]
) -> Row | None:
    """Return the weights of some terms, by their normal equations; the others' are 0."""
    solved = _eliminate([[normal[row][column] for column in (*terms, -1)] for row in terms])
    if solved is None:
        return None
    weights = [0.0, 0.0, 0.0]
    for term, value in zip(terms, solved, strict=True):
        weights[term] = value / scales[term]
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
    pieces = _Pieces([(x, y) for x, each in logs.items() for y in each])
    start, end = sizes[1], sizes[-2]
    for _ in range(2):
        width = (end - start) / _KNEES
        tried = (pieces.bent_at(start + width * index) for index in range(_KNEES + 1))
        best = min(tried, key=itemgetter(0))
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


class _Pieces:
    """Least squares of a level and a slope after a knee, from sums over the points beyond it.

    The sums make a knee cost the same whatever the number of points.
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._count = len(points)
        self._mean = fmean(y for _, y in points)
        self._squares = sum((y - self._mean) ** 2 for _, y in points)
        self._negated: list[float] = []
        """Each x, ascending; of as many as are beyond a knee, ``_sums`` has the sums at their
        number."""
        self._sums = [(0.0, 0.0, 0.0, 0.0)]
        for x, value in sorted(points, reverse=True):
            y = value - self._mean
            sum_x, sum_y, sum_xx, sum_xy = self._sums[-1]
            self._negated.append(-x)
            self._sums.append((sum_x + x, sum_y + y, sum_xx + x * x, sum_xy + x * y))

    def bent_at(self, knee: float) -> tuple[float, float, float, float]:
        """Return the squares that are left, the knee, the level before and the slope after it."""
        beyond = bisect_left(self._negated, -knee)
        sum_x, sum_y, sum_xx, sum_xy = self._sums[beyond]
        mean = (sum_x - beyond * knee) / self._count
        spread = sum_xx - 2 * knee * sum_x + beyond * knee**2 - self._count * mean**2
        together = sum_xy - knee * sum_y
        slope = max(0.0, together / spread) if spread > 0 else 0.0
        return self._squares - slope * together, knee, self._mean - slope * mean, slope


def _logs(values: Values) -> dict[float, list[float]] | None:
    if any(value <= 0 for each in values.values() for value in each):
        return None
    return {math.log(size): [math.log(value) for value in each] for size, each in values.items()}


def _exp(value: float) -> float:
    return math.exp(min(700.0, max(-700.0, value)))
