"""What the metrics show of runs and schedules, from their status.

So figures survive a restart of the operator, and go when a run is deleted. A run that is invalid
has none: they may not reflect kro under this load.
"""

import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

import orjson

from krobench.api.common import parse_rfc3339
from krobench.api.kinds import RunRef, ScheduleRef
from krobench.api.status import (
    ComparisonStatus,
    KroBenchmarkScheduleStatus,
    KroBenchmarkStatus,
    KroScaleTestStatus,
    LimitStatus,
    MetricStatus,
    Phase,
    RunStatus,
    SizeStatus,
    TestStatus,
    VariantStatus,
    Verdict,
)
from krobench.findings.scaling import LimitState
from krobench.report.words.sizes import plain

_RUN = ("kind", "namespace", "name")
_TEST = (*_RUN, "test")
_COMPARED = (*_TEST, "metric")
_VARIANT = (*_RUN, "variant")
_COMPARED_VARIANT = (*_VARIANT, "test", "metric")
_SCHEDULE = ("namespace", "name")

_INFO = "krobench_run_info"
_VERDICT = "krobench_run_verdict"
_LATEST = "krobench_run_latest"
_STARTED = "krobench_run_start_time_seconds"
_COMPLETED = "krobench_run_completion_time_seconds"
_DONE = "krobench_run_iterations_done"
_PLANNED = "krobench_run_iterations_planned"
_LATENCY = "krobench_test_latency_seconds"
_THROUGHPUT = "krobench_test_instances_per_second"
_CPU = "krobench_test_kro_cpu_seconds"
_CORES = "krobench_test_kro_cpu_cores"
_MEMORY = "krobench_test_kro_memory_max_bytes"
_REQUESTS = "krobench_test_kro_api_requests"
_REQUEST_RATE = "krobench_test_kro_api_requests_per_second"
_INSTANCES = "krobench_test_instances"
_ERRORS = "krobench_test_errors"
_BOTTLENECK = "krobench_test_bottleneck_score"
_LIMIT = "krobench_scale_limit"
_LIMIT_LOW = "krobench_scale_limit_lower_bound"
_LIMIT_HIGH = "krobench_scale_limit_upper_bound"
_COMPARISON = "krobench_comparison_verdict"
_RATIO = "krobench_comparison_ratio"
_RATIO_LOW = "krobench_comparison_ratio_lower_bound"
_RATIO_HIGH = "krobench_comparison_ratio_upper_bound"
_VARIANT_VERDICT = "krobench_variant_verdict"
_VARIANT_RATIO = "krobench_variant_ratio"
_VARIANT_RATIO_LOW = "krobench_variant_ratio_lower_bound"
_VARIANT_RATIO_HIGH = "krobench_variant_ratio_upper_bound"
_LAST_DUE = "krobench_schedule_last_schedule_time_seconds"
_NEXT_DUE = "krobench_schedule_next_schedule_time_seconds"
_LAST_PASSED = "krobench_schedule_last_successful_time_seconds"
_NOT_PASSED = "krobench_schedule_consecutive_failures"
_INVALID = "krobench_schedule_consecutive_invalid_runs"

