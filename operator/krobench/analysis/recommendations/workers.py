"""Rules on kro's workers, and on what a new RGD waits for."""

import math

from krobench.analysis.bottlenecks.facts import MANY_RGDS
from krobench.analysis.krosettings import (
    INSTANCE_WORKERS,
    REVISION_WORKERS,
    RGD_WORKERS,
    WATCH_LIST,
)
from krobench.analysis.recommendations.case import (
    MEASURED_BEFORE,
    Case,
    Finding,
    evidence,
    evidence_of,
)
from krobench.api import units
from krobench.api.specs.kro import Variant
from krobench.findings.bottleneck import Bottleneck, BottleneckKind, Evidence
from krobench.findings.recommendation import Area, Confidence, Recommendation

_BUSY = 0.75
"""From here on, more of the time until ready is queueing than work."""
_WORTH = 1.25
"""A smaller gain than this is not worth a change."""
_PROCESSORS_LEFT = 0.8
_MOST_TIMES = 8
"""Beyond so many times the workers, the demand of one no longer says much: they share kro."""
_UNKNOWN_TIMES = 4

_FEW = 20
"""Fewer instances are over before a rate is a rate."""

_SLOW_RGD_SECONDS = 0.2
_RGD_WORKERS, _REVISION_WORKERS = 8, 4


def more_instance_workers(case: Case) -> Finding | None:
    """More workers for instances, where they are busy and processors are left."""
    demand, rate, workers, busy = (
        case.demand_seconds,
        case.throughput,
        case.workers,
        case.utilisation,
    )
    if demand is None or rate is None or not workers or busy is None or busy < _BUSY:
        return None
    wanted, reached, what = _how_many(case, demand, workers)
    gain = reached / rate
    if wanted <= workers or gain < _WORTH:
        return None
    found = case.bottleneck(BottleneckKind.KRO_WORKERS, "instance workers")
    return Finding(
        Recommendation(
            title=f"Give kro {wanted} workers for instances instead of {workers}",
            area=Area.KRO_FLAG,
            bottleneck=BottleneckKind.KRO_WORKERS,
            settings=[case.settings.change(INSTANCE_WORKERS, str(wanted))],
            expected_effect=(
                f"At most {gain:.2g} times as many instances in a second: {workers} "
                f"worker{'s' if workers > 1 else ''} can do "
                f"{units.rate(workers / demand)}, as an instance takes "
                f"{units.seconds(demand)} of a worker's time; {wanted} can do "
                f"{units.rate(wanted / demand)}, and {what}. It will be less, as workers share "
                "what each of them asks of the API server."
            ),
            confidence=_confidence(case),
            source=f"{case.source}, by the utilisation law",
            evidence=[
                evidence("utilisation of the workers for instances", busy, "ratio", "above 75 %"),
                evidence("time of a worker for an instance", demand, "seconds"),
                *_queueing(case),
                *_processors(case, rate),
                *_few_instances(case),
            ],
            variant=Variant(name=f"{wanted}-workers", args=[f"{INSTANCE_WORKERS.name}={wanted}"]),
        ),
        weight=case.weight_of(found, otherwise=busy),
    )


def _how_many(case: Case, demand: float, workers: int) -> tuple[int, float, str]:
    """Return how many workers are of use, the rate that they reach, and what bounds it then."""
    bounds = case.cpu_bounds()
    most = workers * (_MOST_TIMES if bounds else _UNKNOWN_TIMES)
    if case.in_flight is not None:
        most = min(most, case.in_flight)
    if not bounds:
        wanted = max(workers, most)
        return wanted, wanted / demand, "whether the processors can is not known"
    whose, bound = min(bounds.items(), key=lambda item: item[1])
    wanted = min(most, math.ceil(bound * demand))
    reached = min(bound, wanted / demand)
    return wanted, reached, f"{whose} {units.rate(bound)} at most"


def _confidence(case: Case) -> Confidence:
    if case.observed_instances < _FEW:
        return Confidence.LOW
    return Confidence.HIGH if case.cpu_bounds() else Confidence.MEDIUM


def _few_instances(case: Case) -> list[Evidence]:
    number = case.observed_instances
    if number >= _FEW:
        return []
    expected = f"at least {_FEW}, to know kro's rate from its start"
    return [evidence("instances that this rests on", number, "number", expected, speaks_for=False)]


def _queueing(case: Case) -> list[Evidence]:
    wait = case.metric("kro_instance_queue_wait_mean_seconds")
    work = case.metric("kro_instance_reconcile_mean_seconds")
    if wait is None or work is None:
        return []
    return [
        evidence(
            "wait in the queue before a reconcile, mean",
            wait,
            "seconds",
            f"more than the reconcile itself, {units.seconds(work)}",
            speaks_for=wait > work,
        )
    ]


