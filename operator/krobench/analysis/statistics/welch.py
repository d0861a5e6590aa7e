"""How well the difference of two means is known where the sides may spread differently.

B. L. Welch, The Generalization of 'Student's' Problem when Several Different Population Variances
are Involved, Biometrika 34 (1947); degrees of freedom after Satterthwaite (Biometrics Bulletin 2,
1946), rounded down, which errs to the wide side.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import variance

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
    # Shares, as squares of what is small may be zero. Without any spread, all values count.
    shares = [part / total for part in parts] if total > 0 else [0.0 for _ in parts]
    weights = sum(share**2 / each for share, each in zip(shares, degrees, strict=True))
    together = math.floor(1 / weights + _ROUNDING) if weights > 0 else sum(degrees)
    return StandardError(math.sqrt(total), together)
