"""Where a sequence of observations has come to a steady state: MSER.

White, An effective truncation heuristic for bias reduction in simulation output, Simulation 69
(1997), cuts a sequence where the standard error of the mean of what is left is smallest: of n
observations, the first d go, for the d that minimises

    sum((x[i] - mean(x[d:]))**2 for i >= d) / (n - d)**2

MSER-5 does the same over means of five. The minimum is unreliable if few are left, so the last
five are not candidates; and a minimum in the second half means that half of the sequence is not a
sample of a steady state (White, Cobb & Spratt, WSC 2000).

MSER alone is quick to cut: of ten observations that differ by chance only it cuts some in 46 of
100 cases, and its minimum for latencies of a queue at 60 % load is in the second half in 27 of
100. So a cut of iterations has to halve the statistic (then it is made without need in 6 of 100
cases of twelve iterations, in 2 of fifteen), and a sequence is called unsteady only if the
medians of its halves differ by a factor, too. For latencies that is 2: in a simulation of 200
Poisson arrivals at one server, this found no steady state in 1 of 100 cases at 60 % load, in 6 at
80 %, in 20 at 90 % and in 82 at 120 %; close to saturation, 200 arrivals *are* too few to settle.

Latencies alone miss a plain overload where the server does not take requests in their order: if
all become ready towards the end, the first wait as long as the last. So the rates are compared,
too: a load outruns the server if more than half of its requests are not done when the last is due,
and those that get done come at less than half the rate of those that are due. In the simulation
above this found an overload in none of 300 cases at loads of up to 120 %, whatever the order, in
half of them at 200 %, and in all at 300 %. A load that is shorter than the scatter of the
latencies looks like one.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MIN_ITERATIONS = 12
MIN_REQUESTS = 100
_NO_CANDIDATES = 5
_BATCH = 5
_WORTHWHILE = 0.5
_ITERATIONS_FACTOR = 1.25
_REQUESTS_FACTOR = 2.0
_WAITING_SHARE = 0.5
_DONE_RATIO = 0.5


@dataclass(frozen=True)
class Steadiness:
    """What MSER finds in a sequence."""

    cut: int
    """Observations at its beginning that are not of the steady state."""
    steady: bool
    """False if there is none: the observations keep changing."""
    halves_ratio: float
    """Median of the second half over that of the first."""


def of_iterations(values: Sequence[float]) -> Steadiness | None:
    """Judge the headline figures of a test's iterations; None if there are too few to tell."""
    if len(values) < MIN_ITERATIONS:
        return None
    statistic = _mser(values)
    cut = min(range(len(statistic)), key=statistic.__getitem__)
    ratio = _halves_ratio(values)
    if cut > len(values) / 2:
        return Steadiness(0, steady=not _differs(ratio, _ITERATIONS_FACTOR), halves_ratio=ratio)
    if statistic[cut] > _WORTHWHILE * statistic[0]:
        cut = 0
    return Steadiness(cut, steady=True, halves_ratio=ratio)


def of_latencies(values: Sequence[float]) -> Steadiness | None:
    """Judge latencies in the order in which their requests were due; None if there are too
    few to tell."""
    if len(values) < MIN_REQUESTS:
        return None
    whole = len(values) - len(values) % _BATCH
    batches = [statistics.fmean(values[i : i + _BATCH]) for i in range(0, whole, _BATCH)]
    statistic = _mser(batches)
    cut = min(range(len(statistic)), key=statistic.__getitem__)
    ratio = _halves_ratio(values)
    unsteady = cut > len(batches) / 2 and _differs(ratio, _REQUESTS_FACTOR)
    return Steadiness(cut * _BATCH, steady=not unsteady, halves_ratio=ratio)


@dataclass(frozen=True)
class Pace:
    """The rate at which requests are due, and that at which they get done."""

    waiting: int
    """Requests that are not done when the last is due."""
    due_per_second: float
    done_per_second: float

    def outruns(self, requests: int) -> bool:
        """Return whether the load is more than the server can take."""
        return (
            self.waiting > _WAITING_SHARE * requests
            and self.done_per_second < _DONE_RATIO * self.due_per_second
        )


def pace(due_seconds: Sequence[float], done_seconds: Sequence[float]) -> Pace | None:
    """Compare the rates of requests and of answers; None if there are too few to tell.

    Requests that were never done are in ``due_seconds`` only.
    """
    if len(due_seconds) < MIN_REQUESTS or len(done_seconds) < MIN_REQUESTS:
        return None
    due_per_second, done_per_second = _rate(due_seconds), _rate(done_seconds)
    if due_per_second is None or done_per_second is None:
        return None
    last_due = max(due_seconds)
    waiting = len(due_seconds) - sum(at <= last_due for at in done_seconds)
    return Pace(waiting, due_per_second, done_per_second)


def _rate(times_seconds: Sequence[float]) -> float | None:
    """Return the rate of the middle eight tenths, so that a few stragglers do not decide."""
    ordered = sorted(times_seconds)
    tenth = len(ordered) // 10
    middle = ordered[tenth : len(ordered) - tenth]
    span = middle[-1] - middle[0]
    return (len(middle) - 1) / span if span > 0 else None


def _mser(values: Sequence[float]) -> list[float]:
    """Return White's statistic for each number of observations that may be cut."""
    total = squares = 0.0
    statistic = []
    for count, value in enumerate(reversed(values), start=1):
        total += value
        squares += value * value
        statistic.append(max(0.0, squares - total * total / count) / count**2)
    statistic.reverse()
    return statistic[:-_NO_CANDIDATES]


def _halves_ratio(values: Sequence[float]) -> float:
    half = len(values) // 2
    first, second = statistics.median(values[:half]), statistics.median(values[half:])
    return second / first if first > 0 else 1.0


def _differs(ratio: float, factor: float) -> bool:
    return not 1 / factor < ratio < factor
