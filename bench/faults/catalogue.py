"""The faults that runs are put through, and what each may do to a run."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from bench.faults.bed import Bed, wait_until
from krobench.api.specs.validity import Cause
from krobench.record.run import RunRecord
from testbed import faults

_LOAD_STARTS_SECONDS = 120.0
_RUN_SECONDS = 25.0
"""Faults come within this time of a run's start: it takes longer than that."""


class Effect(Enum):
    """What a fault does to a run."""

    NONE = auto()
    """The run passes."""
    ENDS_IT = auto()
    """The run fails."""
    SPOILS_WHAT_IT_MEETS = auto()
    """Iterations that it meets are not valid, or fail."""


@dataclass(frozen=True)
class Hit:
    """A fault that was inflicted, and what was stored of the run just before."""

    begun: datetime
    ended: datetime
    before: RunRecord | None


@dataclass(frozen=True)
class Fault:
    """A kind of fault."""

    name: str
    count: int
    """How often it is inflicted by default."""
    inflict: Callable[[Bed, str], None]
    """With the UID of the run."""
    effect: Effect
    per_run: int = 1
    causes: frozenset[Cause] = frozenset()
    """Why a run that it met may be invalid."""
    errors: frozenset[str] = frozenset()
    """Why a run that it met may fail."""


def _kill_operator(bed: Bed, _: str) -> None:
    pod = bed.operator_pod()
    if pod is not None:
        with suppress(OSError, ValueError, KeyError):  # it is starting or ending
            faults.kill(pod)
    bed.replace_operator()


def _kill_load(bed: Bed, uid: str) -> None:
    pod = bed.load_pod(uid)
    assert pod is not None
    faults.kill(pod)


def _exhaust_kro(bed: Bed, _: str) -> None:
    pod = bed.kro_pod()
    assert pod is not None
    faults.exhaust_memory(pod)


def _stop_etcd(bed: Bed, _: str) -> None:
    faults.stop_etcd_for(30.0, bed.state)


def _take_api_server_down(seconds: float) -> Callable[[Bed, str], None]:
    def inflict(bed: Bed, _: str) -> None:
        with faults.api_server_down(bed.state):
            time.sleep(seconds)

    return inflict


_KRO_RESTARTS = frozenset({Cause.KRO_RESTARTED, Cause.KRO_LEADER_CHANGED})
# Without the API server, kro cannot renew its Lease, and ends.
_OUTAGE = _KRO_RESTARTS | {Cause.COUNTERS_WENT_BACKWARDS, Cause.SAMPLES_MISSING}
# A kubelet waits for up to five minutes before it starts a kro that has ended again and again.
_WITHOUT_API = frozenset({"ApiServerInDistress", "ApiServerUnreachable", "KroNotFound"})

FAULTS = {
    fault.name: fault
    for fault in (
        Fault("operator", 50, _kill_operator, Effect.NONE, per_run=5),
        Fault("load", 10, _kill_load, Effect.ENDS_IT, errors=frozenset({"LoadJobFailed"})),
        Fault(
            "api-server",
            5,
            _take_api_server_down(60.0),
            Effect.SPOILS_WHAT_IT_MEETS,
            causes=_OUTAGE,
            errors=_WITHOUT_API,
        ),
        Fault(
            "etcd",
            1,
            _stop_etcd,
            Effect.SPOILS_WHAT_IT_MEETS,
            causes=_OUTAGE,
            errors=_WITHOUT_API,
        ),
        Fault(
            "kro-memory",
            1,
            _exhaust_kro,
            Effect.SPOILS_WHAT_IT_MEETS,
            causes=_KRO_RESTARTS | {Cause.KRO_OOM_KILLED},
        ),
        Fault(
            "api-server-600s",
            1,
            _take_api_server_down(600.0),
            Effect.SPOILS_WHAT_IT_MEETS,
            causes=_OUTAGE,
            errors=_WITHOUT_API,
        ),
    )
}


def inflict_in(bed: Bed, fault: Fault, name: str, uid: str, draw: random.Random) -> list[Hit]:
    """Inflict a fault on a run at random moments; returns what hit it before its end."""
    if fault.effect is not Effect.NONE:
        wait_until(lambda: bed.load_pod(uid) is not None, _LOAD_STARTS_SECONDS)
    begun = time.monotonic()
    hits = []
    for moment in sorted(draw.uniform(0, _RUN_SECONDS) for _ in range(fault.per_run)):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        if bed.has_ended(name) or (fault.effect is Effect.ENDS_IT and bed.load_pod(uid) is None):
            break
        before, hit_at = bed.record(name), datetime.now(UTC)
        fault.inflict(bed, uid)
        hits.append(Hit(hit_at, datetime.now(UTC), before))
    return hits
