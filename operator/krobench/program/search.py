"""A limit search: which size of a ``KroScaleTest`` comes next, decided from the results so far.

Sizes grow until one breaches the SLOs. Then the two sizes around the limit, the last that met them
and the first that breached them, are repeated, and the interval between them is halved again and
again until it is as narrow as asked for. Each size takes the same number of iterations. A repeated
size may change its verdict: then the search continues from the new interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from krobench.analysis.scaling.limit import find_limit
from krobench.analysis.scaling.slos import is_measured, judge_iteration
from krobench.api.notation import duration_seconds
from krobench.api.specs.scaletest import MAX_SIZES, KroScaleTestSpec
from krobench.api.specs.validity import ValiditySettings
from krobench.findings.scaling import (
    AnyStop,
    BudgetUsedUp,
    ScaleRecord,
    SizeInvalid,
    SizeIteration,
    SizeNotMeasured,
    SizeRecord,
    SizeVerdict,
)
from krobench.program.actions import (
    Action,
    Done,
    Entry,
    Result,
    RunIteration,
    Shortfall,
    TakeDown,
    results_in,
)
from krobench.program.sizes import (
    Sizes,
    next_upon,
    on_top_of,
    plan_size,
    rounded,
    standalone,
)
from krobench.workload.testplan import Creator, TestPlan

MOST_UNDECIDED = 3
"""Iterations of a size without a valid result before the search gives up on it."""


@dataclass(frozen=True)
class _State:
    """What follows from the results so far."""

    scale: ScaleRecord
    built: list[tuple[float, TestPlan]]
    """Sizes in place, each on top of the one before, with the plans that created them."""
    creator: Creator | None
    """The iteration that created the RGDs that these sizes share."""


class Search:
    """Grows a size until kro no longer meets the SLOs, and narrows the limit down."""

    def __init__(
        self,
        spec: KroScaleTestSpec,
        sizes: Sizes,
        validity: ValiditySettings,
        shortest_seconds: float,
        stopped: AnyStop | None = None,
    ) -> None:
        """No iteration starts with less than ``shortest_seconds`` left of the budget."""
        self._spec = spec
        self._sizes = sizes
        self._validity = validity
        self._shortest_seconds = shortest_seconds
        self._stopped = stopped
        self._judged: dict[int, tuple[Result, SizeIteration]] = {}
        """By the result's id: judging one takes a moment."""

    def next(self, entries: Sequence[Entry], elapsed_seconds: float) -> Action:
        spec, usable = self._spec, self._sizes.usable
        results = results_in(entries)
        state = self._state(entries)
        records = state.scale.sizes
        warmups = sum(result.action.warmup and not result.action.profiled for result in results)
        warmup = warmups < spec.warmup and not any(record.verdict for record in records)
        size = usable[0] if warmup else next_size(spec, usable, records)
        left = spec.budget.duration_seconds - elapsed_seconds
        if self._stopped is not None:
            return self._end(results, state, Done(self._stopped))
        if any(self._is_cut_short(result) for result in results):
            return self._end(results, state, self._out_of_time(records))
        if size is None:
            return self._end(results, state, Done(self._why_ended(results, records)))
        upon = None
        if spec.sizes.cumulative:
            built = [each for each, _ in state.built]
            following = next_upon(built, size, usable)
            if following is None:
                return TakeDown(state.built[-1][1])
            size, upon = following, built[-1] if built else None
        ended = any(result.action.profiled for result in results)
        if ended or left < self._shortest_seconds:
            return self._end(results, state, self._out_of_time(records))
        return self._action(results, state, size, upon, left, warmup=warmup)

    def stopped(self, reason: AnyStop) -> "Search":
        """Return a search that ends now; the results of earlier sizes are kept."""
        return Search(self._spec, self._sizes, self._validity, self._shortest_seconds, reason)

    def scale(self, entries: Sequence[Entry], current: RunIteration | None = None) -> ScaleRecord:
        """Return what is known by now; ``current`` is the iteration that is running."""
        scale = self._state(entries).scale
        if current is not None and current.size is not None:
            _record_of(scale.sizes, current, self._sizes)
        if bracket_of(scale.sizes).first_breach is not None:
            # Before a breach, the limit may lie beyond all sizes.
            scale.limit = find_limit(scale.sizes, self._spec.slo, scale.stopped)
        return scale

    def ahead(self, entries: Sequence[Entry], action: RunIteration) -> int:
        """Return how many sizes probably follow an iteration."""
        bracket = bracket_of(self._state(entries).scale.sizes)
        if action.profiled or action.size is None or bracket.first_breach is not None:
            return 0
        return sum(size > action.size for size in self._sizes.usable)

    def _action(
        self,
        results: Sequence[Result],
        state: _State,
        size: float,
        upon: float | None,
        left_seconds: float,
        *,
        warmup: bool,
    ) -> RunIteration:
        spec, records = self._spec, state.scale.sizes
        position = next(
            (i for i, record in enumerate(records) if record.size == size), len(records)
        )
        own = [result.action for result in results if result.action.size == size]
        warmups = sum(action.warmup for action in own) + warmup
        measured = len(own) + 1 - warmups
        plan = replace(
            plan_size(spec, position, size),
            warmup=warmups,
            iterations=measured,
            visits=(measured,),
            timeout_seconds=min(left_seconds, duration_seconds(spec.timeout)),
        )
        if spec.sizes.cumulative and not warmup:
            creator = state.creator or Creator(position, len(own))
            plan = on_top_of(spec, plan, upon, creator)
        replaces = None
        if position < len(records) and records[position].iterations:
            last = records[position].iterations[-1]
            replaces = last.iteration if last.met is None else None
        return RunIteration(plan, len(own), replaces=replaces, size=size, upon=upon)

    def _end(self, results: Sequence[Result], state: _State, done: Done) -> Action:
        """Take down what is in place, profile kro if asked for, and end.

        kro is profiled at the smallest size that breached the SLOs, or at the largest that met
        them.
        """
        if state.built:
            return TakeDown(state.built[-1][1])
        bracket = bracket_of(state.scale.sizes)
        record = bracket.first_breach or bracket.last_met
        profiled = any(result.action.profiled for result in results)
        if record is None or not self._spec.collect.profiles or profiled:
            return done
        last = next(r.action.plan for r in reversed(results) if r.action.size == record.size)
        return RunIteration(standalone(last), last.profiled_index, size=record.size)

    def _state(self, entries: Sequence[Entry]) -> _State:
        records: list[SizeRecord] = []
        built: list[tuple[float, TestPlan]] = []
        creator: Creator | None = None
        for entry in entries:
            if isinstance(entry, TakeDown):
                built, creator = [], None
            if not isinstance(entry, Result):
                continue
            action, iteration = entry.action, entry.iteration
            if action.size is None or action.profiled:
                continue
            record = _record_of(records, action, self._sizes)
            if action.plan.leaves_objects:
                creator = creator or Creator(action.plan.index, action.index)
                built.append((action.size, action.plan))
            if entry.error is not None or iteration is None or not is_measured(iteration):
                record.verdict = SizeVerdict.FAILED
            elif not action.warmup:
                record.iterations.append(self._judge(entry))
                record.verdict = verdict_of(record)
                _mark_decisive(records)
        scale = ScaleRecord(axis=self._spec.axis, planned=list(self._sizes.usable), sizes=records)
        return _State(scale, built, creator)

    def _judge(self, result: Result) -> SizeIteration:
        if id(result) not in self._judged:
            assert result.iteration is not None
            judged = judge_iteration(result.iteration, self._spec.slo, self._validity)
            changes: dict[str, object] = {"upon": result.action.upon}
            if self._is_cut_short(result):
                changes |= {"met": None, "undecided": self._budget_used_up()}
            self._judged[id(result)] = result, judged.model_copy(update=changes)
        return self._judged[id(result)][1]

    def _is_cut_short(self, result: Result) -> bool:
        """Whether the budget, and not the timeout, ended an iteration."""
        full = duration_seconds(self._spec.timeout)
        timed_out = result.iteration is not None and result.iteration.timed_out
        return timed_out and result.action.plan.timeout_seconds < full

    def _out_of_time(self, records: Sequence[SizeRecord]) -> Done:
        """Return the end of a search whose budget is used up.

        If kro met the SLOs at the largest size, only further iterations of it are missing, and the
        limit lies beyond all sizes.
        """
        last = records[-1] if records else None
        breached = bracket_of(records).first_breach is not None
        whole = last is not None and last.size == self._sizes.usable[-1]
        if last is None or not whole or breached or last.verdict is not SizeVerdict.MET:
            return Done(self._budget_used_up())
        done = sum(each.met is not None for each in last.iterations)
        return Done(self._sizes.left_out, Shortfall(last.test, done, self._budget_used_up()))

    def _budget_used_up(self) -> BudgetUsedUp:
        return BudgetUsedUp(duration=self._spec.budget.duration)

    def _why_ended(
        self, results: Sequence[Result], records: Sequence[SizeRecord]
    ) -> AnyStop | None:
        """Return why no size follows; None if the search is complete."""
        for record in records:
            if record.verdict is SizeVerdict.FAILED:
                errors = [r.error for r in results if r.action.size == record.size and r.error]
                return SizeNotMeasured(test=record.test, error=errors[-1] if errors else None)
            if record.verdict is SizeVerdict.INVALID:
                count, last = len(record.iterations), record.iterations[-1]
                return SizeInvalid(test=record.test, iterations=count, last=last.undecided)
        if bracket_of(records).first_breach is None:
            return self._sizes.left_out
        return None


