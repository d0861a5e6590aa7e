"""When requests are sent: the intended times of an open loop, made before the first request."""

import math
import random
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

from krobench.api.notation import duration_seconds
from krobench.api.specs.load import Arrival, Load

ValueT = TypeVar("ValueT")

IMPROBABLE = 21.0
"""Bounds of what chance decides are wrong less than once in exp(21), a billion."""

Schedule = tuple[float, ...]
"""Seconds from the beginning of the run phase, one for each instance, in order."""


def schedule(load: Load, count: int) -> Schedule | None:
    """Return the intended times of ``count`` requests; None for a closed loop.

    Equal arguments give equal schedules.
    """
    if load.arrival is Arrival.CLOSED:
        return None
    if load.arrival is Arrival.POISSON:
        return _poisson(_set(load.rate), load.seed, count)
    return tuple(map(_times(load), range(count)))


def last_arrival_seconds(load: Load, count: int, *, drawn: bool = True) -> float | None:
    """Return the intended time of the last of ``count`` requests; None for a closed loop.

    If random times are not ``drawn``, the result is the earliest that they allow.
    """
    if load.arrival is Arrival.CLOSED:
        return None
    if load.arrival is not Arrival.POISSON:
        return _times(load)(count - 1)
    if drawn:
        return _poisson_end(_set(load.rate), load.seed, count)
    # Chernoff's bound for a sum of exponential gaps.
    return max(0.0, count - math.sqrt(2 * IMPROBABLE * count)) / _set(load.rate)


def _times(load: Load) -> Callable[[int], float]:
    """Return the intended time of each request by its position, for arrivals without chance."""
    if load.arrival is Arrival.CONSTANT:
        rate = _set(load.rate)
        return lambda position: position / rate
    if load.arrival is Arrival.BURST:
        burst = _set(load.burst)
        interval = duration_seconds(burst.interval)
        return lambda position: position // burst.size * interval
    seconds = duration_seconds(_set(load.ramp_duration))
    return _ramp(_set(load.rate), _set(load.to_rate), seconds)


@lru_cache(maxsize=256)
def _poisson_end(rate: float, seed: int, count: int) -> float:
    return _poisson(rate, seed, count)[-1]


def _poisson(rate: float, seed: int, count: int) -> Schedule:
    """Independent arrivals: the gaps between them are exponentially distributed."""
    source = random.Random(seed)  # noqa: S311 - to be repeatable, not to be unguessable
    return tuple(accumulate(source.expovariate(rate) for _ in range(count)))


def _ramp(rate: float, to_rate: float, seconds: float) -> Callable[[int], float]:
    """Send instance k when the integral of the rate over time reaches k.

    During the ramp that integral is ``rate * t + slope * t**2 / 2``. Its root is computed in the
    form that divides by a sum of positive numbers, so a slope of zero needs no special case.
    """
    slope = (to_rate - rate) / seconds
    in_ramp = (rate + to_rate) / 2 * seconds

    def at(position: int) -> float:
        if position >= in_ramp:
            return seconds + (position - in_ramp) / to_rate
        return 2 * position / (rate + math.sqrt(rate * rate + 2 * slope * position))

    return at


def _set(value: ValueT | None) -> ValueT:
    """Return a value that the model guarantees to be set."""
    assert value is not None
    return value
