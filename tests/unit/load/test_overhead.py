from pathlib import Path

from krobench.figures.reasons.load import NoWatchEvents
from krobench.kube.watch import WatchCost
from krobench.load.overhead import Overhead, resident_max_bytes


def test_work_shows_in_the_cost() -> None:
    cost = Overhead()
    assert sum(range(2_000_000)) > 0
    metrics, _ = cost.metrics([WatchCost(2, 0.001), WatchCost(3, 0.002)])
    cpu, resident = metrics["krobench.load.cpuSeconds"], metrics["krobench.load.residentMaxBytes"]
    assert cpu is not None
    assert 0 < cpu < 30
    assert resident is not None
    assert resident > 2**20
    assert metrics["krobench.load.watchEvents"] == 5
    assert metrics["krobench.load.cpuSecondsPerWatchEvent"] == 0.0006


def test_no_event_has_no_cost() -> None:
    metrics, unavailable = Overhead().metrics([])
    assert metrics["krobench.load.cpuSecondsPerWatchEvent"] is None
    assert unavailable["krobench.load.cpuSecondsPerWatchEvent"] == NoWatchEvents()


def test_the_kernel_s_word_is_in_kibibytes(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython3\nVmPeak:\t  300 kB\nVmHWM:\t  200 kB\n")
    assert resident_max_bytes(status) == 200 * 1024


def test_memory_that_the_kernel_does_not_report_is_not_available(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tpython3\n")
    assert resident_max_bytes(tmp_path / "status") is None
    assert resident_max_bytes(tmp_path / "missing") is None
