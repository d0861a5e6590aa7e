"""What a run has lost by a fault, and whether it tells the truth about it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from bench.faults.catalogue import Effect, Fault, Hit
from krobench.api.common import parse_rfc3339
from krobench.api.status import Phase, Verdict
from krobench.record.run import RunRecord
from krobench.record.test import IterationRecord

_MARGIN = timedelta(seconds=2)
"""Records have whole seconds; a fault that meets an iteration for less may not be noticed."""


def lost(hits: Sequence[Hit], after: RunRecord | None) -> list[str]:
    """Return the iterations that were stored before a fault and are not as they were.

    A run with results lacks none of the iterations that were planned.
    """
    kept = dict(_iterations(after))
    before = {key: each for hit in hits for key, each in _iterations(hit.before)}
    missing = {
        key
        for key, each in before.items()
        if key not in kept or _measured(kept[key]) != _measured(each)
    }
    if after is not None and after.verdict in (Verdict.PASSED, Verdict.INVALID):
        planned = {
            (test.name, index)
            for test in after.tests
            for index in range(test.planned_warmup + test.planned_iterations)
        }
        missing |= planned - kept.keys()
    return [f"{test}, iteration {index + 1}" for test, index in sorted(missing)]


def wrong(
    fault: Fault, hits: Sequence[Hit], status: Mapping[str, Any], record: RunRecord | None
) -> list[str]:
    """Return what is wrong with a run's verdict."""
    verdict, reason = status.get("verdict"), reason_of(status)
    met = [key for key, each in _iterations(record) if any(_meets(hit, each) for hit in hits)]
    shown = f"{verdict}, {reason}"
    match verdict:
        case Verdict.PASSED if fault.effect is Effect.ENDS_IT:
            return [f"{shown}, although its load was killed"]
        case Verdict.PASSED if fault.effect is Effect.SPOILS_WHAT_IT_MEETS and met:
            return [f"{shown}, although the fault met {_names(met)}"]
        case Verdict.PASSED:
            return []
        case Verdict.INVALID:
            found = record.validity.causes if record and record.validity else []
            named = {cause.reason for cause in found}
            return [] if named & fault.causes else [f"{shown}: {', '.join(sorted(named))}"]
        case _:
            return [] if reason in fault.errors else [f"{shown}: {status.get('message')}"]


def _iterations(record: RunRecord | None) -> Iterator[tuple[tuple[str, int], IterationRecord]]:
    for test in record.tests if record is not None else ():
        for iteration in test.iterations:
            yield (test.name, iteration.index), iteration


def _measured(iteration: IterationRecord) -> tuple[Any, ...]:
    """What does not change once an iteration is measured: its cleanup adds when instances went."""
    latency = iteration.latency.model_copy(update={"instance_gone": None})
    return (iteration.start_time, iteration.counts, latency, iteration.duration_seconds)


def _meets(hit: Hit, iteration: IterationRecord) -> bool:
    ended = parse_rfc3339(iteration.end_time)
    begun = ended - timedelta(seconds=iteration.duration_seconds)
    first, last = max(begun, hit.begun), min(ended, hit.ended)
    if hit.ended - hit.begun > 2 * _MARGIN:
        return last - first > _MARGIN
    return begun + _MARGIN < hit.begun and hit.ended < ended - _MARGIN


def reason_of(status: Mapping[str, Any]) -> str:
    """Return why a run ended as it did."""
    kind = "Failed" if status.get("phase") == Phase.FAILED else "Finished"
    conditions = status.get("conditions", [])
    return next((str(c["reason"]) for c in conditions if c["type"] == kind), "no reason")


def _names(keys: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{test}, iteration {index + 1}" for test, index in keys)