def _processors(case: Case, rate: float) -> list[Evidence]:
    return [
        evidence(
            f"use of {whose}",
            rate / bound,
            "ratio",
            "below 80 %",
            speaks_for=rate / bound < _PROCESSORS_LEFT,
        )
        for whose, bound in case.cpu_bounds().items()
    ]


def more_rgd_workers(case: Case) -> Finding | None:
    """More workers for RGDs and their revisions, where many new ones wait for each other."""
    each = _seconds_of_an_rgd(case)
    workers = case.settings.number(RGD_WORKERS)
    revision_workers = case.settings.number(REVISION_WORKERS)
    if each is None or workers is None or revision_workers is None:
        return None
    wanted = min(_RGD_WORKERS, case.test.rgds)
    revisions = min(_REVISION_WORKERS, case.test.rgds)
    pairs = ((RGD_WORKERS, workers, wanted), (REVISION_WORKERS, revision_workers, revisions))
    changes = [(flag, new) for flag, old, new in pairs if new > old]
    if wanted <= workers:
        return None
    return Finding(
        Recommendation(
            title=f"Give kro {wanted} workers for RGDs, and {revisions} for their revisions",
            area=Area.KRO_FLAG,
            bottleneck=BottleneckKind.WATCH_REINITIALISATION,
            settings=[case.settings.change(flag, str(new)) for flag, new in changes],
            expected_effect=(
                f"At most {wanted / workers:.2g} times as many RGDs in a second: they became "
                f"ready one every {units.seconds(each)}, most of which is waiting that workers "
                "can do side by side. 30 RGDs took 36.3 s with one worker of each, and 6.5 s with "
                "8 and 4."
            ),
            confidence=Confidence.HIGH,
            source=f"{case.source}; {MEASURED_BEFORE}",
            evidence=_rgd_evidence(case, each),
            variant=Variant(
                name=f"{wanted}-rgd-workers", args=[f"{flag.name}={new}" for flag, new in changes]
            ),
        ),
        weight=_rgd_weight(case),
    )


def no_watch_list(case: Case) -> Finding | None:
    """client-go's watch-lists switched off, where each new kind waits a second for one."""
    each = _seconds_of_an_rgd(case)
    if each is None or not case.settings.known:
        return None
    if case.settings.env(WATCH_LIST) is not None:
        return None  # somebody has decided on it
    return Finding(
        Recommendation(
            title="Switch off kro's watch-lists where many RGDs are new",
            area=Area.KRO_FLAG,
            bottleneck=BottleneckKind.WATCH_REINITIALISATION,
            settings=[case.settings.change_env(WATCH_LIST, "false")],
            expected_effect=(
                "About one second less for each new RGD, which is what the API server has a "
                f"watch-list of a new kind wait; they became ready one every "
                f"{units.seconds(each)}. 30 RGDs took 36.3 s with it, and 12.3 s without. Lists "
                "of many large objects take the API server more memory without it."
            ),
            confidence=Confidence.MEDIUM,
            source=f"{case.source}; {MEASURED_BEFORE}",
            evidence=_rgd_evidence(case, each),
            variant=Variant(name="no-watch-list", env={WATCH_LIST: "false"}),
        ),
        weight=_rgd_weight(case) * 0.9,
    )


def _seconds_of_an_rgd(case: Case) -> float | None:
    """Return the time from one RGD ready to the next, of many that are created at once; None
    where these are few, or fast."""
    ready = case.rgd_ready
    if case.test.rgds < MANY_RGDS or ready is None or ready.max_seconds is None:
        return None
    each = ready.max_seconds / case.test.rgds
    return each if each >= _SLOW_RGD_SECONDS or _of_rgds(case) else None


def _of_rgds(case: Case) -> list[Bottleneck]:
    """Return what the attribution says of new RGDs."""
    found = (
        case.bottleneck(BottleneckKind.WATCH_REINITIALISATION),
        case.bottleneck(BottleneckKind.KRO_WORKERS, "RGD workers"),
        case.bottleneck(BottleneckKind.KRO_WORKERS, "GraphRevision workers"),
    )
    return [each for each in found if each is not None]


def _rgd_evidence(case: Case, each: float) -> list[Evidence]:
    return [
        evidence(
            f"time until ready of the last of {case.test.rgds} RGDs, over their number",
            each,
            "seconds",
            "below 0.2 s",
        ),
        *(item for found in _of_rgds(case) for item in evidence_of(found, most=2)),
    ]


def _rgd_weight(case: Case) -> float:
    # Set-up against run: how much of the test was waiting for RGDs.
    ready, total = case.rgd_ready, case.summary.duration_seconds
    known = ready is not None and ready.max_seconds is not None and total
    share = min(1.0, (ready.max_seconds or 0.0) / total) if ready and known and total else 0.5
    return case.weight_of(*_of_rgds(case), otherwise=share)
