"""Rules on waits in which nobody works: those for the next turn, and those after errors."""

from krobench.analysis.krosettings import REQUEUE_INTERVAL
from krobench.analysis.recommendations.case import (
    MEASURED_BEFORE,
    Case,
    Finding,
    evidence,
    evidence_of,
)
from krobench.api import units
from krobench.api.common import duration_seconds
from krobench.api.specs.kro import Variant
from krobench.api.specs.load import Operation
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.recommendation import Area, Confidence, Recommendation

_SHORT, _SHORT_SECONDS = "500ms", 0.5
_DELETES = frozenset({Operation.DELETE, Operation.CHURN})
_ERRORS = 0.1


def shorter_requeues(case: Case) -> Finding | None:
    """A shorter interval between two looks at what is not done, where these waits dominate."""
    found = case.bottleneck(BottleneckKind.REQUEUE_WAIT)
    interval = case.settings.value(REQUEUE_INTERVAL)
    seconds = _seconds(interval)
    gone = case.summary.latency.instance_gone
    deletes = bool(_DELETES & set(case.test.phases)) and gone is not None
    gone_seconds = gone.p50_seconds if deletes and gone is not None else None
    slow_deletion = gone_seconds is not None and seconds is not None and gone_seconds > 2 * seconds
    if seconds is None or seconds <= _SHORT_SECONDS or not (found is not None or slow_deletion):
        return None
    own = (
        [
            evidence(
                "time until an instance is gone, p50",
                gone_seconds,
                "seconds",
                f"less than two intervals of {interval}",
            )
        ]
        if slow_deletion and gone_seconds is not None
        else []
    )
    return Finding(
        Recommendation(
            title=f"Have kro look again after {_SHORT} instead of {interval}",
            area=Area.KRO_FLAG,
            bottleneck=BottleneckKind.REQUEUE_WAIT,
            settings=[case.settings.change(REQUEUE_INTERVAL, _SHORT)],
            expected_effect=(
                f"Such waits last {units.number(seconds / _SHORT_SECONDS)} times less. Deleting an "
                "instance of 20 children took 57.9 s with 3 s, and 6.8 s with 300 ms. What waits "
                "for something else is looked at as much more often, with all the requests of a "
                "reconcile."
            ),
            confidence=Confidence.MEDIUM,
            source=f"{case.source}; {MEASURED_BEFORE}",
            evidence=[*evidence_of(found), *own],
            variant=Variant(name="short-requeue", args=[f"{REQUEUE_INTERVAL.name}={_SHORT}"]),
        ),
        weight=found.score if found is not None else 0.5,
    )


def find_errors(case: Case) -> Finding | None:
    """Finding out why reconciles fail, where many do: each then waits before it is retried."""
    errors = case.metric("kro_instance_reconcile_errors")
    reconciles = case.metric("kro_instance_reconciles")
    if not errors or not reconciles or errors / reconciles < _ERRORS:
        return None
    share = errors / reconciles
    return Finding(
        Recommendation(
            title="Find out why kro's reconciles of instances fail",
            area=Area.CLUSTER,
            expected_effect=(
                f"Up to {units.percent(share)} of the reconciles less, and the waits before "
                "retries, of 200 ms at first and twice as long each time. kro's log and the "
                "conditions of the instances say what fails."
            ),
            confidence=Confidence.HIGH,
            source=case.source,
            evidence=[
                evidence("reconciles that failed, of all", share, "ratio", "below 10 %"),
            ],
        ),
        weight=min(1.0, share),
    )


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return duration_seconds(text)
    except ValueError:
        return None
