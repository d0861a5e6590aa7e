"""One run that is put through a fault, and how it came out."""

import random
import time
from dataclasses import replace

from pydantic import BaseModel

from bench.faults import judging
from bench.faults.bed import Bed, wait_until
from bench.faults.catalogue import Fault, inflict_in

_END_SECONDS = 900.0
"""A run has this time for its end once the fault is over."""
_GONE_SECONDS = 90.0
_READY_SECONDS = 180.0


class Outcome(BaseModel):
    """How a run came out."""

    image: str
    """Of the operator."""
    fault: str
    run: str
    times: int
    """How often the fault hit it."""
    verdict: str
    reason: str
    lost: tuple[str, ...]
    wrong: tuple[str, ...]
    left: tuple[str, ...]
    seconds: float | None
    """From the end of the last fault to the terminal condition; None if that did not come."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What must not be."""
        return (
            *(f"lost: {each}" for each in self.lost),
            *(f"wrong verdict: {each}" for each in self.wrong),
            *(f"left: {each}" for each in self.left),
            *(("it did not end",) if self.seconds is None else ()),
        )

    @property
    def well(self) -> bool:
        """Whether all is as it must be."""
        return not self.findings


def put_through(
    bed: Bed, fault: Fault, name: str, draw: random.Random, at_most: int | None = None
) -> Outcome:
    """Put a new run through a fault, and delete the run once it has been judged.

    Raises:
        TimeoutError: if operator and kro are not ready for a run.
    """
    if at_most is not None:
        fault = replace(fault, per_run=min(fault.per_run, at_most))
    if not wait_until(bed.is_ready, _READY_SECONDS):
        raise TimeoutError("krobench or kro is not ready: see their pods")
    uid = bed.create(name)
    try:
        hits = inflict_in(bed, fault, name, uid, draw)
        over = time.monotonic()
        ended = wait_until(lambda: bed.has_ended(name), _END_SECONDS)
        seconds = round(time.monotonic() - over, 1) if ended else None
        status, record = bed.status(name), bed.record(name)
        lost = judging.lost(hits, record)
        lost += bed.missing_parts(record) if record is not None else []
        # After an outage, Kubernetes' garbage collector takes a while to start again.
        gone = wait_until(lambda: not bed.left(uid), _GONE_SECONDS)
        left = [] if gone else bed.left(uid)
    finally:
        bed.delete(name)
    gone = wait_until(lambda: not bed.left(uid, deleted=True), _GONE_SECONDS)
    left += [] if gone else bed.left(uid, deleted=True)
    return Outcome(
        image=bed.image(),
        fault=fault.name,
        run=name,
        times=len(hits),
        verdict=str(status.get("verdict")),
        reason=judging.reason_of(status),
        lost=tuple(lost),
        wrong=tuple(judging.wrong(fault, hits, status, record)),
        left=tuple(sorted(set(left))),
        seconds=seconds,
    )
