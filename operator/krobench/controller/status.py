"""The status of a run, as a pure function of what is known of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from krobench.controller.observed import Benchmark, Observed
from krobench.model.common import ErrorInfo, rfc3339
from krobench.model.measures import LatencySummary
from krobench.model.record import RunRecord, TestRecord, TestState
from krobench.model.status import (
    ComparisonStatus,
    Condition,
    ConditionType,
    Headline,
    KroBenchmarkStatus,
    ObjectRef,
    Phase,
    TestStatus,
    VariantStatus,
    Verdict,
)
from krobench.report import units
from krobench.report.cel import cel_line
from krobench.report.comparison import summary
from krobench.report.headline import precision_text
from krobench.report.measured import measured

NOT_COMPARED = "NotCompared"
_MAX_WARNINGS = 32
_DIGITS = 3


@dataclass(frozen=True)
class Word:
    """What is to be said of a run: its phase, and why."""

    phase: Phase
    reason: str
    message: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What a condition says."""

    status: str
    reason: str
    message: str


def describe(observed: Observed, word: Word, job: ObjectRef | None = None) -> KroBenchmarkStatus:
    """Return the status of a run that stands as ``word`` says."""
    benchmark, record = observed.benchmark, observed.results.record
    old = benchmark.status
    finished = word.phase.terminal
    start = old.start_time or (record.start_time if record else None)
    if start is None and job is not None:
        start = rfc3339(observed.now)
    return KroBenchmarkStatus(
        phase=word.phase,
        observed_generation=benchmark.generation,
        start_time=start,
        completion_time=(old.completion_time or rfc3339(observed.now)) if finished else None,
        progress=_progress(record) or old.progress,
        tests_succeeded=_tests_succeeded(benchmark, record),
        verdict=_verdict(word, record) if finished else None,
        message=word.message,
        headline=_headline(record) if finished and record else None,
        comparison=_comparison(record) if finished and record else None,
        orphans=record.orphans.count if record and record.orphans else None,
        tests=[_test(test) for test in record.tests] if record else old.tests,
        variants=_variants(record) if record else old.variants,
        warnings=_warnings(word, record),
        conditions=_conditions(benchmark, word, record, observed.now),
        results_ref=_results_ref(observed) or old.results_ref,
        job_ref=job or old.job_ref,
    )


def first_error(record: RunRecord) -> ErrorInfo | None:
    """Return why a run that went to its end counts as failed: its first failed test."""
    for test in record.tests:
        if test.state is TestState.FAILED and test.error is not None:
            return ErrorInfo(
                reason=test.error.reason,
                message=f"test {test.name}: {test.error.message}",
            )
    return None


def missed_thresholds(record: RunRecord) -> list[str]:
    """Return the thresholds that were not met, each with what was measured."""
    return [
        f"test {test.name}: {result.expression} "
        f"({'undecided: ' if result.passed is None else ''}{measured(result)})"
        for test in record.tests
        for result in test.thresholds
        if not result.passed
    ]


def _progress(record: RunRecord | None) -> str | None:
    if record is None:
        return None
    return f"{record.progress.iterations_done}/{record.progress.iterations_planned}"


def _tests_succeeded(benchmark: Benchmark, record: RunRecord | None) -> str | None:
    if record is None:
        return f"0/{len(benchmark.spec.tests)}" if benchmark.spec else None
    done = sum(test.state is TestState.SUCCEEDED for test in record.tests)
    return f"{done}/{len(record.tests)}"


def _verdict(word: Word, record: RunRecord | None) -> Verdict:
    if record is None or record.verdict is None:
        return Verdict.ERROR
    if word.phase is Phase.FAILED and record.verdict is Verdict.PASSED:
        return Verdict.ERROR  # a run that was lost after its tests has no verdict of its own
    return record.verdict


def _comparison(record: RunRecord) -> ComparisonStatus | None:
    comparison = record.comparison
    if comparison is None:
        return None
    return ComparisonStatus(verdict=comparison.verdict or NOT_COMPARED, message=summary(comparison))


def _headline(record: RunRecord) -> Headline:
    summaries = [test.summary for test in record.tests if test.summary is not None]
    ready = [s.latency.instance_ready for s in summaries if s.latency.instance_ready is not None]
    p99 = _largest(item.p99_seconds for item in ready)
    measured = [i.counts for test in record.tests for i in test.iterations if not i.warmup]
    return Headline(
        p99=units.seconds(p99).replace(" s", "s").replace(" ms", "ms"),
        instance_ready_p99_seconds=_rounded(p99),
        instance_ready_p50_seconds=_rounded(_largest(item.p50_seconds for item in ready)),
        instances_ready=sum(counts.ready for counts in measured),
        instances_failed=sum(counts.failed + counts.censored for counts in measured),
    )


