from krobench.analysis.medians import median_usage
from krobench.analysis.usage.resources import measure_resources
from krobench.analysis.usage.unitcosts import cost_of_instance, cost_of_rgd
from krobench.figures.lines import Sample, SourceName
from krobench.figures.phase import PhaseReader
from krobench.figures.series import Series
from krobench.figures.usage import (
    ApiServerUse,
    KroRestart,
    Level,
    ProcessUse,
    RequestCount,
    UsageRecord,
)


def grown(metric: str, first: float, last: float, source: SourceName = "kro") -> list[Sample]:
    return [
        Sample(seconds=seconds, source=source, metric=metric, value=value)
        for seconds, value in ((0.0, first), (10.0, last))
    ]


def read(*lines: Sample) -> tuple[Series, PhaseReader, dict[str, str]]:
    series, unavailable = Series(lines), dict[str, str]()
    return series, PhaseReader(series, 0.0, 10.0, unavailable), unavailable


LISTS = 'apiserver_requests_by{verb="LIST",resource="pods"}'
NEW = 'apiserver_requests_by{verb="POST",resource="instances"}'
IDLE = 'apiserver_requests_by{verb="GET",resource="other"}'


def test_requests_are_counted_by_verb_and_resource_also_where_the_first_came_in_the_phase() -> None:
    series, run, _ = read(
        *grown("apiserver_request_total", 10, 30, "apiserver"),
        *grown(LISTS, 4, 9, "apiserver"),
        *grown(IDLE, 4, 4, "apiserver"),
        *grown(NEW, 0, 15, "apiserver")[1:],
    )
    usage = measure_resources(series, run)
    assert usage.api_server.requests == 20
    assert [(c.verb, c.resource, c.count) for c in usage.api_server.requests_by] == [
        ("POST", "instances", 15),
        ("LIST", "pods", 5),
    ]


def test_objects_are_read_under_the_name_that_the_server_has() -> None:
    series, run, _ = read(*grown("apiserver_storage_objects", 100, 140, "apiserver"))
    assert measure_resources(series, run).api_server.objects.delta == 40


def test_etcd_that_is_not_sampled_is_said_once_for_each_figure() -> None:
    series, run, unavailable = read()
    assert measure_resources(series, run).etcd_process.cpu_seconds is None
    assert unavailable["usage.etcdProcess.cpuSeconds"] == "nothing was sampled of etcd"


def test_what_sampling_took_is_the_sum_over_the_sources() -> None:
    series, run, _ = read(
        *grown("collectors_cpu_seconds_total", 1, 1.5, "krobench"),
        *grown('scrapes_total{source="kro"}', 2, 12, "krobench"),
        *grown('scrapes_total{source="kubelet"}', 1, 3, "krobench"),
    )
    cost = measure_resources(series, run).collectors
    assert (cost.cpu_seconds, cost.scrapes, cost.failed_scrapes) == (0.5, 12, 0)


def test_scrapes_that_were_not_counted_to_the_end_are_not_zero() -> None:
    samples = grown('scrapes_total{source="kro"}', 2, 12, "krobench")
    series, run, unavailable = read(
        *grown("collectors_cpu_seconds_total", 1, 1.5, "krobench")[:1], *samples[:1]
    )
    cost = measure_resources(series, run).collectors
    assert (cost.cpu_seconds, cost.scrapes, cost.failed_scrapes) == (None, None, None)
    assert unavailable["usage.collectors.scrapes"]


def test_costs_are_divided_by_what_was_made() -> None:
    _, run, _ = read(*grown("process_cpu_seconds_total", 1, 3), *grown("go_goroutines", 50, 90))
    assert cost_of_instance(run, ready=10).kro_cpu_seconds == 0.2
    assert cost_of_rgd(run, rgds=4).kro_goroutines == 10


def test_nothing_made_costs_nothing_that_could_be_named() -> None:
    _, run, unavailable = read(*grown("process_cpu_seconds_total", 1, 3))
    assert cost_of_instance(run, ready=0).kro_cpu_seconds is None
    assert unavailable["usage.perInstance.kroCpuSeconds"] == "no instance became ready"


def test_costs_are_not_divided_by_those_alone_that_became_ready() -> None:
    _, run, unavailable = read(*grown("process_cpu_seconds_total", 1, 3))
    assert cost_of_instance(run, ready=1, missing=4).kro_cpu_seconds is None
    assert "4 of 5 instances" in unavailable["usage.perInstance.kroCpuSeconds"]


def test_a_live_heap_that_no_collection_has_looked_at_is_not_available() -> None:
    heap = grown("go_gc_heap_live_bytes", 100, 900)
    _, run, unavailable = read(*heap, *grown("go_gc_duration_seconds_count", 7, 7))
    assert cost_of_rgd(run, rgds=4).kro_live_heap_bytes is None
    assert "no garbage was collected" in unavailable["usage.perRgd.kroLiveHeapBytes"]
    _, run, _ = read(*heap, *grown("go_gc_duration_seconds_count", 7, 9))
    assert cost_of_rgd(run, rgds=4).kro_live_heap_bytes == 200


def usage(cpu: float | None, pods: float, *restarts: KroRestart) -> UsageRecord:
    return UsageRecord(
        kro=ProcessUse(cpu_seconds=cpu, resident_bytes=Level(max=cpu)),
        api_server=ApiServerUse(
            requests_by=[RequestCount(verb="GET", resource="pods", count=pods)]
        ),
        kro_restarts=list(restarts),
    )


def test_iterations_are_taken_together_by_medians_of_what_each_has() -> None:
    restart = KroRestart(seconds=3.0, pod="b", previous_pod="a")
    summary = median_usage([usage(1.0, 5, restart), usage(None, 6), usage(2.0, 7)])
    assert summary.kro.cpu_seconds == summary.kro.resident_bytes.max == 1.5
    assert [count.count for count in summary.api_server.requests_by] == [7]
    assert summary.kro_restarts == [restart]
    assert summary.etcd_process.cpu_seconds is None


def test_an_iteration_of_which_nothing_is_known_spoils_no_median_of_the_others() -> None:
    names = ("apiserver_current_inflight_requests", "apiserver_watches")
    series, run, _ = read(*(line for name in names for line in grown(name, 4, 4, "apiserver")))
    known = measure_resources(series, run)
    summary = median_usage([known, UsageRecord(), known])
    assert summary.api_server.in_flight.mean == summary.api_server.watches.mean == 4
