"""Bootstraps: shared random numbers and quantiles.

Equal input gives equal output on every machine: each bootstrap starts from the same seed.
"""

import math
import random
from collections.abc import Iterable, Sequence
from statistics import NormalDist

from krobench.analysis.statistics.intervals import CONFIDENCE, t_quantile

_SEED = 20_240_607


def seeded(stream: int = 0) -> random.Random:
    """Return the random numbers of a bootstrap, from their beginning.

    A bootstrap that draws from the draws of another needs another ``stream``, or both correlate.
    """
    return random.Random(_SEED + stream)  # noqa: S311 - nothing secret


def percentile_ends(
    drawn: Iterable[float], tail: float = (1 - CONFIDENCE) / 2
) -> tuple[float, float]:
    """Return the ends of a percentile interval, each of which leaves out this share of the draws,
    of which there is at least one."""
    values = sorted(drawn)
    return _quantile(values, tail), _quantile(values, 1 - tail)


def expanded_ends(drawn: Iterable[float], degrees: int) -> tuple[float, float]:
    """Return the ends of an interval of draws that rest on few values.

    They make a bootstrap too narrow, which is made up for by the expanded percentiles of Hesterberg
    (What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015).
    """
    return percentile_ends(drawn, NormalDist().cdf(-t_quantile(CONFIDENCE, degrees)))


def _quantile(values: Sequence[float], q: float) -> float:
    """Return the q-quantile of ascending values, by linear interpolation."""
    position = q * (len(values) - 1)
    low = math.floor(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (position - low)