FAMILIES = {
    _INFO: (
        "1, with the history of each run (its schedule or name) and the version of its kro",
        (*_RUN, "history", "kro_version"),
    ),
    _VERDICT: ("1, with the verdict of each finished run", (*_RUN, "verdict")),
    _LATEST: ("1, for the newest valid run of each history", (*_RUN, "history")),
    _STARTED: ("When the run began, in seconds since 1970", _RUN),
    _COMPLETED: ("When the run ended, in seconds since 1970", _RUN),
    _DONE: ("Iterations that a run in progress has done, including warm-up", _RUN),
    _PLANNED: ("Iterations that a run in progress has planned so far", _RUN),
    _LATENCY: (
        "Percentiles of latencies of each test of a KroBenchmark, or size of a KroScaleTest",
        (*_TEST, "latency", "percentile"),
    ),
    _THROUGHPUT: ("Instances that became ready per second", _TEST),
    _CPU: ("CPU time of kro in the run phase, of each test of a KroBenchmark", _TEST),
    _CORES: ("CPU use of kro in the run phase, in cores, of each size of a KroScaleTest", _TEST),
    _MEMORY: ("Most resident memory of kro", _TEST),
    _REQUESTS: (
        "Requests of kro to the API server in the run phase, of each test of a KroBenchmark",
        _TEST,
    ),
    _REQUEST_RATE: (
        "Requests of kro to the API server per second, of each size of a KroScaleTest",
        _TEST,
    ),
    _INSTANCES: ("Instances whose time until ready was measured", _TEST),
    _ERRORS: (
        "Operations that failed or were not done in time, and iterations that failed",
        _TEST,
    ),
    _BOTTLENECK: (
        "About the share of the time that the main bottleneck explains, from 0 to 1",
        (*_TEST, "bottleneck"),
    ),
    _LIMIT: (
        "Largest size at which kro met the SLOs, of each scale test that found it",
        (*_RUN, "axis"),
    ),
    _LIMIT_LOW: (
        "Lower end of the limit's interval; without one, the largest size that met all SLOs",
        (*_RUN, "axis"),
    ),
    _LIMIT_HIGH: (
        "Upper end of the limit's interval; without one, the smallest size that missed one",
        (*_RUN, "axis"),
    ),
    _COMPARISON: ("1, with the verdict of the comparison with the baseline", (*_RUN, "verdict")),
    _RATIO: (
        "New over old, of each primary metric compared with the baseline, or of the limit",
        _COMPARED,
    ),
    _RATIO_LOW: ("Lower end of the 95% interval of the ratio", _COMPARED),
    _RATIO_HIGH: ("Upper end of the 95% interval of the ratio", _COMPARED),
    _VARIANT_VERDICT: (
        "1, with the verdict of each variant against the first one, by the latest look",
        (*_VARIANT, "verdict"),
    ),
    _VARIANT_RATIO: (
        "New over old, of each primary metric of a variant against the first one",
        _COMPARED_VARIANT,
    ),
    _VARIANT_RATIO_LOW: ("Lower end of the 95% interval of the ratio", _COMPARED_VARIANT),
    _VARIANT_RATIO_HIGH: ("Upper end of the 95% interval of the ratio", _COMPARED_VARIANT),
    _LAST_DUE: ("When the latest run of the schedule was due, in seconds since 1970", _SCHEDULE),
    _NEXT_DUE: ("When the schedule starts the next run, in seconds since 1970", _SCHEDULE),
    _LAST_PASSED: ("When the latest run that passed ended, in seconds since 1970", _SCHEDULE),
    _NOT_PASSED: ("Runs in a row, up to the latest, without the verdict Passed", _SCHEDULE),
    _INVALID: ("Runs in a row, up to the latest, with the verdict Invalid; at most 10", _SCHEDULE),
}