def _test(test: TestRecord) -> TestStatus:
    summary = test.summary
    line = TestStatus(
        name=test.name,
        phase=test.state,
        precision=precision_text(test.headline) if test.headline else None,
        iterations=f"{_iterations_done(test)}/{test.planned_iterations}",
        verdict=_test_verdict(test),
        message=_message(test),
        cel=cel_line(test.cel) if test.cel is not None else None,
    )
    if summary is None:
        return line
    ready = summary.latency.instance_ready
    return line.model_copy(
        update={
            "instances": ready.n if ready else None,
            "instance_ready_p50_seconds": _rounded(_p50(ready)),
            "instance_ready_p99_seconds": _rounded(ready.p99_seconds if ready else None),
            "rgd_ready_p50_seconds": _rounded(_p50(summary.latency.rgd_ready)),
            "instances_per_second": _rounded(summary.throughput.instances_per_second),
            "kro_cpu_seconds": _rounded(summary.cpu.kro_seconds),
            "kro_memory_max_bytes": summary.memory.resident_max_bytes,
            "kro_api_requests": summary.api_requests.kro,
        }
    )


def _message(test: TestRecord) -> str | None:
    if test.error is not None:
        return f"{test.error.reason}: {test.error.message}"
    return None if test.validity.valid else f"invalid: {test.validity.in_short()}"


def _iterations_done(test: TestRecord) -> int:
    if test.cel is not None:
        return test.cel.iterations
    return sum(item.success for item in test.iterations if not item.warmup)


def _variants(record: RunRecord) -> list[VariantStatus]:
    return [
        VariantStatus(
            name=comparison.new,
            verdict=comparison.verdict or NOT_COMPARED,
            message=summary(comparison),
        )
        for comparison in record.variant_comparisons
    ]


def _test_verdict(test: TestRecord) -> Verdict | None:
    if test.success is None:
        return None
    if not test.validity.valid:
        return Verdict.INVALID
    met = all(threshold.passed for threshold in test.thresholds)
    return Verdict.PASSED if test.success and met else Verdict.FAILED


def _warnings(word: Word, record: RunRecord | None) -> list[str]:
    return [*(record.warnings if record else []), *word.warnings][:_MAX_WARNINGS]


def _results_ref(observed: Observed) -> ObjectRef | None:
    if observed.results.record is None:
        return None
    return ObjectRef(
        kind="ConfigMap", namespace=observed.benchmark.namespace, name=observed.results.name
    )


def _conditions(
    benchmark: Benchmark, word: Word, record: RunRecord | None, now: datetime
) -> list[Condition]:
    completed, failed = word.phase is Phase.COMPLETED, word.phase is Phase.FAILED
    finished = completed or failed
    wanted = {
        # Ready means what kstatus means by it: the controller did what it was asked for. A
        # missed threshold is a result, and stands in the reason and the verdict.
        ConditionType.READY: completed,
        ConditionType.RECONCILING: not finished,
        ConditionType.STALLED: failed,
        ConditionType.COMPLETE: completed,
        ConditionType.FAILED: failed,
        ConditionType.FINISHED: finished,
    }
    before = {condition.type: condition for condition in benchmark.status.conditions}
    reason = word.reason
    validity = _validity(record, word.phase)
    if completed and validity.status == "False":
        reason = validity.reason
    elif completed and record is not None and missed_thresholds(record):
        reason = "ThresholdsNotMet"
    elif completed and record is not None and record.comparison and record.comparison.failed:
        reason = "WorseThanBaseline"
    claims = {
        kind: Claim("True" if value else "False", reason, word.message)
        for kind, value in wanted.items()
    }
    claims[ConditionType.VALID] = validity
    return [
        _condition(kind, claim, benchmark.generation, before.get(kind), now)
        for kind, claim in claims.items()
    ]


def _validity(record: RunRecord | None, phase: Phase) -> Claim:
    """Return whether the numbers may be believed."""
    if not phase.terminal:
        return Claim("Unknown", "NotFinished", "known once the run has ended")
    if record is None or record.validity is None:
        message = "the run ended before it was known whether its numbers may be believed"
        return Claim("Unknown", "NotAssessed", message)
    if record.validity.valid:
        return Claim("True", "Valid", "nothing was found that speaks against the numbers")
    return Claim("False", record.validity.causes[0].reason, record.validity.in_short())


def _condition(
    kind: ConditionType, claim: Claim, generation: int, before: Condition | None, now: datetime
) -> Condition:
    unchanged = before is not None and before.status == claim.status
    return Condition(
        type=kind,
        status=claim.status,
        observed_generation=generation,
        last_transition_time=before.last_transition_time
        if before is not None and unchanged
        else rfc3339(now),
        reason=claim.reason,
        message=claim.message,
    )


def _p50(summary: LatencySummary | None) -> float | None:
    return summary.p50_seconds if summary else None


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
