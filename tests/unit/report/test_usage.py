from unit.controller.world import record

from krobench.record.run import RunState
from krobench.record.test import TestRecord, TestSummary
from krobench.report.usage import usage_section

USAGE = {
    "kro": {
        "cpuSeconds": 1.5,
        "cpuCores": {"mean": 0.25, "max": 0.5},
        "residentBytes": {"mean": 2**20, "p95": 2**21, "max": 2**22, "delta": -(2**20)},
    },
    "perRgd": {"kroGoroutines": 11.0},
    "apiServer": {
        "requestsBy": [
            {"verb": "GET", "resource": f"r{number}", "count": 20 - number} for number in range(14)
        ]
    },
    "kroRestarts": [{"seconds": 3.0, "pod": "b", "previousPod": "a"}],
}


def of(usage: dict[str, object]) -> TestRecord:
    found = record(RunState.COMPLETED).tests[0]
    found.summary = TestSummary.model_validate(
        {
            "iterations": 1,
            "latency": {},
            "throughput": {},
            "cpu": {},
            "memory": {},
            "apiRequests": {},
            "durationSeconds": 1.0,
            "errorsTotal": 0,
            "usage": usage,
        }
    )
    return found


def test_figures_have_units_and_what_is_missing_says_so() -> None:
    text = usage_section(of(USAGE))
    assert "| CPU time | 1.5 s | not available | not available |" in text
    assert "| CPU cores, mean / p95 / max | 0.25 / - / 0.5 | not available" in text
    assert "1 MiB / 2 MiB / 4 MiB (-1 MiB)" in text
    assert "| kro goroutines | - | +11 |" in text


def test_a_restart_of_kro_stands_above_the_figures() -> None:
    first = usage_section(of(USAGE)).split("|", maxsplit=1)[0]
    assert "kro is another pod now, b after a, seen 3.0s after the start of the run" in first


def test_only_the_most_frequent_requests_are_shown_one_by_one() -> None:
    text = usage_section(of(USAGE))
    assert "| GET | r11 | 9 |" in text
    assert "| others |  | 15 |" in text


def test_what_gives_no_figure_at_all_has_no_row_and_no_sentence() -> None:
    text = usage_section(of(USAGE))
    assert "| CPU cores by the kubelet" not in text
    assert "| goroutines, mean" not in text
    assert "| API server, run phase |" not in text
    assert "Sampling took" not in text
    assert "not available (not available)" not in text
    sampled = usage_section(of({"collectors": {"cpuSeconds": 0.5, "scrapes": 9.0}}))
    assert "Sampling took 500 ms of CPU time" in sampled
