"""What the processes around a load used in a phase: CPU, memory, network, requests."""

from krobench.analysis.usage.activity import measure_gates
from krobench.api.notation import labelled, labels_of
from krobench.figures.lines import SourceName
from krobench.figures.phase import PhaseReader
from krobench.figures.series import Series
from krobench.figures.usage import (
    ApiServerUse,
    CollectorCost,
    EtcdUse,
    GoUse,
    ProcessUse,
    RequestCount,
    UsageRecord,
)

_MAX_REQUEST_KINDS = 60
_CPU = "process_cpu_seconds_total"
_SHARED_NETWORK = "it shares its node's network, so that its traffic cannot be told from others'"


def measure_resources(series: Series, run: PhaseReader) -> UsageRecord:
    """Return what was used in a phase, in all; for each unit of work is for others to say."""
    return UsageRecord(
        kro=_kro(run),
        kro_runtime=_runtime(run, "usage.kroRuntime", "kro"),
        kro_informers=run.level("usage.kroInformers", "kro", "dynamic_controller_watch_count"),
        node_cpu_cores=run.stamped_rate(
            "usage.nodeCpuCores",
            "kubelet",
            labelled("container_cpu_usage_seconds_total", {"of": "node"}),
        ),
        api_server_process=_process(run, "usage.apiServerProcess", "apiserver"),
        api_server_runtime=_runtime(run, "usage.apiServerRuntime", "apiserver"),
        api_server=_api_server(series, run),
        etcd_process=_etcd_process(run),
        etcd=_etcd(run),
        collectors=_collectors(series, run),
    )


def _kro(run: PhaseReader) -> ProcessUse:
    use = _process(run, "usage.kro", "kro")
    use.received_bytes = run.delta(
        "usage.kro.receivedBytes", "kro", "process_network_receive_bytes_total"
    )
    use.sent_bytes = run.delta("usage.kro.sentBytes", "kro", "process_network_transmit_bytes_total")
    return use


def _etcd_process(run: PhaseReader) -> ProcessUse:
    name = "usage.etcdProcess"
    use = _process(run, name, "etcd")
    use.received_bytes = run.delta(
        f"{name}.receivedBytes", "etcd", "etcd_network_client_grpc_received_bytes_total"
    )
    use.sent_bytes = run.delta(
        f"{name}.sentBytes", "etcd", "etcd_network_client_grpc_sent_bytes_total"
    )
    return use


def _process(run: PhaseReader, name: str, source: SourceName) -> ProcessUse:
    """Read a process from what it says of itself and what the kubelet says of its container."""
    of = {} if source == "kro" else {"of": source}

    def container(metric: str) -> str:
        return labelled(f"container_{metric}", of)

    if source == "apiserver":
        run.note(f"{name}.receivedBytes", _SHARED_NETWORK)
        run.note(f"{name}.sentBytes", _SHARED_NETWORK)
    return ProcessUse(
        cpu_seconds=run.delta(f"{name}.cpuSeconds", source, _CPU),
        cpu_cores=run.rates(f"{name}.cpuCores", source, _CPU),
        throttled_periods_ratio=run.stamped_ratio(
            f"{name}.throttledPeriodsRatio",
            "kubelet",
            container("cpu_cfs_throttled_periods_total"),
            container("cpu_cfs_periods_total"),
        ),
        throttled_seconds=run.stamped_delta(
            f"{name}.throttledSeconds", "kubelet", container("cpu_cfs_throttled_seconds_total")
        ),
        resident_bytes=run.level(f"{name}.residentBytes", source, "process_resident_memory_bytes"),
        working_set_bytes=run.level(
            f"{name}.workingSetBytes", "kubelet", container("memory_working_set_bytes")
        ),
        read_bytes=run.stamped_delta(
            f"{name}.readBytes", "kubelet", container("fs_reads_bytes_total")
        ),
        written_bytes=run.stamped_delta(
            f"{name}.writtenBytes", "kubelet", container("fs_writes_bytes_total")
        ),
    )