Value = tuple[str, tuple[str, ...], float]
"""Metric, labels and value."""


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What the metrics show of a run."""

    run: RunRef
    phase: Phase
    created: float
    """In seconds since 1970."""
    completed: float | None
    history: str
    """What earlier and later runs of its kind share: the schedule or, without one, the name."""
    valid: bool
    """Whether it ended with a result."""
    series: int
    """Number of values."""
    packed: bytes
    """The values, compressed, without the labels that they share: there may be many more runs than
    are shown."""

    @property
    def values(self) -> Iterator[Value]:
        """Unpack the values."""
        run = _labels(self.run)
        for name, labels, value in orjson.loads(zlib.decompress(self.packed)):
            yield name, (*run, *map(sys.intern, labels)), value

    @property
    def newest(self) -> Value:
        """What says that it is the newest valid run of its history."""
        return _LATEST, (*_labels(self.run), self.history), 1.0


def figures_of(
    run: RunRef, created: str, status: RunStatus, axis: str | None, schedule: ScheduleRef | None
) -> RunFigures:
    """Return what the metrics show of a run; ``axis`` is that of a scale test."""
    history = schedule.name if schedule is not None else run.name
    values = [
        (name, labels[len(_RUN) :], value)
        for name, labels, value in _known(_of_run(run, status, axis, history))
    ]
    return RunFigures(
        run=run,
        phase=status.phase or Phase.PENDING,
        created=_seconds(created) or 0.0,
        completed=_seconds(status.completion_time),
        history=history,
        valid=status.verdict in (Verdict.PASSED, Verdict.FAILED),
        series=len(values),
        packed=zlib.compress(orjson.dumps(values)),
    )


def _labels(run: RunRef) -> tuple[str, ...]:
    return run.kind.value, run.namespace, run.name


def schedule_values(ref: ScheduleRef, status: KroBenchmarkScheduleStatus) -> Iterator[Value]:
    """Yield what the metrics show of a schedule."""
    finished = [run.verdict for run in status.runs if run.verdict is not None]
    invalid = takewhile(lambda verdict: verdict == Verdict.INVALID, finished)
    yield from _known(
        (name, (ref.namespace, ref.name), value)
        for name, value in (
            (_LAST_DUE, _seconds(status.last_schedule_time)),
            (_NEXT_DUE, _seconds(status.next_schedule_time)),
            (_LAST_PASSED, _seconds(status.last_successful_time)),
            (_NOT_PASSED, float(status.consecutive_failures)),
            (_INVALID, float(len(list(invalid)))),
        )
    )


_Values = Iterator[tuple[str, tuple[str, ...], float | None]]


def _known(values: Iterable[tuple[str, tuple[str, ...], float | None]]) -> Iterator[Value]:
    return ((name, labels, value) for name, labels, value in values if value is not None)


def _of_run(run: RunRef, status: RunStatus, axis: str | None, history: str) -> _Values:
    labels = _labels(run)
    yield _INFO, (*labels, history, status.kro_version or ""), 1.0
    yield _STARTED, labels, _seconds(status.start_time)
    yield _COMPLETED, labels, _seconds(status.completion_time)
    if status.verdict is not None:
        yield _VERDICT, (*labels, status.verdict), 1.0
    elif status.phase in (Phase.RUNNING, Phase.CLEANING_UP):
        yield from _progress(labels, status.progress or "")
    if status.verdict != Verdict.INVALID:
        yield from _results(labels, status, axis)


def _progress(labels: tuple[str, ...], text: str) -> _Values:
    done, _, planned = text.partition("/")
    if done.isdecimal() and planned.isdecimal():
        yield _DONE, labels, float(done)
        yield _PLANNED, labels, float(planned)


def _results(labels: tuple[str, ...], status: RunStatus, axis: str | None) -> _Values:
    if isinstance(status, KroBenchmarkStatus):
        for test in status.tests:
            yield from _of_test(labels, test)
        if status.comparison is not None:
            yield from _of_comparison(labels, status.comparison)
        for variant in status.variants:
            yield from _of_variant((*labels, variant.name), variant)
    elif isinstance(status, KroScaleTestStatus):
        for size in status.sizes:
            yield from _of_size(labels, size)
        if status.limit is not None and status.limit.state == LimitState.FOUND:
            yield from _of_limit((*labels, axis or ""), status.limit)
        if status.comparison is not None:
            yield from _of_comparison(labels, status.comparison)


def _of_test(run: tuple[str, ...], test: TestStatus) -> _Values:
    if test.verdict == Verdict.INVALID:
        return
    labels = (*run, test.name)
    yield from _of_both(labels, test)
    yield _LATENCY, (*labels, "rgd_ready", "p50"), test.rgd_ready_p50_seconds
    yield _CPU, labels, test.kro_cpu_seconds
    yield _REQUESTS, labels, test.kro_api_requests
    yield _INSTANCES, labels, test.instances


def _of_size(run: tuple[str, ...], size: SizeStatus) -> _Values:
    if size.verdict == Verdict.INVALID:
        return
    labels = (*run, plain(size.size))
    yield from _of_both(labels, size)
    yield _CORES, labels, size.kro_cpu_cores
    yield _REQUEST_RATE, labels, size.api_requests_per_second


def _of_both(labels: tuple[str, ...], test: TestStatus | SizeStatus) -> _Values:
    yield _LATENCY, (*labels, "instance_ready", "p50"), test.instance_ready_p50_seconds
    yield _LATENCY, (*labels, "instance_ready", "p99"), test.instance_ready_p99_seconds
    yield _THROUGHPUT, labels, test.instances_per_second
    yield _MEMORY, labels, test.kro_memory_max_bytes
    yield _ERRORS, labels, test.errors
    if test.bottleneck is not None:
        yield _BOTTLENECK, (*labels, test.bottleneck), test.bottleneck_score


def _of_limit(labels: tuple[str, ...], limit: LimitStatus) -> _Values:
    yield _LIMIT, labels, limit.size
    yield _LIMIT_LOW, labels, limit.low
    yield _LIMIT_HIGH, labels, limit.high


def _of_comparison(run: tuple[str, ...], compared: ComparisonStatus) -> _Values:
    yield _COMPARISON, (*run, compared.verdict), 1.0
    yield from _ratios(run, compared.metrics, (_RATIO, _RATIO_LOW, _RATIO_HIGH))


def _of_variant(labels: tuple[str, ...], variant: VariantStatus) -> _Values:
    yield _VARIANT_VERDICT, (*labels, variant.verdict), 1.0
    names = (_VARIANT_RATIO, _VARIANT_RATIO_LOW, _VARIANT_RATIO_HIGH)
    yield from _ratios(labels, variant.metrics, names)


def _ratios(
    of: tuple[str, ...], metrics: Iterable[MetricStatus], names: tuple[str, str, str]
) -> _Values:
    for metric in metrics:
        labels = (*of, metric.test, metric.metric)
        values = (metric.ratio, metric.ratio_low, metric.ratio_high)
        yield from ((name, labels, value) for name, value in zip(names, values, strict=True))


def _seconds(time: str | None) -> float | None:
    """Return an RFC 3339 time, which somebody may have changed, in seconds since 1970."""
    try:
        return parse_rfc3339(time).timestamp() if time is not None else None
    except ValueError:
        return None
