"""What measuring costs: CPU time and memory of this process, which kro does not get."""

import time
from collections.abc import Iterable
from pathlib import Path

from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.load import NoPeakMemory, NoWatchEvents
from krobench.kube.watch import WatchCost

_STATUS = Path("/proc/self/status")
_KIB = 1024


class Overhead:
    """The CPU time of this process since the object was created, and its peak memory."""

    def __init__(self) -> None:
        self._cpu_seconds = time.process_time()

    def metrics(
        self, watches: Iterable[WatchCost]
    ) -> tuple[dict[str, float | None], dict[str, AnyReason]]:
        """Return the iteration's metrics of it by name, and why one is None."""
        total = WatchCost()
        for cost in watches:
            total.add(cost)
        resident = resident_max_bytes()
        values: dict[str, float | None] = {
            "krobench.load.cpuSeconds": round(time.process_time() - self._cpu_seconds, 6),
            "krobench.load.residentMaxBytes": resident,
            "krobench.load.watchEvents": float(total.events),
            "krobench.load.cpuSecondsPerWatchEvent": None,
        }
        unavailable: dict[str, AnyReason] = {}
        if resident is None:
            unavailable["krobench.load.residentMaxBytes"] = NoPeakMemory()
        if total.events:
            each = total.cpu_seconds / total.events
            values["krobench.load.cpuSecondsPerWatchEvent"] = round(each, 9)
        else:
            unavailable["krobench.load.cpuSecondsPerWatchEvent"] = NoWatchEvents()
        return values, unavailable


def resident_max_bytes(status: Path = _STATUS) -> float | None:
    """Return the peak resident set of this process (VmHWM), if the kernel reports it."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return float(value.split()[0]) * _KIB
    return None
