"""Student's interval of a mean, without a library that the load Job would have to load."""

import math
import statistics
from collections.abc import Sequence

_CONFIDENCE = 0.95
_STEPS = 60


def half_width(values: Sequence[float]) -> float:
    """Return half the width of the 95% interval of the mean of at least two replicates."""
    error = statistics.stdev(values) / math.sqrt(len(values))
    return t_quantile(_CONFIDENCE, len(values) - 1) * error


def t_quantile(confidence: float, degrees: int) -> float:
    """Return the t that Student's distribution exceeds on either side with 1 - confidence."""
    low, high = 0.0, math.pi / 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _within(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return math.tan(low) * math.sqrt(degrees)


def _within(theta: float, degrees: int) -> float:
    """Return P(|T| <= t) for tan(theta) = t / sqrt(degrees).

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    cosine, odd = math.cos(theta), degrees % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(3 if odd else 2, degrees + 1, 2):
        total += term
        term *= cosine**2 * (k - 1) / k
    if odd:
        return 2 / math.pi * (theta + math.sin(theta) * total)
    return math.sin(theta) * total
