"""What kro's workers did in a phase, and what requests waited for in the API server."""

from krobench.api.notation import labels_of
from krobench.figures.activity import OWN_KINDS, Gates, KroActivity, Part, PoolUse
from krobench.figures.lines import SourceName
from krobench.figures.phase import PhaseReader
from krobench.figures.series import Series

_MAX_PARTS = 20
_SAMPLED: dict[SourceName, str] = {
    # Each is in every exposition of its source.
    "kro": "process_cpu_seconds_total",
    "apiserver": "apiserver_request_total",
}


def measure_activity(series: Series, phase: PhaseReader, name: str) -> KroActivity:
    """Return what kro did in a phase; ``name`` is the path of the result."""
    by_kind = _parts(series, phase, f"{name}.othersWork", "kro", "work_seconds_of")
    own = sum(part.value for part in by_kind if part.name == OWN_KINDS)
    others = [part for part in by_kind if part.name != OWN_KINDS]
    known = _known_by_kind(series, phase, name)
    return KroActivity(
        seconds=round(phase.seconds, 6),
        instance_pool=_pool(phase, f"{name}.instancePool", "instance"),
        rgd_pool=_pool(phase, f"{name}.rgdPool", "rgd"),
        graph_revision_pool=_pool(phase, f"{name}.graphRevisionPool", "graph_revision"),
        requests=phase.delta(f"{name}.requests", "kro", "rest_client_requests_total"),
        write_requests=_rare(phase, f"{name}.writeRequests", "kro", "rest_client_writes_total"),
        request_mean_seconds=phase.mean_of(
            f"{name}.requestMeanSeconds", "kro", "rest_client_request_duration_seconds"
        ),
        throttled_requests=_rare(
            phase, f"{name}.throttledRequests", "kro", "rest_client_requests_429_total"
        ),
        delayed_requeues=_rare(phase, f"{name}.delayedRequeues", "kro", "delayed_requeues"),
        failed_builds=_parts(
            series, phase, f"{name}.failedBuilds", "kro", "rgd_graph_build_errors_total"
        ),
        failed_build_seconds=_parts(
            series, phase, f"{name}.failedBuildSeconds", "kro", "failed_build_seconds"
        ),
        own_work_seconds=own if known else None,
        others_work_seconds=sum(part.value for part in others) if known else None,
        others_work=others[:_MAX_PARTS],
    )


def _known_by_kind(series: Series, phase: PhaseReader, name: str) -> bool:
    """Whether kinds without work did none; where not, say why of both sums."""
    fields = (f"{name}.ownWorkSeconds", f"{name}.othersWorkSeconds")
    if series.labelled("kro", "work_seconds_of"):
        return None not in [phase.delta(each, "kro", _SAMPLED["kro"]) for each in fields]
    for each in fields:
        phase.note(each, "kro does not expose the time of its instance workers by kind")
    return False


def measure_gates(series: Series, phase: PhaseReader) -> Gates:
    """Return what requests waited for in the API server in a phase."""
    name = "usage.apiServer.gates"
    return Gates(
        admission_seconds=phase.delta(
            f"{name}.admissionSeconds", "apiserver", "admission_seconds_sum"
        ),
        admission_mean_seconds=phase.mean_of(
            f"{name}.admissionMeanSeconds", "apiserver", "admission_seconds"
        ),
        webhooks=_parts(series, phase, f"{name}.webhooks", "apiserver", "webhook_seconds"),
        queue_wait_seconds=_rare(
            phase, f"{name}.queueWaitSeconds", "apiserver", "queue_wait_seconds"
        ),
        queues=_parts(series, phase, f"{name}.queues", "apiserver", "queue_wait_seconds"),
        rejected_requests=_rare(
            phase,
            f"{name}.rejectedRequests",
            "apiserver",
            "apiserver_flowcontrol_rejected_requests_total",
        ),
        rejections=_parts(series, phase, f"{name}.rejections", "apiserver", "rejected_requests"),
        etcd_requests=phase.delta(
            f"{name}.etcdRequests", "apiserver", "etcd_request_duration_seconds_count"
        ),
    )


def _pool(phase: PhaseReader, name: str, pool: str) -> PoolUse:
    done = phase.delta(f"{name}.workSeconds", "kro", f"{pool}_work_seconds_sum")
    under_way = phase.change(f"{name}.workSeconds", "kro", f"{pool}_unfinished_seconds")
    work = None if done is None or under_way is None else round(max(0.0, done + under_way), 6)
    return PoolUse(
        reconciles=phase.delta(f"{name}.reconciles", "kro", f"{pool}_work_seconds_count"),
        work_seconds=work,
        queue_wait_seconds=phase.delta(
            f"{name}.queueWaitSeconds", "kro", f"{pool}_queue_wait_seconds_sum"
        ),
        busy_workers=round(work / phase.seconds, 6) if work is not None and phase.seconds else None,
    )


def _parts(
    series: Series, phase: PhaseReader, name: str, source: SourceName, metric: str
) -> list[Part]:
    """Return what grew of a metric that is kept apart by one label, most first."""
    parts = []
    for each in series.labelled(source, metric):
        grown = _rare(phase, name, source, each)
        if grown:
            parts.append(Part(name=next(iter(labels_of(each).values()), ""), value=grown))
    return sorted(parts, key=lambda part: (-part.value, part.name))


def _rare(phase: PhaseReader, name: str, source: SourceName, metric: str) -> float | None:
    return phase.rare(name, source, metric, _SAMPLED[source])
