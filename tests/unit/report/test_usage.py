from unit.controller.world import record
from unit.records import some_iteration

from krobench.figures.rawdata import SourceName
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.samples import (
    NoSampleAtBorder,
    NotExposed,
    NotSampled,
    TooFewMeasurements,
)
from krobench.record.run import RunState
from krobench.record.test import TestRecord, TestSummary
from krobench.report.usage import reasons_section, usage_section

FIGURES = {
    "kro.cpu.seconds": 1.5,
    "kro.cpu.cores.mean": 0.25,
    "kro.cpu.cores.max": 0.5,
    "kro.memory.residentBytes.mean": 2**20,
    "kro.memory.residentBytes.p95": 2**21,
    "kro.memory.residentBytes.max": 2**22,
    "kro.memory.residentBytes.delta": -(2**20),
    "perRgd.kro.goroutines": 11.0,
}
REQUESTS = [{"name": f"GET r{number}", "value": 20 - number} for number in range(14)]


def of(figures: dict[str, float]) -> TestRecord:
    found = record(RunState.COMPLETED).tests[0]
    found.summary = TestSummary.model_validate(
        {
            "iterations": 1,
            "latency": {},
            "durationSeconds": 1.0,
            "errorsTotal": 0,
            "figures": figures,
            "parts": {"apiServer.requests.byKind": REQUESTS},
            "kroRestarts": [{"seconds": 3.0, "pod": "b", "previousPod": "a"}],
        }
    )
    return found


def test_figures_have_units_and_what_is_missing_says_so() -> None:
    text = usage_section(of(FIGURES))
    assert "| CPU time | 1.5 s |\n" in text
    assert "| CPU cores, mean / p95 / max | 0.25 / - / 0.5 |\n" in text
    assert "etcd" not in text
    assert "1 MiB / 2 MiB / 4 MiB (-1 MiB)" in text
    assert "| kro goroutines | +11 |" in text


def test_a_restart_of_kro_stands_above_the_figures() -> None:
    first = usage_section(of(FIGURES)).split("|", maxsplit=1)[0]
    assert "kro is another pod now, b after a, seen 3 s after the start of the run" in first


def test_only_the_most_frequent_requests_are_shown_one_by_one() -> None:
    text = usage_section(of(FIGURES))
    assert "| GET | r11 | 9 |" in text
    assert "| others |  | 15 |" in text


def test_what_gives_no_figure_at_all_has_no_row_and_no_sentence() -> None:
    text = usage_section(of(FIGURES))
    assert "| CPU cores by the kubelet" not in text
    assert "| goroutines, mean" not in text
    assert "| API server, run phase |" not in text
    assert "| krobench, run phase |" not in text
    assert "not available (not available)" not in text
    sampled = usage_section(of({"krobench.collectors.cpuSeconds": 0.5}))
    assert "| CPU time of the collectors | 500 ms |" in sampled


def reasons(unavailable: dict[str, AnyReason], *, warmup: bool = False) -> str:
    test = record(RunState.COMPLETED).tests[0]
    test.iterations = [some_iteration(warmup=warmup, unavailable=unavailable)]
    return reasons_section(test)


def hidden(metric: str, process: SourceName) -> NotExposed:
    return NotExposed(source="kubelet", metric=f"container_{metric}", process=process)


def test_figures_missing_for_the_same_reason_share_a_line() -> None:
    text = reasons({f"f{n}": NotSampled(source="etcd") for n in range(8)})
    assert "- f0, f1, f2, f3, f4, f5 and 2 others: nothing was sampled of etcd" in text


def test_warm_up_and_complete_figures_have_no_reasons() -> None:
    assert reasons({"f": NotSampled(source="etcd")}, warmup=True) == ""
    assert reasons({}) == ""


def test_a_process_outside_of_pods_is_one_reason_for_all_its_figures() -> None:
    text = reasons(
        {
            "throttled": hidden("cpu_cfs_periods_total", "apiserver"),
            "workingSet": hidden("memory_working_set_bytes", "apiserver"),
            "read": hidden("fs_reads_bytes_total", "etcd"),
            "etcdSet": hidden("memory_working_set_bytes", "etcd"),
        }
    )
    assert text.splitlines()[2:] == [
        "- throttled, workingSet: the kubelet shows no container of the API server",
        "- read, etcdSet: the kubelet shows no container of etcd",
    ]


def test_a_container_that_is_there_only_lacks_the_figure() -> None:
    text = reasons({"throttled": hidden("cpu_cfs_periods_total", "apiserver")})
    expected = "the kubelet does not expose container_cpu_cfs_periods_total of the API server's"
    assert expected in text


def test_sources_have_their_usual_names() -> None:
    text = reasons(
        {
            "a": TooFewMeasurements(source="kubelet"),
            "b": NoSampleAtBorder(source="apiserver"),
            "c": NotExposed(source="apiserver", metric="apiserver_watches"),
        }
    )
    assert "a: the kubelet made fewer" in text
    assert "b: no sample of the API server at" in text
    assert "c: the API server does not expose apiserver_watches" in text
