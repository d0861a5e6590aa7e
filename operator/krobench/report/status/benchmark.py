"""The status of a run of a ``KroBenchmark``."""

from collections.abc import Iterable

from krobench.api import units
from krobench.api.status import (
    ComparisonStatus,
    Headline,
    KroBenchmarkStatus,
    MetricStatus,
    Phase,
    RunStatus,
    TestStatus,
    VariantStatus,
    Verdict,
)
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_REQUESTS
from krobench.findings.comparison import Comparison, MetricVerdict
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord, TestState
from krobench.report.cel import cel_line
from krobench.report.comparison import summary
from krobench.report.intervals import precision_text
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
from krobench.report.words.evidence import measured
from krobench.report.words.validity import validity_line

_MAX_METRICS = 64
_DIGITS = 3


def describe(facts: StatusFacts, base: RunStatus) -> KroBenchmarkStatus:
    """Return the status; ``base`` has the fields that all kinds share."""
    record, old = facts.record, facts.old
    finished = base.phase is not None and base.phase.terminal
    assert isinstance(old, KroBenchmarkStatus)
    compared = record.comparison if finished and record else None
    succeeded = f"0/{facts.planned_tests}" if facts.planned_tests is not None else None
    if record is not None:
        done = sum(test.state is TestState.SUCCEEDED for test in record.tests)
        succeeded = f"{done}/{len(record.tests)}"
    return KroBenchmarkStatus(
        **dict(base),
        tests_succeeded=succeeded,
        headline=_headline(record) if finished and record else None,
        comparison=ComparisonStatus(
            verdict=compared.verdict or NOT_COMPARED,
            message=summary(compared),
            metrics=_metrics(compared),
        )
        if compared
        else None,
        tests=[_test(test) for test in record.tests] if record else old.tests,
        variants=[
            VariantStatus(
                name=each.new,
                verdict=each.verdict or NOT_COMPARED,
                message=summary(each),
                metrics=_metrics(each),
            )
            for each in record.variant_comparisons
        ]
        if record
        else old.variants,
    )


def _metrics(compared: Comparison) -> list[MetricStatus]:
    """Return the primary metrics with their ratios, those that are worse first."""
    primary = sorted(compared.primary, key=lambda each: each.verdict is not MetricVerdict.WORSE)
    found = [
        MetricStatus(
            test=each.test,
            metric=each.metric,
            ratio=round(each.ratio, _DIGITS),
            ratio_low=rounded(each.ratio_low),
            ratio_high=rounded(each.ratio_high),
            verdict=each.verdict,
        )
        for each in primary
        if each.ratio is not None
    ]
    return found[:_MAX_METRICS]


def outcome(record: RunRecord) -> StatusLine:
    for test in record.tests:
        if test.state is TestState.FAILED and test.error is not None:
            message = f"test {test.name}: {test.error.message}"
            return StatusLine(Phase.FAILED, test.error.reason, message)
    reason = COMPLETED
    missed = [
        f"test {test.name}: {result.expression} "
        f"({'undecided: ' if result.passed is None else ''}{measured(result)})"
        for test in record.tests
        for result in test.thresholds
        if not result.passed
    ]
    message = f"measured {len(record.tests)} tests" if len(record.tests) > 1 else "measured 1 test"
    if record.validity is not None and not record.validity.valid:
        message += f"; invalid: {validity_line(record.validity)}"
    if record.comparison is not None and record.comparison.failed:
        reason = WORSE
    if missed:
        reason = "ThresholdsNotMet"
        message += f"; thresholds not met: {'; '.join(missed)}"
    if record.comparison is not None:
        message += f"; {summary(record.comparison)}"
    return StatusLine(Phase.COMPLETED, reason, message)


def had_begun(status: RunStatus) -> bool:
    tests = status.tests if isinstance(status, KroBenchmarkStatus) else []
    return any(test.phase != TestState.PENDING for test in tests)


def _headline(record: RunRecord) -> Headline:
    summaries = [test.summary for test in record.tests if test.summary is not None]
    ready = [s.latency.instance_ready for s in summaries if s.latency.instance_ready is not None]
    p99 = _largest(item.p99_seconds for item in ready)
    measured = [i.counts for test in record.tests for i in test.iterations if not i.warmup]
    return Headline(
        p99=units.seconds(p99).replace(" s", "s").replace(" ms", "ms"),
        instance_ready_p99_seconds=rounded(p99),
        instance_ready_p50_seconds=rounded(_largest(item.p50_seconds for item in ready)),
        instances_ready=sum(counts.ready for counts in measured),
        instances_failed=sum(counts.failed + counts.censored for counts in measured),
    )


def _test(test: TestRecord) -> TestStatus:
    summary = test.summary
    done = sum(item.success for item in test.iterations if not item.warmup)
    if test.cel is not None:
        done = test.cel.iterations
    line = TestStatus(
        name=test.name,
        phase=test.state,
        precision=precision_text(test.headline) if test.headline else None,
        iterations=f"{done}/{test.planned_iterations}",
        verdict=_test_verdict(test),
        message=message_of(test),
        cel=cel_line(test.cel) if test.cel is not None else None,
    ).model_copy(update=bottleneck_of(test))
    if summary is None:
        return line
    ready, rgds = summary.latency.instance_ready, summary.latency.rgd_ready
    figures = figures_of(summary) | {
        "instances": ready.n if ready else None,
        "rgd_ready_p50_seconds": rounded(rgds.p50_seconds if rgds else None),
        "kro_cpu_seconds": rounded(summary.figures[KRO_CPU_SECONDS]),
        "kro_api_requests": summary.figures[KRO_REQUESTS],
    }
    return line.model_copy(update=figures)


def _test_verdict(test: TestRecord) -> Verdict | None:
    if test.success is None:
        return None
    if not test.validity.valid:
        return Verdict.INVALID
    met = all(threshold.passed for threshold in test.thresholds)
    return Verdict.PASSED if test.success and met else Verdict.FAILED


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
