"""How far a run is, in words."""

from krobench.api import units
from krobench.api.status import LiveStatus

_MINUTE_SECONDS = 60
_STEP_SECONDS = 5


def live_line(live: LiveStatus) -> str:
    """Return what the running iteration shows so far; empty if nothing is known yet."""
    parts = []
    if live.instance_ready_p50_seconds is not None:
        parts.append(f"ready p50 {units.seconds(live.instance_ready_p50_seconds)}")
    if live.instances_per_second is not None:
        parts.append(f"{units.rate(live.instances_per_second)} ready")
    if live.kro_cpu_cores is not None:
        parts.append(f"kro {units.number(live.kro_cpu_cores)} cores")
    if live.kro_memory_bytes is not None:
        parts.append(f"kro {units.size(live.kro_memory_bytes)}")
    return " · ".join(parts)


def remaining_text(live: LiveStatus) -> str:
    """Return about how long a run still takes, rounded as roughly as that is known."""
    if live.remaining_at_most_seconds is not None:
        return f"{_about(live.remaining_at_most_seconds)} left at most"
    if live.remaining_seconds is not None:
        return f"{_about(live.remaining_seconds)} left"
    return ""


def _about(seconds: float) -> str:
    if seconds < _MINUTE_SECONDS:
        steps = max(1, round(seconds / _STEP_SECONDS))
        return f"about {_STEP_SECONDS * steps} s"
    return f"about {round(seconds / _MINUTE_SECONDS)} min"
