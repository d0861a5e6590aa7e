"""Blocks: the iterations of a run with variants of kro.

A block starts kro with each variant once, in an order that a seeded coin draws for it, and runs one
measured iteration of each test, after its warm-up. So all variants have the same load and as many
restarts, what drifts affects all of them alike, and the blocks are the replicates
(:mod:`krobench.analysis.comparison.blocks`).

With ``spec.decide``, the program looks at what it has after 8, 12, 16, 20 and 24 blocks, and ends
as soon as every variant is decided, or another block would exceed ``maxDuration``. Time that is
not measured buys nothing, so a visit, which is one start of kro with one variant, spends little:

- The RGDs of its tests are created together when it begins, and stay. An API server answers
  requests for a new kind only after a pause, which is then paid once. A test that is about RGDs
  creates its own in each iteration, where that is timed.
- kro takes as long to delete instances as to create them, or several times as long. So if possible,
  all objects stay until kro is replaced, and then go with their namespace.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from krobench.analysis.comparison.blocks import LOOKS, blocks_of, decided
from krobench.analysis.comparison.compare import compare_blocks
from krobench.analysis.comparison.rules import Rules, share
from krobench.api.notation import duration_seconds
from krobench.api.specs.decide import Decide
from krobench.api.specs.load import Operation
from krobench.api.specs.suite import Order
from krobench.figures.catalogue import ALL, SET_UP_SECONDS
from krobench.figures.figure import Phase
from krobench.figures.latencies import LATENCIES
from krobench.findings.comparison import Comparison
from krobench.program.actions import (
    Action,
    CreateRgds,
    Done,
    Entry,
    Result,
    RgdsCreated,
    RunIteration,
    TakeDown,
    results_in,
)
from krobench.program.suite import Slot, Suite, has_ended
from krobench.record.test import IterationRecord
from krobench.workload.deletion import goes_with_namespace
from krobench.workload.source import OWN_RGD
from krobench.workload.testplan import TestPlan, on_kept_rgds

_DELETION = "latency.instanceGone"
_OF_RGDS = (
    SET_UP_SECONDS.name,
    *(f"latency.{name}" for name, of in LATENCIES.items() if of.operation == "create-rgd"),
    *(name for name, figure in ALL.items() if figure.phase is Phase.SET_UP),
)
"""What is measured while RGDs are created: each is the beginning of a name in an expression."""


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
        visit = _visit(action) if isinstance(action, RunIteration) else None
        if visit != _latest_visit(entries) and (left := _left(entries)):
            return left
        if not isinstance(action, RunIteration) or visit is None or action.profiled:
            return action
        created = _created_in(visit, entries)
        if created is None:
            kept = self._keeping_rgds(visit, entries) if self._decide is not None else ()
            return CreateRgds(kept) if kept else action
        plan = action.plan
        if plan.index in created.ready:
            return replace(action, plan=on_kept_rgds(plan, action.index))
        if plan.index in {first.plan.index for first in created.action.first}:
            return replace(action, plan=replace(plan, existing=None, keeps_rgds=False))
        return action

    def _keeping_rgds(
        self, visit: tuple[str | None, int], entries: Sequence[Entry]
    ) -> tuple[RunIteration, ...]:
        """Return the first iterations in a visit of the tests whose RGDs are created together.

        Empty if the visit has begun, or a single iteration uses them, which then creates them.
        Shards have to know whose RGDs they use, and a kind of a user's own RGD can exist only once.
        """
        if any(_visit(result.action) == visit for result in results_in(entries)):
            return ()
        by_test = self._by_test(entries)
        plans = {
            test.index: test
            for test in self.tests
            if test.keeps_rgds and test.load.shards == 1 and test.workload_name != OWN_RGD
        }
        iterations = [
            RunIteration(plans[slot.test], slot.iteration)
            for slot in self._slots
            if slot.test in plans and not has_ended(by_test.get(slot.test, []))
        ]
        ahead = [each for each in iterations if _visit(each) == visit]
        first = {each.plan.index: each for each in reversed(ahead)}
        return tuple(first[index] for index in sorted(first)) if len(ahead) > 1 else ()

    def _next_iteration(
        self, entries: Sequence[Entry], elapsed_seconds: float
    ) -> RunIteration | Done:
        action = self.next_iteration(entries)
        if self._decide is None or not isinstance(action, RunIteration) or action.profiled:
            return action
        block = action.plan.visit_of(action.index)
        begun = {r.action.plan.visit_of(r.action.index) for r in results_in(entries)}
        begun |= {_visit(e.action.first[0])[1] for e in entries if isinstance(e, RgdsCreated)}
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


def _latest_visit(entries: Sequence[Entry]) -> tuple[str | None, int] | None:
    """Return with which start of kro something was done last."""
    for entry in reversed(entries):
        if not isinstance(entry, TakeDown):
            return _visit(entry.action if isinstance(entry, Result) else entry.action.first[0])
    return None


def _left(entries: Sequence[Entry]) -> TakeDown | None:
    """Return the next deletion of what tests have left in place; None if nothing is left.

    If not all goes at once, each test's is deleted apart, as it may be kept because of an error.
    """
    gone: set[int] = set()
    for entry in reversed(entries):
        if isinstance(entry, TakeDown):
            if not entry.of_test:
                return None
            gone.add(entry.plan.index)
        elif isinstance(entry, Result) and entry.action.plan.index not in gone:
            plan = entry.action.plan
            if plan.leaves_objects:
                return TakeDown(plan, with_namespace=True)
            if plan.keeps_rgds:
                return TakeDown(plan, of_test=True)
    return None


def _created_in(visit: tuple[str | None, int], entries: Sequence[Entry]) -> RgdsCreated | None:
    """Return which RGDs were created together in a visit."""
    created = (entry for entry in reversed(entries) if isinstance(entry, RgdsCreated))
    latest = next(created, None)
    return latest if latest and _visit(latest.action.first[0]) == visit else None


def keeping_rgds(tests: Sequence[TestPlan], rules: Rules) -> Sequence[TestPlan]:
    """Return the tests so that those that are not about RGDs keep theirs for a visit."""
    return [
        replace(
            test,
            keeps_rgds=test.keeps_rgds
            or (
                test.workload_name != OWN_RGD
                and test.workload.cel is None
                and test.load.shards == 1
                and not is_about_rgds(test, rules)
            ),
        )
        for test in tests
    ]


def is_about_rgds(test: TestPlan, rules: Rules) -> bool:
    """Whether a test measures how kro creates or updates RGDs."""
    asked = [*rules.primary, *test.thresholds]
    return (
        test.workload.rgds > 1
        or any(phase.operation is Operation.UPDATE_RGD for phase in test.phases)
        or any(name in each for each in asked for name in _OF_RGDS)
    )


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
