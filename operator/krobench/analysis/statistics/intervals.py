"""Student's t, and intervals of a mean and of a difference of means.

:func:`difference_error` is Welch's (The Generalization of 'Student's' Problem when Several
Different Population Variances are Involved, Biometrika 34, 1947): the two sides may have different
spreads. Degrees of freedom follow Satterthwaite (Biometrics Bulletin 2, 1946), rounded down, which
makes intervals wider rather than narrower.

What cannot be negative, such as a time, has an interval that has no end below zero:
:func:`nonnegative_interval` takes Student's t of the logarithm of the mean, whose error is the
relative error of the mean (the delta method). Simulated with 3, 5 and 10 values: it holds the true
mean in 93 to 95 of 100 for lognormal values with a standard deviation of the logarithm up to 0.6,
for gamma and for exponential values. Student's t of the mean itself holds it in 89 to 95, and has
an end below zero in up to 87 of 100.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import variance

from krobench.figures.cel import Estimate

CONFIDENCE = 0.95
"""Of every interval that is given."""
FEWEST_FOR_INTERVAL = 3
"""Values: the interval of two is 13 times as wide as they are apart, so it says nothing."""
_PRECISION = 1e-9


def t_quantile(confidence: float, degrees: int) -> float:
    """Return the t within which, on both sides of 0, the share ``confidence`` lies."""
    low, high = 0.0, 1.0
    while _within(high, degrees) < confidence:
        high *= 2
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        if _within(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return high


def two_sided_p(t: float, degrees: int) -> float:
    """Return how likely a value at least as far from 0 as ``t`` is."""
    return max(0.0, 1 - _within(abs(t), degrees))


def _within(t: float, degrees: int) -> float:
    """Return P(|T| <= t): the finite series 26.7.3 and 26.7.4 of Abramowitz and Stegun."""
    theta = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = degrees % 2
    term = cosine if odd else 1.0
    series = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees, 2):
        term *= cosine**2 * (k - 1) / k
        series += term
    return 2 / math.pi * (theta + sine * series) if odd else sine * series


_ROUNDING = 1e-9


@dataclass(frozen=True)
class StandardError:
    """The standard error of a difference, and the degrees of freedom of Student's t with it."""

    value: float
    degrees: int


def difference_error(a: Sequence[float], b: Sequence[float]) -> StandardError:
    """Return the error of the difference of two sides' means; each has two values at least."""
    parts = [variance(side) / len(side) for side in (a, b)]
    return combined_error(parts, [len(a) - 1, len(b) - 1])


def combined_error(parts: Sequence[float], degrees: Sequence[int]) -> StandardError:
    """Return the error of a sum of independent estimates, by their variances.

    ``degrees`` are the degrees of freedom that each variance is known with.
    """
    total = sum(parts)
    # Shares, because squares of small numbers may be zero. Without any spread, all values count.
    shares = [part / total for part in parts] if total > 0 else [0.0 for _ in parts]
    weights = sum(share**2 / each for share, each in zip(shares, degrees, strict=True))
    together = math.floor(1 / weights + _ROUNDING) if weights > 0 else sum(degrees)
    return StandardError(math.sqrt(total), together)


def mean_interval(values: Sequence[float]) -> Estimate | None:
    """Return the mean of one value an iteration, with its interval; None without any."""
    found, half = _mean(values)
    if found is not None and half is not None:
        found.low, found.high = found.value - half, found.value + half
    return found


def nonnegative_interval(values: Sequence[float]) -> Estimate | None:
    """Return the same of what cannot be negative: its interval has no end below zero."""
    found, half = _mean(values)
    if found is not None and half is not None:
        factor = math.exp(half / found.value) if found.value > 0 else 1.0
        found.low, found.high = found.value / factor, found.value * factor
    return found


def _mean(values: Sequence[float]) -> tuple[Estimate | None, float | None]:
    """Return the mean, and half the width of its interval by Student's t; None of too few."""
    if not values:
        return None, None
    found = Estimate(value=statistics.fmean(values), n=len(values))
    if len(values) < FEWEST_FOR_INTERVAL:
        return found, None
    error = statistics.stdev(values) / math.sqrt(len(values))
    return found, t_quantile(CONFIDENCE, len(values) - 1) * error


def positive_interval(values: Sequence[float]) -> Estimate | None:
    """Return the geometric mean of one value an iteration, with its interval, which has no end
    below zero; None without a value that is positive."""
    estimate = mean_interval([math.log(value) for value in values if value > 0])
    if estimate is None:
        return None
    return Estimate(
        value=math.exp(estimate.value),
        low=None if estimate.low is None else math.exp(estimate.low),
        high=None if estimate.high is None else math.exp(estimate.high),
        n=estimate.n,
    )


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate | None:
    """Return the ratio of what was measured in the same iterations: the geometric mean, whose
    interval is symmetrical for both ways of asking; None without a pair that is positive."""
    pairs = zip(numerators, denominators, strict=False)
    return positive_interval([above / below for above, below in pairs if above > 0 and below > 0])
