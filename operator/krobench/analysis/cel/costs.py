"""What expressions cost kro, from its counters for each RGD that carries one.

kro counts the evaluations of all RGDs together. A window in which it reconciled only one instance
shows what that RGD's expression took: seconds over evaluations. A constant, measured the same way,
shows how much of that is kro's own handling.

After a restart kro compiles everything again. It counts the compilations of its new process without
a name, so they are known for all RGDs of a test together. First evaluations are known one by one,
because the instances are resumed one after another.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from krobench.analysis.cel.samples import CelSamples, Measured, Restart
from krobench.analysis.statistics.intervals import (
    mean_interval,
    nonnegative_interval,
    positive_interval,
    ratio_interval,
)
from krobench.figures.cel import (
    CONSTANTS,
    FIELD_ACCESS,
    ONE_CONSTANT,
    CelExpressionResult,
    CelPattern,
    CelRestartResults,
    CelResults,
    CelState,
    Estimate,
)
from krobench.figures.reasons.cel import (
    AnyCelReason,
    ExpressionFailed,
    ForeignRevisions,
    HeapNotRead,
    NeverRestarted,
    NoBuildTimes,
    NoRevisionsKept,
    NotAllCompiled,
    NoUndisturbedWindow,
)


def positive(values: Iterable[float | None]) -> Estimate | None:
    """Return the geometric mean of what cannot be below zero, such as a duration, in its unit."""
    return positive_interval(_measured(values))


def counted(values: Iterable[float]) -> Estimate | None:
    """Return the arithmetic mean of what was counted."""
    return nonnegative_interval(list(values))


def cost(values: Iterable[float | None]) -> Estimate | None:
    """Return the arithmetic mean of differences that show a cost, in their own unit.

    A cost is not negative, so its interval ends at zero, unless noise takes the mean itself below.
    """
    found = mean_interval(_measured(values))
    if found is not None and found.low is not None and found.value >= 0:
        found.low = max(0.0, found.low)
    return found


def ratio(pairs: Iterable[tuple[float, float] | None]) -> Estimate | None:
    """Return the ratio of the first to the second of pairs that were measured together."""
    measured = [pair for pair in pairs if pair is not None]
    return ratio_interval([above for above, _ in measured], [below for _, below in measured])


def _measured(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def restart_results(
    samples: CelSamples, by_name: Mapping[str, Measured], empty: Measured
) -> CelRestartResults | None:
    """Return what restarts cost; None if none was measured. ``empty`` is the RGD with next to
    no expressions, whose compilation is taken off that of all others."""
    restarts = samples.restarts
    if not restarts:
        return None
    reason = _why_not_compiled(samples)
    result = CelRestartResults(
        restarts=len(restarts),
        leading_seconds=positive(r.leading_seconds for r in restarts),
        compiled_seconds=positive(r.compiled_seconds for r in restarts),
        reconciled_seconds=positive(r.reconciled_seconds for r in restarts),
    )
    if reason is None:
        result.rgds = len(restarts[0].revisions)
        result.revisions_per_rgd = counted(_revisions(r) / len(r.revisions) for r in restarts)
        result.graph_builds = counted(float(r.builds) for r in restarts)
        result.compile_seconds_per_rgd = positive(
            r.compiled.seconds / len(r.revisions) for r in restarts if r.compiled
        )
        result.compile_seconds_per_expression = cost(_per_copy(r, by_name, empty) for r in restarts)
    result.unavailable = {
        name: reason or NotAllCompiled()
        for name, value in (
            ("compileSecondsPerRgd", result.compile_seconds_per_rgd),
            ("compileSecondsPerExpression", result.compile_seconds_per_expression),
            ("compiledSeconds", result.compiled_seconds),
        )
        if value is None
    }
    return result


def why_no_restart(samples: CelSamples) -> dict[str, AnyCelReason]:
    """Return why restarts that were asked for have no results."""
    return {"restart": NeverRestarted()} if samples.restarts_wanted and not samples.restarts else {}


def first_seconds(name: str, samples: CelSamples) -> Estimate | None:
    """Return the time of one evaluation in the first reconcile after a restart."""
    return positive(r.first[name].mean for r in samples.restarts if name in r.first)


def first_ratio(name: str, samples: CelSamples) -> Estimate | None:
    """Return the ratio of these to later ones of the same process, by restart."""
    return ratio(_pair(r, name) for r in samples.restarts)


def first_ratio_of_all(samples: CelSamples) -> Estimate | None:
    """Return the same ratio over all expressions, by restart: those of one share a process."""
    ratios = (ratio(_pair(r, name) for name in r.first) for r in samples.restarts)
    return positive(found.value for found in ratios if found is not None)


def compile_ratio(samples: CelSamples, by_name: Mapping[str, Measured]) -> Estimate | None:
    """Return the ratio of compiling a revision after a restart to compiling it after a change."""
    if _why_not_compiled(samples) is not None:
        return None
    pairs = []
    for restart in samples.restarts:
        changed = {name: by_name[name].revisions().values() for name in restart.revisions}
        if restart.compiled is not None and all(changed.values()):
            expected = sum(
                count * statistics.fmean(changed[name]) for name, count in restart.revisions.items()
            )
            pairs.append((restart.compiled.mean, expected / _revisions(restart)))
    return ratio(pairs)


def _why_not_compiled(samples: CelSamples) -> AnyCelReason | None:
    if samples.revisions_unavailable is not None:
        return samples.revisions_unavailable
    foreign = max((r.foreign_revisions for r in samples.restarts), default=0)
    if foreign:
        return ForeignRevisions(revisions=foreign)
    if not all(restart.revisions for restart in samples.restarts):
        return NoRevisionsKept()
    return None


def _revisions(restart: Restart) -> int:
    return sum(restart.revisions.values())


def _per_copy(restart: Restart, by_name: Mapping[str, Measured], empty: Measured) -> float | None:
    """Return what one copy of an expression adds, on average of all expressions."""
    empties = empty.revisions().values()
    copies = sum(
        count * max(0, by_name[name].copies - empty.copies)
        for name, count in restart.revisions.items()
    )
    if restart.compiled is None or not empties or not copies:
        return None
    bare = statistics.fmean(empties) * _revisions(restart)
    return (restart.compiled.seconds - bare) / copies


def _pair(restart: Restart, name: str) -> tuple[float, float] | None:
    later = restart.later.get(name)
    if name not in restart.first or not later:
        return None
    return restart.first[name].mean, statistics.median(each.mean for each in later)


ByIteration = Mapping[int, float]


def summarise(samples: CelSamples) -> CelResults:
    """Return what the expressions cost."""
    by_name = {item.name: item for item in samples.expressions}
    constants, empty = by_name[CONSTANTS], by_name[ONE_CONSTANT]
    reference = by_name[FIELD_ACCESS]
    results = [
        _result(item, constants, empty, reference, samples)
        for item in samples.expressions
        if item not in (constants, empty)
    ]
    no_heap: dict[str, AnyCelReason] = (
        {"compiledBytes": samples.heap_unavailable} if samples.heap_unavailable else {}
    )
    return CelResults(
        iterations=len(samples.fresh),
        expressions=results,
        constant_seconds=positive(constants.evaluations().values()),
        empty_graph_build_seconds=positive(empty.builds().values()),
        builds_per_change=_builds_per_change(samples.expressions),
        revision_compile_ratio=_ratio(
            _totals([item.revisions() for item in samples.expressions]),
            _totals([item.builds() for item in samples.expressions]),
        ),
        patterns=_patterns(by_name, samples),
        restart=restart_results(samples, by_name, empty),
        disturbed_windows=samples.disturbed,
        unavailable=no_heap | why_no_restart(samples),
    )


def _result(
    item: Measured, constants: Measured, empty: Measured, reference: Measured, samples: CelSamples
) -> CelExpressionResult:
    evaluations, builds, heap = item.evaluations(), item.builds(), item.heap_growth
    added = max(1, item.copies - empty.copies)
    count = sum(window.count for r in item.iterations for window in r.windows)
    reconciles = sum(r.reconciles for r in item.iterations)
    result = CelExpressionResult(
        name=item.name,
        family=item.family,
        level=item.level,
        expression=item.text,
        state=CelState.FAILED if item.error else CelState.MEASURED,
        error=item.error,
        expected=item.expected,
        actual=item.actual,
        cross_check=item.cross_check,
        copies=item.copies,
        evaluations=count,
        evaluations_per_reconcile=round(count / reconciles, 2) if reconciles else None,
        evaluation_seconds=positive(evaluations.values()),
        over_constant_seconds=cost(_difference(evaluations, constants.evaluations()).values()),
        relative_to_field_access=_ratio(evaluations, reference.evaluations()),
        graph_build_seconds=positive(builds.values()),
        compile_seconds=cost(_difference(builds, empty.builds(), added).values()),
        compiled_bytes=cost(_difference(heap, empty.heap_growth, added).values()),
        first_after_restart_seconds=first_seconds(item.name, samples),
        first_after_restart_ratio=first_ratio(item.name, samples),
    )
    result.unavailable = _reasons(result, samples)
    return result


def _reasons(result: CelExpressionResult, samples: CelSamples) -> dict[str, AnyCelReason]:
    first = result.first_after_restart_ratio if samples.restarts else 0.0
    failed = ExpressionFailed(reason=result.error.reason) if result.error else None
    reasons: tuple[tuple[str, object, AnyCelReason], ...] = (
        ("evaluationSeconds", result.evaluation_seconds, NoUndisturbedWindow()),
        ("compileSeconds", result.compile_seconds, NoBuildTimes()),
        ("compiledBytes", result.compiled_bytes, samples.heap_unavailable or HeapNotRead()),
        ("firstAfterRestartRatio", first, NoUndisturbedWindow()),
    )
    return {name: failed or reason for name, value, reason in reasons if value is None}


def _builds_per_change(items: Sequence[Measured]) -> float | None:
    changes = [r for item in items for r in item.iterations if r.build and r.revision]
    if not changes:
        return None
    builds = sum(r.build.count + r.revision.count for r in changes if r.build and r.revision)
    return round(builds / len(changes), 2)


def _totals(series: Sequence[ByIteration]) -> dict[int, float]:
    totals: dict[int, float] = {}
    for by_iteration in series:
        for index, value in by_iteration.items():
            totals[index] = totals.get(index, 0.0) + value
    return totals


@dataclass(frozen=True)
class _Pair:
    """Two expressions whose ratio answers a question."""

    name: str
    above: str
    below: str
    of: Callable[[Measured], ByIteration]
    times: float = 1.0
    """What ``below`` is multiplied by."""


_PAIRS = (
    _Pair("ten-in-one-evaluation", "ten-in-one", "short", Measured.evaluations, 10),
    _Pair("said-five-times-evaluation", "said-five-times", "bound-once", Measured.evaluations),
    _Pair("second-rgd-build", "second-rgd", "string-split", Measured.builds),
    _Pair("same-text-build", "same-text", "string-split", Measured.builds),
    _Pair("list-of-100-to-10-evaluation", "list-of-100", "list-of-10", Measured.evaluations),
    _Pair("list-of-1000-to-10-evaluation", "list-of-1000", "list-of-10", Measured.evaluations),
)


def _patterns(by_name: Mapping[str, Measured], samples: CelSamples) -> list[CelPattern]:
    found = []
    for pair in _PAIRS:
        if pair.above in by_name and pair.below in by_name:
            above, below = pair.of(by_name[pair.above]), pair.of(by_name[pair.below])
            scaled = {index: value * pair.times for index, value in below.items()}
            found.append((pair.name, _ratio(above, scaled)))
    found += [
        ("fresh-evaluation", _fresh(by_name, samples)),
        ("restart-evaluation", first_ratio_of_all(samples)),
        ("restart-compile", compile_ratio(samples, by_name)),
    ]
    return [CelPattern(name=name, ratio=ratio) for name, ratio in found if ratio is not None]


def _fresh(by_name: Mapping[str, Measured], samples: CelSamples) -> Estimate | None:
    """Return how the first evaluations of compiled expressions compare with later ones.

    They are of all RGDs at once; what later ones would have taken is known from their number.
    """
    spent: dict[int, float] = {}
    expected: dict[int, float] = {}
    for index, (fresh, reconciles) in enumerate(
        zip(samples.fresh, samples.fresh_reconciles, strict=True)
    ):
        costs = {name: _cost_of_reconcile(by_name[name], index) for name in reconciles}
        if fresh is not None and all(cost is not None for cost in costs.values()):
            spent[index] = fresh.seconds
            expected[index] = sum(
                count * (costs[name] or 0.0) for name, count in reconciles.items()
            )
    return _ratio(spent, expected)


def _cost_of_reconcile(item: Measured, index: int) -> float | None:
    if index >= len(item.iterations) or not item.iterations[index].reconciles:
        return None
    taken = item.iterations[index]
    return sum(window.seconds for window in taken.windows) / taken.reconciles


def _difference(above: ByIteration, below: ByIteration, parts: int = 1) -> dict[int, float]:
    both = above.keys() & below.keys()
    return {index: (above[index] - below[index]) / parts for index in both}


def _ratio(above: ByIteration, below: ByIteration) -> Estimate | None:
    return ratio((above[index], below[index]) for index in above.keys() & below.keys())