def _runtime(run: PhaseReader, name: str, source: SourceName) -> GoUse:
    return GoUse(
        heap_bytes=run.level(f"{name}.heapBytes", source, "go_memstats_heap_alloc_bytes"),
        live_heap_bytes=run.last(f"{name}.liveHeapBytes", source, "go_gc_heap_live_bytes"),
        allocated_bytes=run.delta(
            f"{name}.allocatedBytes", source, "go_memstats_alloc_bytes_total"
        ),
        goroutines=run.level(f"{name}.goroutines", source, "go_goroutines"),
        gc_cycles=run.delta(f"{name}.gcCycles", source, "go_gc_duration_seconds_count"),
        gc_pause_seconds=run.delta(f"{name}.gcPauseSeconds", source, "go_gc_duration_seconds_sum"),
        gc_cpu_seconds=run.delta(
            f"{name}.gcCpuSeconds", source, "go_cpu_classes_gc_total_cpu_seconds_total"
        ),
    )


def _api_server(series: Series, run: PhaseReader) -> ApiServerUse:
    name = "usage.apiServer"
    objects = next(
        (m for m in ("apiserver_resource_objects",) if series.has("apiserver", m)),
        "apiserver_storage_objects",
    )
    return ApiServerUse(
        requests=run.delta(f"{name}.requests", "apiserver", "apiserver_request_total"),
        requests_by=_requests_by(series, run),
        request_mean_seconds=run.mean_of(
            f"{name}.requestMeanSeconds", "apiserver", "apiserver_request_duration_seconds"
        ),
        throttled_requests=run.rare(
            f"{name}.throttledRequests",
            "apiserver",
            "apiserver_request_429_total",
            "apiserver_request_total",
        ),
        in_flight=run.distribution(
            f"{name}.inFlight", "apiserver", "apiserver_current_inflight_requests"
        ),
        watches=run.level(f"{name}.watches", "apiserver", "apiserver_watches"),
        objects=run.level(f"{name}.objects", "apiserver", objects),
        storage_bytes=run.level(
            f"{name}.storageBytes", "apiserver", "apiserver_storage_size_bytes"
        ),
        etcd_request_mean_seconds=run.mean_of(
            f"{name}.etcdRequestMeanSeconds", "apiserver", "etcd_request_duration_seconds"
        ),
        gates=measure_gates(series, run),
    )


def _requests_by(series: Series, run: PhaseReader) -> list[RequestCount]:
    name = "usage.apiServer.requestsBy"
    counts = []
    for metric in series.labelled("apiserver", "apiserver_requests_by"):
        grown = run.rare(name, "apiserver", metric, "apiserver_request_total")
        if grown:
            counts.append(RequestCount(**labels_of(metric), count=grown))
    return sorted(counts, key=lambda c: (-c.count, c.verb, c.resource))[:_MAX_REQUEST_KINDS]


def _etcd(run: PhaseReader) -> EtcdUse:
    return EtcdUse(
        database_bytes=run.level(
            "usage.etcd.databaseBytes", "etcd", "etcd_mvcc_db_total_size_in_bytes"
        ),
        fsync_mean_seconds=run.mean_of(
            "usage.etcd.fsyncMeanSeconds", "etcd", "etcd_disk_wal_fsync_duration_seconds"
        ),
        commit_mean_seconds=run.mean_of(
            "usage.etcd.commitMeanSeconds", "etcd", "etcd_disk_backend_commit_duration_seconds"
        ),
    )


def _collectors(series: Series, run: PhaseReader) -> CollectorCost:
    name = "usage.collectors"
    cpu = "collectors_cpu_seconds_total"

    def of_all_sources(field: str, metric: str) -> float | None:
        sources = series.labelled("krobench", metric) or [metric]
        parts = [run.rare(f"{name}.{field}", "krobench", part, cpu) for part in sources]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    return CollectorCost(
        cpu_seconds=run.delta(f"{name}.cpuSeconds", "krobench", cpu),
        load_job_cpu_seconds=run.delta(f"{name}.loadJobCpuSeconds", "krobench", _CPU),
        scrapes=of_all_sources("scrapes", "scrapes_total"),
        failed_scrapes=of_all_sources("failedScrapes", "failed_scrapes_total"),
        scraped_bytes=of_all_sources("scrapedBytes", "scraped_bytes_total"),
    )
