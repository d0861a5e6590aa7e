"""The status of a run of a ``KroScaleTest``."""

from krobench.analysis.iterations import per_second
from krobench.api.status import (
    ComparisonStatus,
    KroScaleTestStatus,
    LimitStatus,
    MetricStatus,
    Phase,
    RunStatus,
    SizeStatus,
)
from krobench.figures.catalogue import (
    KRO_CPU_CORES,
    KRO_REQUESTS,
    RUN_SECONDS,
)
from krobench.findings.scale_comparison import ScaleComparison
from krobench.findings.scaling import ScaleRecord, SizeRecord, SizeVerdict
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestRecord, TestState
from krobench.report.scalecomparison import summary
from krobench.report.status.base import (
    COMPLETED,
    NOT_COMPARED,
    WORSE,
    StatusFacts,
    StatusLine,
    bottleneck_of,
    figures_of,
    message_of,
    rounded,
)
from krobench.report.words.recommendations import recommendation_line
from krobench.report.words.scaling import (
    LIMIT_NOT_AVAILABLE,
    MINIMUM_NOT_REACHED,
    breaches_line,
    early_end,
    limit_line,
    limit_text,
    minimum_text,
    next_line,
    shortfall,
)
from krobench.report.words.sizes import plain
from krobench.report.words.validity import validity_line

_RUNNING = "Running"
_MAX_SIZES = 32
_MAX_RECOMMENDATIONS = 16


def describe(facts: StatusFacts, base: RunStatus) -> KroScaleTestStatus:
    """Return the status; ``base`` has the fields that all kinds share."""
    record, old = facts.record, facts.old
    assert isinstance(old, KroScaleTestStatus)
    if record is None or record.scale is None:
        kept = {name: getattr(old, name) for name in KroScaleTestStatus.__annotations__}
        return KroScaleTestStatus(**dict(base), **kept)
    limit, axis = record.scale.limit, record.scale.axis
    tests = {test.name: test for test in record.tests if test.start_time is not None}
    tried = sorted(record.scale.sizes, key=lambda each: each.size)
    sizes = [_size_status(each, tests[each.test]) for each in tried if each.test in tests]
    sizes = sizes[:_MAX_SIZES]
    advice = [recommendation_line(item) for item in record.recommendations]
    found = record.scale.next_to_try
    next_to_try = next_line(found, axis) if found is not None else None
    return KroScaleTestStatus(
        **dict(base),
        size=_size(record, record.scale),
        limit=LimitStatus(
            text=limit_text(limit, axis),
            state=limit.state,
            size=rounded(limit.size),
            low=rounded(limit.low),
            high=rounded(limit.high),
        )
        if limit is not None
        else None,
        comparison=_comparison(record.scale_comparison) if record.scale_comparison else None,
        bottleneck=_bottleneck(sizes, record.scale),
        next_to_try=next_to_try or (advice[0] if advice else None),
        sizes=sizes,
        recommendations=advice[:_MAX_RECOMMENDATIONS],
    )


def _comparison(compared: ScaleComparison) -> ComparisonStatus:
    metrics = []
    if compared.ratio is not None and compared.axis is not None:
        metrics.append(
            MetricStatus(
                test=compared.axis,
                metric="limit",
                ratio=round(compared.ratio, 3),
                ratio_low=rounded(compared.ratio_low),
                ratio_high=rounded(compared.ratio_high),
                verdict=compared.verdict,
            )
        )
    verdict = compared.verdict or NOT_COMPARED
    return ComparisonStatus(verdict=verdict, message=summary(compared), metrics=metrics)


def outcome(record: RunRecord) -> StatusLine:
    """Return how a run ended that completed its program.

    A size that was not measured fails the run only if there is no limit without it.
    """
    short = shortfall(record)
    if short is not None and short.reason == LIMIT_NOT_AVAILABLE:
        for test in record.tests:
            if test.error is not None:
                message = f"size {test.name}: {test.error.message}"
                return StatusLine(Phase.FAILED, test.error.reason, message)
        return StatusLine(Phase.FAILED, short.reason, short.message)
    reason = short.reason if short is not None else COMPLETED
    scale = record.scale
    parts = [f"measured {len(record.tests)} sizes"]
    if scale is not None and scale.limit is not None:
        parts = [limit_line(scale.limit, scale.axis, scale.stopped)]
    # The rest of what it falls short of is in the sentence of the limit.
    if short is not None and short.reason == MINIMUM_NOT_REACHED:
        parts.append(minimum_text(record))
    why = early_end(scale) if scale is not None else None
    if why is not None:
        parts.append(f"ended early: {why}")
    if record.validity is not None and not record.validity.valid:
        parts.append(f"invalid: {validity_line(record.validity)}")
    compared = record.scale_comparison
    if compared is not None:
        parts.append(summary(compared))
        if compared.failed and short is None:
            reason = WORSE
    return StatusLine(Phase.COMPLETED, reason, "; ".join(part.rstrip(".") for part in parts))


def _size(record: RunRecord, scale: ScaleRecord) -> str:
    """Return how many sizes are done, of those known by now, and which is running."""
    done = {each.size for each in scale.sizes if each.verdict is not None}
    running = {test.name for test in record.tests if test.state is TestState.RUNNING}
    running_sizes = [each.size for each in scale.sizes if each.test in running]
    where = f" ({plain(running_sizes[-1])})" if running_sizes else ""
    known = {each.size for each in scale.sizes}
    if record.state is RunState.RUNNING:  # planned sizes may still be run
        breached = [each.size for each in scale.sizes if each.verdict is SizeVerdict.BREACHED]
        stops = (record.spec.get("search") or {}).get("stopAtBreach", True)
        bound = min(breached, default=None) if stops else None
        known |= {size for size in scale.planned if bound is None or size < bound}
    return f"{len(done)}/{len(known)}{where}"


def _bottleneck(sizes: list[SizeStatus], scale: ScaleRecord) -> str | None:
    """Return the bottleneck of the first breached size, or of the largest size."""
    decisive = scale.limit.first_breach if scale.limit is not None else None
    measured = [size for size in sizes if size.verdict in (SizeVerdict.MET, SizeVerdict.BREACHED)]
    breached = [size for size in measured if size.verdict == SizeVerdict.BREACHED]
    at_limit = [size for size in measured if size.size == decisive]
    candidates = at_limit or breached[:1] or measured[-1:]
    return candidates[0].bottleneck if candidates else None


def _size_status(size: SizeRecord, test: TestRecord) -> SizeStatus:
    missed: str | None = None
    if size.verdict is SizeVerdict.BREACHED:
        first = next((one.breached for one in size.iterations if one.breached), [])
        missed = breaches_line(first) or None
    line = SizeStatus(
        size=size.size,
        verdict=size.verdict or _RUNNING,
        iterations=f"{sum(one.met is True for one in size.iterations)}/{len(size.iterations)}",
        message=message_of(test) or missed,
    )
    line = line.model_copy(update=bottleneck_of(test))
    summary = test.summary
    if summary is None:
        return line
    requests = per_second(summary.figures[KRO_REQUESTS], summary.figures[RUN_SECONDS])
    figures = figures_of(summary) | {
        "kro_cpu_cores": rounded(summary.figures[KRO_CPU_CORES]),
        "api_requests_per_second": rounded(requests),
    }
    return line.model_copy(update=figures)