def _mark_decisive(records: Sequence[SizeRecord]) -> None:
    bracket = bracket_of(records)
    ends = [record.size for record in bracket.ends]
    for record in records:
        undecided = record.verdict is SizeVerdict.INVALID and bracket.first_breach is None
        record.decisive = record.refined or record.size in ends or undecided


def _record_of(records: list[SizeRecord], action: RunIteration, sizes: Sizes) -> SizeRecord:
    """Return the record of an iteration's size, which is added if it is new."""
    assert action.size is not None
    for record in records:
        if record.size == action.size:
            return record
    record = SizeRecord(
        size=action.size, test=action.plan.name, refined=action.size not in sizes.usable
    )
    records.append(record)
    return record


@dataclass(frozen=True)
class Bracket:
    """The sizes around the limit, as far as they are known."""

    last_met: SizeRecord | None
    """The largest that met all SLOs, as did all smaller ones."""
    first_breach: SizeRecord | None
    """The smallest that did not meet them."""

    @property
    def ends(self) -> tuple[SizeRecord, ...]:
        return tuple(record for record in (self.last_met, self.first_breach) if record is not None)


def next_size(
    spec: KroScaleTestSpec, sizes: Sequence[float], records: Sequence[SizeRecord]
) -> float | None:
    """Return the size to run next; None if the search is complete.

    ``sizes`` are the usable ones of the spec.
    """
    if any(record.verdict is SizeVerdict.FAILED for record in records):
        return None
    undecided = [record for record in records if not _decided(record)]
    if any(len(record.iterations) >= MOST_UNDECIDED for record in undecided):
        return None
    if undecided:
        return undecided[0].size
    bracket = bracket_of(records)
    if bracket.first_breach is None or not spec.search.stop_at_breach:
        for size in sizes[:MAX_SIZES]:
            if all(size != record.size for record in records):
                return size
    for record in sorted(bracket.ends, key=lambda record: len(record.iterations)):
        if needs_iteration(record, spec.iterations):
            return record.size
    return _between(spec, bracket) if len(records) < MAX_SIZES else None


