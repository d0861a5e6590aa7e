"""Scale tests simulated from start to end, with a known truth: what limits are held against."""

import math
import random
from collections.abc import Callable

from krobench.findings.scaling import SizeIteration, SizeRecord, SizeVerdict, SloMissed

SLO = "latency.instanceReady.p99 < 1.0"
FIGURE = "latency.instanceReady.p99"

TRUTHS: dict[str, Callable[[float], float]] = {
    "root": lambda size: math.sqrt(size / 1000),
    "proportional": lambda size: size / 1000,
    "square": lambda size: (size / 1000) ** 2,
    "affine": lambda size: 0.5 + 0.5 * size / 1000,
    "bend": lambda size: 0.3 + max(0.0, size - 900) * 0.007,
    "queue": lambda size: 0.2 / (1 - min(size, 1249) / 1250),
}
"""Each is 1 at a size of 1000."""


def size_record(size: float, *values: float | None, bound: float = 1.0) -> SizeRecord:
    """Return a size with an iteration for each value; one without a value missed the SLO."""
    iterations = [
        SizeIteration(
            iteration=index,
            met=value is not None and value < bound,
            breached=[] if value is not None and value < bound else [_missed(value)],
            values={FIGURE: value},
        )
        for index, value in enumerate(values)
    ]
    met = 2 * sum(one.met is True for one in iterations) > len(iterations)
    verdict = SizeVerdict.MET if met else SizeVerdict.BREACHED
    return SizeRecord(size=size, test=f"size-{size:g}", iterations=iterations, verdict=verdict)


def _missed(value: float | None) -> SloMissed:
    return SloMissed(slo=SLO, measured={} if value is None else {FIGURE: value})


class Search:
    """Sizes that double until the SLO is missed, then a bisection to 5 %.

    The two deciding sizes get three iterations each; if that changes a verdict, the search goes on
    from there.
    """

    def __init__(
        self,
        truth: Callable[[float], float],
        scatter: float,
        seed: int,
        largest: float = math.inf,
    ) -> None:
        """``scatter`` is the standard deviation of the logarithm of an iteration's figure, and
        ``largest`` the last size that is tried."""
        self._truth, self._scatter, self._largest = truth, scatter, largest
        self._rng = random.Random(seed)  # noqa: S311 - to be repeatable
        self._values: dict[float, list[float]] = {}

    def sizes(self) -> list[SizeRecord]:
        """Return the sizes, in the order of their first iterations."""
        size = self._rng.choice([25.0, 30.0, 35.0, 40.0, 50.0])
        while self._met(size) and size < self._largest:
            size = min(round(size * 2), self._largest)
        while (pair := self._pair()) is not None:
            last, first = pair
            if first - last > max(1.0, 0.05 * first):
                self._met(round((last + first) / 2))
            elif min(len(self._values[last]), len(self._values[first])) < 3:
                self._measure(last)
                self._measure(first)
            else:
                break
        return [size_record(size, *values) for size, values in self._values.items()]

    def _pair(self) -> tuple[float, float] | None:
        first = min((size for size in self._values if not self._met(size)), default=None)
        smaller = [size for size in self._values if first is not None and size < first]
        return (max(smaller), first) if smaller and first is not None else None

    def _met(self, size: float) -> bool:
        if size not in self._values:
            self._measure(size)
        values = self._values[size]
        return 2 * sum(value < 1 for value in values) > len(values)

    def _measure(self, size: float) -> None:
        value = self._truth(size) * math.exp(self._rng.gauss(0, self._scatter))
        self._values.setdefault(size, []).append(value)
