"""Whose turn it is: the iterations of all tests as one sequence, laid out beforehand.

A cluster drifts: caches fill, neighbours come and go, kro's heap grows. Tests that are run one
after another meet different clusters, and their difference is in part that drift. Interleaved,
all of them meet the same; and as every second round goes backwards (ABBA), none always follows
another, and a drift that is linear in time weighs equally on all [Box, Hunter & Hunter,
Statistics for Experimenters, on blocking].

Variants of kro go in such rounds whatever the order of the tests, as each change of variant is a
restart of kro. A round is one measured iteration of each test under each variant; after each
restart come the warm-up iterations of a test, before its first measured one. The suite puts a
variant in force before the turn of a slot whose variant is another than the last one's. A lane
that ends early, as one whose test failed, is skipped by the suite from then on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from krobench.api.specs.suite import Order
from krobench.workload.testplan import TestPlan


@dataclass(frozen=True)
class Slot:
    """A turn of one iteration."""

    test: int
    """Index of the test."""
    iteration: int
    """Index of its iteration, warm-up included."""
    variant: str | None = None
    """What is to be in force meanwhile; None: what is there."""


@dataclass(frozen=True)
class Lane:
    """Iterations that follow one another, with those of other lanes between them."""

    test: int
    iterations: int
    """Warm-up included."""

    def slot(self, iteration: int) -> Slot:
        """Return the turn of an iteration."""
        return Slot(self.test, iteration)


def schedule(tests: Sequence[TestPlan], order: Order) -> tuple[Slot, ...]:
    """Return all turns of a suite, in their order."""
    if any(test.variant is not None for test in tests):
        return tuple(in_rounds_of_variants(tests))
    lanes = [Lane(test.index, test.total_iterations) for test in tests]
    walk = interleaved if order is Order.INTERLEAVED else sequential
    return tuple(walk(lanes))


def sequential(lanes: Sequence[Lane]) -> Iterator[Slot]:
    """Yield all iterations of a lane, then those of the next."""
    for lane in lanes:
        yield from map(lane.slot, range(lane.iterations))


def interleaved(lanes: Sequence[Lane]) -> Iterator[Slot]:
    """Yield the first iteration of each lane, then the second in the opposite order, and so on;
    a lane with fewer iterations is missing in the later rounds."""
    for index in range(max((lane.iterations for lane in lanes), default=0)):
        for lane in lanes if index % 2 == 0 else reversed(lanes):
            if index < lane.iterations:
                yield lane.slot(index)


def in_rounds_of_variants(tests: Sequence[TestPlan]) -> Iterator[Slot]:
    """Yield a measured iteration of each test under each variant, then again with the variants in
    the opposite order, and so on; warm-up iterations come at the beginning of each visit."""
    variants = list(dict.fromkeys(test.variant for test in tests))
    done = [0] * len(tests)
    for index in range(max(test.most_iterations for test in tests)):
        for variant in variants if index % 2 == 0 else reversed(variants):
            for position, test in enumerate(tests):
                if test.variant != variant or index >= test.most_iterations:
                    continue
                begun = done[position]
                while test.is_warmup(done[position]):
                    done[position] += 1
                done[position] += 1
                for iteration in range(begun, done[position]):
                    yield Slot(test.index, iteration, test.variant)
