"""What the load itself costs: CPU time and memory of this process, of which kro gets none."""

import time
from pathlib import Path

_STATUS = Path("/proc/self/status")
_KIB = 1024


class OwnCost:
    """The CPU time of this process from its making on, and the most memory it ever had."""

    def __init__(self) -> None:
        self._cpu_seconds = time.process_time()

    def metrics(self) -> dict[str, float | None]:
        """Return what was used, in metrics of an iteration."""
        return {
            "krobench_cpu_seconds": round(time.process_time() - self._cpu_seconds, 6),
            "krobench_resident_max_bytes": resident_max_bytes(),
        }


def resident_max_bytes(status: Path = _STATUS) -> float | None:
    """Return the largest resident set of this process so far (VmHWM), where the kernel tells."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return float(value.split()[0]) * _KIB
    return None
