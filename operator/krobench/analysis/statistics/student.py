"""Student's t distribution for whole degrees of freedom."""

import math

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
