"""Others who load what kro needs: the API server, and the node that it runs on."""

from krobench.analysis.quantities import number_of
from krobench.analysis.usage.windows import Series, UnavailableError
from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause, ValiditySettings
from krobench.figures.environment import NodeFingerprint
from krobench.figures.measures import ApiRequests

FOREIGN_CPU = 'container_cpu_usage_seconds_total{of="others"}'
"""CPU of all pods on kro's node that are neither kro, nor krobench, nor in kube-system."""

QUIET_REQUESTS_PER_SECOND = 100.0
"""Far below what any API server notices: one core answers some thousand."""
USUAL_FACTOR = 2.0
_START_TIME = "process_start_time_seconds"
_TOTAL = "apiserver_request_total"


def api_server_busy(
    requests: ApiRequests,
    run_seconds: float | None,
    usual_per_second: float | None,
    settings: ValiditySettings,
) -> list[ErrorInfo]:
    """Return whether others sent too many requests in the run phase.

    Others are also the kubelets and the controllers that work for what kro made, so that a bound
    has to leave room. It is a field for those who know better; else others may send as many
    requests as no API server notices, or as kro and krobench together, or twice what is usual
    here, whatever is most: a large cluster has its own background, and it is not a disturbance.
    """
    kro, own, total = requests.kro, requests.krobench, requests.total
    if kro is None or own is None or total is None or not run_seconds:
        return []
    foreign = (total - kro - own) / run_seconds
    ours = (kro + own) / run_seconds
    usual = USUAL_FACTOR * (usual_per_second or 0.0)
    bound = settings.max_foreign_requests_per_second
    if bound is None:
        bound = max(QUIET_REQUESTS_PER_SECOND, ours, usual)
    if foreign <= bound:
        return []
    return [
        Cause.API_SERVER_BUSY.of(
            f"others sent {foreign:.0f} requests per second to the API server, kro and krobench "
            f"{ours:.0f}; {bound:.0f} are allowed"
        )
    ]


def usual_requests_per_second(series: Series, zero_epoch_seconds: float) -> float | None:
    """Return what the API server has answered per second from its start until the first sample."""
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
) -> list[ErrorInfo]:
    """Return whether other pods took too much of the CPU of kro's node.

    Where the kubelet measured less than twice meanwhile, it cannot be told.
    """
    cores = number_of(node.cpu) if node is not None else None
    if node is None or cores is None:
        return []
    try:
        used = series.stamped_delta("kubelet", FOREIGN_CPU, started_seconds, ended_seconds)
    except UnavailableError:
        return []
    ratio = used.value / used.seconds / cores
    if ratio <= settings.max_foreign_cpu_ratio:
        return []
    return [
        Cause.NODE_BUSY.of(
            f"other pods took {ratio:.0%} of the CPU of kro's node {node.name} "
            f"({used.value / used.seconds:.2f} of {cores:g} cores); {settings.max_foreign_cpu} "
            "is allowed"
        )
    ]
