"""What is around kro and krobench: other clients and pods, the clock, objects of earlier runs."""

from collections.abc import Sequence
from itertools import pairwise

from krobench.analysis.resourcequantities import number_of
from krobench.api.specs.validity import ValiditySettings
from krobench.figures import catalogue
from krobench.figures.environment import Moment, NodeFingerprint
from krobench.figures.series import Series, UnavailableError
from krobench.figures.summaries import Figures
from krobench.findings.validity import (
    AnyCause,
    APIServerBusy,
    ClockJumped,
    LeftoverObjects,
    NodeBusy,
)

FOREIGN_CPU = 'container_cpu_usage_seconds_total{of="others"}'
"""CPU of all pods on kro's node that are neither kro, nor krobench, nor in kube-system."""

QUIET_REQUESTS_PER_SECOND = 100.0
"""Far below what an API server notices: one core answers some thousand."""
USUAL_FACTOR = 2.0
SHORTEST_JUDGED_SECONDS = 5.0
"""A shorter run phase has no rate that says anything: one ``kubectl get`` can send 90 requests at
once, to learn what is served."""
JUMP_SECONDS = 0.5
"""Half of the resolution of an API server's timestamps."""
SLEW_RATIO = 5e-4
"""How fast or slow NTP may make a clock without a jump (adjtimex: 500 ppm)."""
_START_TIME = "process_start_time_seconds"
_TOTAL = "apiserver_request_total"


def api_server_busy(
    figures: Figures,
    usual_per_second: float | None,
    settings: ValiditySettings,
) -> list[AnyCause]:
    """Return whether other clients sent too many requests in the run phase.

    Other clients are also the kubelets, and controllers that work for what kro created, so the
    bound must leave room. If the spec sets none, it is the largest of: what no API server notices,
    the rate of kro and krobench together, and twice the usual rate of this API server, because a
    large cluster has a background of its own. In a short run phase, a burst counts as if it were
    spread over :data:`SHORTEST_JUDGED_SECONDS`.
    """
    kro, own = figures[catalogue.KRO_REQUESTS], figures[catalogue.KROBENCH_REQUESTS]
    total, run_seconds = figures[catalogue.API_SERVER_REQUESTS], figures[catalogue.RUN_SECONDS]
    if kro is None or own is None or total is None or not run_seconds:
        return []
    foreign = (total - kro - own) / max(run_seconds, SHORTEST_JUDGED_SECONDS)
    ours = (kro + own) / run_seconds
    bound = settings.max_foreign_requests_per_second
    if bound is None:
        usual = USUAL_FACTOR * (usual_per_second or 0.0)
        bound = max(QUIET_REQUESTS_PER_SECOND, ours, usual)
    if foreign <= bound:
        return []
    return [
        APIServerBusy(foreign_per_second=foreign, own_per_second=ours, allowed_per_second=bound)
    ]


def usual_requests_per_second(series: Series, zero_epoch_seconds: float) -> float | None:
    """Return the API server's mean request rate from its start until the first sample."""
    starts, totals = series.of("apiserver", _START_TIME), series.of("apiserver", _TOTAL)
    if not starts or not totals:
        return None
    age = zero_epoch_seconds + totals[0].seconds - starts[0].value
    return totals[0].value / age if age > 0 else None


def node_busy(
    series: Series,
    node: NodeFingerprint | None,
    started_seconds: float,
    ended_seconds: float,
    settings: ValiditySettings,
) -> list[AnyCause]:
    """Return whether other pods used too much of the CPU of kro's node.

    Empty also if that is unknown, because the kubelet measured less than twice in this time.
    """
    cores = number_of(node.cpu) if node is not None else None
    if node is None or cores is None:
        return []
    try:
        used = series.stamped_delta("kubelet", FOREIGN_CPU, started_seconds, ended_seconds)
    except UnavailableError:
        return []
    used_cores = used.value / used.seconds
    if used_cores / cores <= settings.max_foreign_cpu_ratio:
        return []
    return [
        NodeBusy(
            node=node.name,
            used_cores=used_cores,
            cores=cores,
            allowed_ratio=settings.max_foreign_cpu_ratio,
        )
    ]


def clock_jumps(moments: Sequence[Moment]) -> list[AnyCause]:
    """Return by how much the wall clock jumped against the monotonic one.

    Latencies use the monotonic clock and are not affected. But shards agree on their start by the
    wall clock, and the kubelet's figures are matched with the run phase by it; and a suspended
    machine stops the monotonic clock, and everybody's timers with it.
    """
    return [
        ClockJumped(jump_seconds=jump, before_seconds=before.seconds, after_seconds=after.seconds)
        for before, after in pairwise(moments)
        if abs(jump := after.zero_epoch_seconds - before.zero_epoch_seconds)
        > JUMP_SECONDS + SLEW_RATIO * (after.seconds - before.seconds)
    ]


def leftover_objects(found: Sequence[str], runs: Sequence[str]) -> list[AnyCause]:
    """Return that objects of other runs existed: kro reconciles and caches them too.

    ``runs`` are the ids of the runs that created them.
    """
    if not found:
        return []
    return [LeftoverObjects(count=len(found), first=found[0], runs=list(runs))]
