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
    total = sum(parts)
    # Shares, as squares of what is small may be zero. Without any spread, all values count.
    shares = [part / total for part in parts] if total > 0 else [0.0, 0.0]
    weights = sum(share**2 / (len(side) - 1) for share, side in zip(shares, (a, b), strict=True))
    degrees = math.floor(1 / weights + _ROUNDING) if weights > 0 else len(a) + len(b) - 2
    return StandardError(math.sqrt(total), degrees)
