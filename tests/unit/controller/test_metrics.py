"""What ``/metrics`` shows of runs and schedules."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from promtool import promtool
from unit.controller.world import SPECS

from krobench.api.kinds import RunKind, ScheduleRef
from krobench.api.status import KroBenchmarkScheduleStatus, ScheduledRun, Trigger
from krobench.controller import metrics
from krobench.controller.metrics import OperatorMetrics, RunMetrics
from krobench.controller.runfigures import RunFigures, schedule_values
from krobench.controller.runs import parse_run

BENCHMARK, SCALE_TEST = RunKind.BENCHMARK, RunKind.SCALE_TEST
TEST = {
    "name": "t",
    "phase": "Succeeded",
    "iterations": "1/1",
    "verdict": "Passed",
    "instanceReadyP50Seconds": 0.5,
    "instancesPerSecond": 9.5,
    "kroMemoryMaxBytes": 5,
    "kroCpuSeconds": 1.5,
    "errors": 2,
    "bottleneck": "KroCPU",
    "bottleneckScore": 0.75,
}


def run(name: str, kind: RunKind, status: dict[str, Any], schedule: str | None = None) -> Any:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "default",
        "uid": name,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    if schedule is not None:
        owner = {"kind": "KroBenchmarkSchedule", "name": schedule, "uid": "s", "controller": True}
        metadata["ownerReferences"] = [owner | {"apiVersion": "bench.kro.run/v1alpha1"}]
    return parse_run(kind, {"metadata": metadata, "spec": SPECS[kind], "status": status}).figures


def exposed(figures: list[RunFigures]) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(RunMetrics(lambda: figures))
    return made


def registry(*statuses: tuple[RunKind, dict[str, Any]]) -> CollectorRegistry:
    return exposed([run(f"run-{n}", *each) for n, each in enumerate(statuses)])


def of(shown: CollectorRegistry, name: str, **labels: str) -> dict[str, float]:
    """Return the values of a metric by the name of its run."""
    return {
        sample.labels["name"]: sample.value
        for family in shown.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    }


def finished(verdict: str, day: int = 2, **fields: Any) -> dict[str, Any]:
    times = {"startTime": "2026-01-01T00:00:00Z", "completionTime": f"2026-01-0{day}T00:00:00Z"}
    return {"phase": "Completed", "verdict": verdict, **times, **fields}


def test_runs_are_counted_by_kind_and_phase() -> None:
    shown = registry(
        (BENCHMARK, {}),
        (BENCHMARK, {"phase": "Completed"}),
        (BENCHMARK, {"phase": "Completed"}),
        (SCALE_TEST, {"phase": "Running"}),
    )
    counts = {
        (kind, phase): shown.get_sample_value("krobench_runs", {"kind": kind, "phase": phase})
        for kind, phase in (
            ("KroBenchmark", "Pending"),
            ("KroBenchmark", "Completed"),
            ("KroBenchmark", "Failed"),
            ("KroScaleTest", "Running"),
        )
    }
    assert list(counts.values()) == [1, 2, 0, 1]


def test_a_test_shows_its_figures_unless_it_or_its_run_is_invalid() -> None:
    shown = registry(
        (BENCHMARK, finished("Passed", tests=[TEST])),
        (BENCHMARK, finished("Invalid", tests=[TEST])),
        (BENCHMARK, {"phase": "Running", "tests": [TEST | {"verdict": "Invalid"}]}),
    )
    latency = of(shown, "krobench_test_latency_seconds", latency="instance_ready", percentile="p50")
    assert latency == {"run-0": 0.5}
    assert of(shown, "krobench_test_bottleneck_score", bottleneck="KroCPU") == {"run-0": 0.75}
    assert of(shown, "krobench_test_errors", test="t") == {"run-0": 2}
    assert set(of(shown, "krobench_run_verdict", verdict="Invalid")) == {"run-1"}
    assert set(of(shown, "krobench_run_completion_time_seconds")) == {"run-0", "run-1"}


def test_only_a_run_in_progress_shows_how_far_it_is() -> None:
    shown = registry(
        (BENCHMARK, {"phase": "Running", "progress": "5/8"}),
        (BENCHMARK, finished("Passed", progress="8/8")),
        (BENCHMARK, {"phase": "Running", "progress": "soon"}),
    )
    assert of(shown, "krobench_run_iterations_done") == {"run-0": 5}
    assert of(shown, "krobench_run_iterations_planned") == {"run-0": 8}


def test_a_scale_test_shows_its_sizes_and_the_limit_that_it_found() -> None:
    size = {"size": 200.0, "verdict": "Met", "iterations": "1/1", "kroCpuCores": 0.5}
    found = {"text": "14", "state": "Found", "size": 14.0, "low": 12.0, "high": 15.5}
    shown = registry(
        (SCALE_TEST, finished("Passed", limit=found, sizes=[size])),
        (SCALE_TEST, finished("Passed", limit={"text": "> 40", "state": "NotReached", "size": 40})),
    )
    names = ("", "_lower_bound", "_upper_bound")
    bounds = [of(shown, f"krobench_scale_limit{name}", axis="instances") for name in names]
    assert bounds == [{"run-0": 14.0}, {"run-0": 12.0}, {"run-0": 15.5}]
    assert of(shown, "krobench_test_kro_cpu_cores", test="200") == {"run-0": 0.5}


def test_ratios_are_shown_with_their_intervals() -> None:
    name = "latency.instanceReady.p50"
    metric = {"test": "t", "metric": name, "ratio": 1.5, "ratioLow": 1.2}
    compared = {"verdict": "Worse", "message": "", "metrics": [metric | {"verdict": "Worse"}]}
    shown = registry((BENCHMARK, finished("Failed", comparison=compared)))
    assert of(shown, "krobench_comparison_verdict", verdict="Worse") == {"run-0": 1}
    assert of(shown, "krobench_comparison_ratio", test="t", metric=name) == {"run-0": 1.5}
    assert of(shown, "krobench_comparison_ratio_lower_bound") == {"run-0": 1.2}
    assert of(shown, "krobench_comparison_ratio_upper_bound") == {}


def test_ratios_of_variants_are_shown_as_soon_as_a_look_has_them() -> None:
    metric = {"test": "t", "metric": "kro.requests.total", "ratio": 0.8, "ratioHigh": 0.9}
    variant = {"name": "two", "verdict": "Better", "message": "", "metrics": [metric]}
    shown = registry(
        (BENCHMARK, {"phase": "Running", "variants": [variant]}),
        (BENCHMARK, finished("Passed", variants=[variant])),
        (BENCHMARK, finished("Invalid", variants=[variant])),
    )
    both = {"run-0": 0.8, "run-1": 0.8}
    assert of(shown, "krobench_variant_ratio", variant="two", test="t") == both
    assert set(of(shown, "krobench_variant_verdict", verdict="Better")) == set(both)
    assert set(of(shown, "krobench_variant_ratio_upper_bound").values()) == {0.9}
    assert of(shown, "krobench_variant_ratio_lower_bound") == {}


def test_the_newest_valid_run_of_each_history_is_marked() -> None:
    shown = exposed(
        [
            run("n-1", BENCHMARK, finished("Passed", 1), "nightly"),
            run("n-2", BENCHMARK, finished("Failed", 3), "nightly"),
            run("n-3", BENCHMARK, finished("Invalid", 4), "nightly"),
            run("n-4", BENCHMARK, {"phase": "Running"}, "nightly"),
            run("own", BENCHMARK, finished("Passed", 2)),
        ]
    )
    assert of(shown, "krobench_run_latest", history="nightly") == {"n-2": 1}
    assert of(shown, "krobench_run_latest", history="own") == {"own": 1}
    assert len(of(shown, "krobench_run_info", history="nightly")) == 4


def test_of_more_runs_than_series_the_newest_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = [run(f"run-{day}", BENCHMARK, finished("Passed", day)) for day in range(1, 6)]
    figures.append(run("running", BENCHMARK, {"phase": "Running", "progress": "1/2"}))
    monkeypatch.setattr(metrics, "MOST_SERIES", 15)
    shown = exposed(figures)
    assert set(of(shown, "krobench_run_info")) == {"running", "run-5", "run-4"}
    assert shown.get_sample_value("krobench_metrics_omitted_runs") == 3
    completed = {"kind": "KroBenchmark", "phase": "Completed"}
    assert shown.get_sample_value("krobench_runs", completed) == 5, "all are counted"


def test_the_run_that_waits_longest_is_shown() -> None:
    assert (
        registry((BENCHMARK, {"phase": "Queued"})).get_sample_value(
            "krobench_queue_oldest_creation_time_seconds"
        )
        == 1767225600
    )
    nothing = registry((BENCHMARK, {"phase": "Running"}))
    assert nothing.get_sample_value("krobench_queue_oldest_creation_time_seconds") is None


def of_schedule(*verdicts: str | None) -> dict[str, float]:
    status = KroBenchmarkScheduleStatus(
        next_schedule_time="2026-01-01T00:00:00Z",
        consecutive_failures=2,
        runs=[
            ScheduledRun(name=f"r{n}", trigger=Trigger.SCHEDULE, time="", verdict=verdict)
            for n, verdict in enumerate(verdicts)
        ],
    )
    ref = ScheduleRef("default", "nightly")
    return {name: value for name, _, value in schedule_values(ref, status)}


@pytest.mark.parametrize(
    ("verdicts", "invalid"),
    [((), 0), (("Invalid", "Invalid", "Passed", "Invalid"), 2), ((None, "Invalid"), 1)],
)
def test_a_schedule_shows_how_often_in_a_row_its_runs_were_invalid(
    verdicts: tuple[str | None, ...], invalid: int
) -> None:
    shown = of_schedule(*verdicts)
    assert shown["krobench_schedule_consecutive_invalid_runs"] == invalid
    assert shown["krobench_schedule_consecutive_failures"] == 2
    assert shown["krobench_schedule_next_schedule_time_seconds"] == 1767225600
    assert "krobench_schedule_last_schedule_time_seconds" not in shown


def test_a_time_that_somebody_has_changed_is_left_out() -> None:
    status = finished("Passed") | {"completionTime": "yesterday"}
    assert of(registry((BENCHMARK, status)), "krobench_run_completion_time_seconds") == {}


def test_the_names_follow_the_rules_of_prometheus() -> None:
    shown = registry(
        (BENCHMARK, finished("Passed", tests=[TEST])),
        (SCALE_TEST, {"phase": "Running", "progress": "1/2"}),
    )
    OperatorMetrics(shown)
    assert promtool("check", "metrics", given=generate_latest(shown)) == ""