def bracket_of(records: Sequence[SizeRecord]) -> Bracket:
    last_met = None
    for record in sorted(records, key=lambda record: record.size):
        verdict = verdict_of(record)
        if verdict is SizeVerdict.BREACHED:
            return Bracket(last_met, record)
        if verdict is SizeVerdict.MET:
            last_met = record
    return Bracket(last_met, None)


def verdict_of(record: SizeRecord) -> SizeVerdict | None:
    """Return the verdict of most iterations; those without a valid result do not count.

    A tie is a breach. None before the first iteration has ended.
    """
    if record.verdict is SizeVerdict.FAILED or not record.iterations:
        return record.verdict
    decided = [each.met for each in record.iterations if each.met is not None]
    if not decided:
        return SizeVerdict.INVALID
    return SizeVerdict.MET if 2 * sum(decided) > len(decided) else SizeVerdict.BREACHED


def needs_iteration(record: SizeRecord, iterations: int) -> bool:
    """Whether a size needs another iteration to have this many with a valid result."""
    decided = _decided(record)
    return decided < iterations and len(record.iterations) - decided < MOST_UNDECIDED


def _decided(record: SizeRecord) -> int:
    return sum(each.met is not None for each in record.iterations)


def _between(spec: KroScaleTestSpec, bracket: Bracket) -> float | None:
    """Return a size between the two around the limit, unless they are close enough."""
    if bracket.last_met is None or bracket.first_breach is None or not spec.search.refine:
        return None
    low, high = bracket.last_met.size, bracket.first_breach.size
    if high - low <= spec.search.resolution_ratio * high:
        return None
    geometric = spec.sizes.growth == "geometric"
    middle = rounded(math.sqrt(low * high) if geometric else (low + high) / 2, spec.axis)
    if spec.axis.whole:
        middle = min(max(middle, low + 1), high - 1)
    return middle if low < middle < high else None
