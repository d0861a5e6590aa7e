"""When each instance of an open loop is to be sent.

Schedules are made before the first request, so that nothing that happens in the run can move
them: that is what makes the loop open.
"""

import math
import random
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

from krobench.api.common import duration_seconds
from krobench.api.specs.load import Arrival, Burst, Load

ValueT = TypeVar("ValueT")

Schedule = tuple[float, ...]
"""Seconds from the beginning of the run phase, one for each instance, in order."""


def schedule(load: Load, count: int) -> Schedule | None:
    """Return the intended send times of ``count`` instances; None for a closed loop.

    Equal arguments give equal schedules.
    """
    match load.arrival:
        case Arrival.CLOSED:
            return None
        case Arrival.CONSTANT:
            return _constant(_set(load.rate), count)
        case Arrival.POISSON:
            return _poisson(_set(load.rate), load.seed, count)
        case Arrival.BURST:
            return _bursts(_set(load.burst), count)
        case Arrival.RAMP:
            seconds = duration_seconds(_set(load.ramp_duration))
            return _ramp(_set(load.rate), _set(load.to_rate), seconds, count)


def last_arrival_seconds(load: Load, count: int) -> float | None:
    """Return when the last of ``count`` instances is sent; None for a closed loop."""
    # Asked for at each look at a spec, and the other schedules are quick to make.
    if load.arrival is Arrival.POISSON:
        return _poisson_end(_set(load.rate), load.seed, count)
    times = schedule(load, count)
    return None if times is None else times[-1]


@lru_cache(maxsize=256)
def _poisson_end(rate: float, seed: int, count: int) -> float:
    return _poisson(rate, seed, count)[-1]


def _constant(rate: float, count: int) -> Schedule:
    return tuple(position / rate for position in range(count))


def _poisson(rate: float, seed: int, count: int) -> Schedule:
    """Independent arrivals: the gaps between them are exponentially distributed."""
    source = random.Random(seed)  # noqa: S311 - to be repeatable, not to be unguessable
    return tuple(accumulate(source.expovariate(rate) for _ in range(count)))


def _bursts(burst: Burst, count: int) -> Schedule:
    interval = duration_seconds(burst.interval)
    return tuple(position // burst.size * interval for position in range(count))


def _ramp(rate: float, to_rate: float, seconds: float, count: int) -> Schedule:
    """Send instance k when the integral of the rate over time reaches k.

    During the ramp that integral is ``rate * t + slope * t**2 / 2``; its root is taken in the
    form that divides by a sum of positive numbers, which holds for a slope of zero too.
    """
    slope = (to_rate - rate) / seconds
    in_ramp = (rate + to_rate) / 2 * seconds

    def at(position: int) -> float:
        if position >= in_ramp:
            return seconds + (position - in_ramp) / to_rate
        return 2 * position / (rate + math.sqrt(rate * rate + 2 * slope * position))

    return tuple(at(position) for position in range(count))


def _set(value: ValueT | None) -> ValueT:
    """Return what the model has checked to be there."""
    assert value is not None
    return value
