"""Blocks: the iterations of a run with variants of kro.

A block starts kro with each variant once, in an order that a seeded coin draws for it, and runs one
measured iteration of each test, after its warm-up. So all variants have the same load and as many
restarts, what drifts affects all of them alike, and the blocks are the replicates
(:mod:`krobench.analysis.comparison.blocks`).

With ``spec.decide``, the program looks at what it has after 8, 12, 16, 20 and 24 blocks, and ends
as soon as every variant is decided, or another block would exceed ``maxDuration``. kro takes as
long to delete instances as to create them, or several times as long. So where possible, all objects
of a variant stay until kro is replaced by the next one, and then go with their namespace.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from krobench.analysis.comparison.blocks import LOOKS, blocks_of, decided
from krobench.analysis.comparison.compare import compare_blocks
from krobench.analysis.comparison.rules import Rules, share
from krobench.api.notation import duration_seconds
from krobench.api.specs.decide import Decide
from krobench.api.specs.suite import Order
from krobench.findings.comparison import Comparison
from krobench.program.actions import Action, Entry, Result, RunIteration, TakeDown, results_in
from krobench.program.suite import Slot, Suite
from krobench.record.test import IterationRecord
from krobench.workload.deletion import goes_with_namespace
from krobench.workload.testplan import TestPlan

_DELETION = "latency.instanceGone"


class Blocks(Suite):
    """Runs blocks of all tests with all variants, and then profiles kro."""

    def __init__(
        self,
        tests: Sequence[TestPlan],
        seed: str,
        decide: Decide | None = None,
        rules: Rules | None = None,
    ) -> None:
        """``seed`` is what the coin starts from; equal seeds give equal orders.

        Tests whose plans say so leave their objects until kro restarts.
        """
        super().__init__(tests, Order.SEQUENTIAL)
        self._slots = tuple(in_blocks(self.tests, seed))
        self._decide = decide
        self._rules = rules_to_decide(decide, rules or Rules())
        self.so_far: list[Comparison] = []
        """What the latest look has shown of each variant."""
        self._ended = False

    def next(self, entries: Sequence[Entry], elapsed_seconds: float = 0.0, /) -> Action:
        action = self._next_iteration(entries, elapsed_seconds)
        if not entries or not isinstance(entries[-1], Result):
            return action
        last = entries[-1].action
        if not last.plan.leaves_objects or (
            isinstance(action, RunIteration) and _visit(action) == _visit(last)
        ):
            return action
        return TakeDown(last.plan, with_namespace=True)

    def _next_iteration(self, entries: Sequence[Entry], elapsed_seconds: float) -> Action:
        action = super().next(entries, elapsed_seconds)
        if self._decide is None or not isinstance(action, RunIteration) or action.profiled:
            return action
        block = action.plan.visit_of(action.index)
        begun = {r.action.plan.visit_of(r.action.index) for r in results_in(entries)}
        self._ended = block not in begun and self._may_end(entries, block, elapsed_seconds)
        return self.profile_next(entries) if self._ended else action

    def progress(self, entries: Sequence[Entry]) -> tuple[int, int]:
        done, planned = super().progress(entries)
        return done, done if self._ended else planned

    def _may_end(self, entries: Sequence[Entry], done: int, elapsed_seconds: float) -> bool:
        """Whether the run ends after so many blocks."""
        if self._decide is None or done == 0:
            return False
        if done in LOOKS:
            self.so_far = compared(self.tests, entries, self._rules)
            if all(decided(each.primary, self._rules) for each in self.so_far):
                return True
        with_another = elapsed_seconds * (done + 1) / done
        return with_another > duration_seconds(self._decide.max_duration)


def _visit(action: RunIteration) -> tuple[str | None, int]:
    """Return with which start of kro an iteration runs."""
    return action.plan.variant, action.plan.visit_of(action.index)


def deleted_together(tests: Sequence[TestPlan], rules: Rules) -> Sequence[TestPlan]:
    """Return the tests so that their objects stay until kro restarts, if all of them can.

    They can if everything is in the run's own namespace, which is then deleted, and if nobody asks
    how long kro takes to delete instances: that is timed as each iteration is cleaned up.
    """
    asked = [*rules.primary, *(each for test in tests for each in test.thresholds)]
    if any(_DELETION in each for each in asked) or not all(
        test.namespace is None and test.load.shards == 1 and goes_with_namespace(test.workload)
        for test in tests
    ):
        return tests
    return [replace(test, leaves_objects=True) for test in tests]


def rules_to_decide(decide: Decide | None, rules: Rules) -> Rules:
    """Return the rules with the effect of ``spec.decide``, if there is one.

    A change of half of it counts, so that one of its size is found in more than half of all runs.
    """
    if decide is None:
        return rules
    effect = share(decide.minimum_effect)
    return replace(rules, minimum_effect=effect / 2, slowdown=effect)


def compared(tests: Sequence[TestPlan], entries: Sequence[Entry], rules: Rules) -> list[Comparison]:
    """Return what the blocks so far show of each variant."""
    iterations: dict[int, list[IterationRecord]] = {test.index: [] for test in tests}
    for result in results_in(entries):
        if result.iteration is not None and not result.action.profiled:
            iterations[result.action.plan.index].append(result.iteration)
    sides: dict[str, dict[str, list[IterationRecord]]] = {}
    for test in tests:
        variant = test.variant or ""
        name = test.name.removesuffix(f".{variant}")
        sides.setdefault(variant, {})[name] = iterations[test.index]
    blocks = {
        variant: {test: blocks_of(each) for test, each in of_tests.items()}
        for variant, of_tests in sides.items()
    }
    return compare_blocks(blocks, rules, sequential=True)


def in_blocks(tests: Sequence[TestPlan], seed: str) -> Iterator[Slot]:
    """Yield the iterations block by block; a test with fewer is missing in later blocks."""
    variants = list(dict.fromkeys(test.variant for test in tests))
    done = [0] * len(tests)
    for block in range(max((test.most_iterations for test in tests), default=0)):
        coin = random.Random(f"{seed} {block}")  # noqa: S311 - to be repeatable
        for variant in coin.sample(variants, len(variants)):
            for position, test in enumerate(tests):
                if test.variant != variant or block >= test.most_iterations:
                    continue
                begun = done[position]
                done[position] += test.warmup + 1
                for iteration in range(begun, done[position]):
                    yield Slot(test.index, iteration)
