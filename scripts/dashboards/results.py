"""How panels ask for runs and their figures."""

from scripts.dashboards.model import Query
from scripts.dashboards.processes import CLUSTER

RUN_LABELS = "cluster, kind, namespace, name"
READY = 'latency="instance_ready"'


def runs(metric: str, *labels: str, match: str = "") -> str:
    """Return a metric of runs once, though several pods of the operator expose it."""
    keep = ", ".join((RUN_LABELS, *labels))
    match = ", ".join(filter(None, (CLUSTER, match)))
    return f"max by ({keep}) ({metric}{{{match}}})"


ENDED = Query(
    f"1000 * {runs('krobench_run_completion_time_seconds')}", "{{kind}} {{namespace}}/{{name}}"
)
