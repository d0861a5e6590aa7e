"""Values are read off samples as the catalogue says, or are missing with a reason."""

import pytest
from unit.records import figures

from krobench.analysis.iterations import median_figures
from krobench.figures.catalogue import ALL, FIGURES, OF_NAME
from krobench.figures.figure import Figure, Unit, unit_of
from krobench.figures.iteration import Made, Measured, Phases, measure
from krobench.figures.latencies import LATENCY_NAMES
from krobench.figures.rawdata import Sample, SourceName
from krobench.figures.reasons.load import InstancesNotReady, NoInstanceReady
from krobench.figures.reasons.samples import NoGarbageCollected, NotSampled, ProcessRestarted
from krobench.figures.series import Series
from krobench.figures.summaries import Part

RUN = Phases(0.0, 1.0, 11.0)
SET_UP = Phases(1.0, 11.0, 11.0)
ONE = Made(ready=1)


def grown(metric: str, first: float, last: float, source: SourceName = "kro") -> list[Sample]:
    return [
        Sample(seconds=at, source=source, metric=metric, value=value)
        for at, value in ((1.0, first), (11.0, last))
    ]


def measured(*lines: Sample, phases: Phases = RUN, made: Made = ONE) -> Measured:
    return measure(Series(lines), phases, made)


LISTS = 'apiserver_requests_by{verb="LIST",resource="pods"}'
NEW = 'apiserver_requests_by{verb="POST",resource="instances"}'
IDLE = 'apiserver_requests_by{verb="GET",resource="other"}'


def test_a_counter_is_read_as_its_growth_in_all_and_for_each_instance() -> None:
    found = measured(
        *grown("process_cpu_seconds_total", 2.0, 5.0),
        *grown("process_start_time_seconds", 7.0, 7.0),
        *grown("rest_client_requests_total", 20.0, 120.0),
        made=Made(ready=10),
    ).figures
    assert found["kro.cpu.seconds"] == 3.0
    assert found["kro.cpu.meanCores"] == 0.3
    assert found["kro.requests.total"] == 100.0
    assert found["perInstance.kro.requests.total"] == 10.0


def test_a_total_is_not_divided_by_the_instances_that_became_ready_if_others_did_not() -> None:
    found = measured(
        *grown("rest_client_requests_total", 20.0, 120.0), made=Made(ready=1, missing=4)
    )
    assert found.figures["kro.requests.total"] == 100.0
    assert "perInstance.kro.requests.total" not in found.figures
    why = found.unavailable["perInstance.kro.requests.total"]
    assert why == InstancesNotReady(missing=4, total=5)


def test_nothing_made_has_no_costs() -> None:
    found = measured(*grown("process_cpu_seconds_total", 1, 3), made=Made())
    assert found.unavailable["perInstance.kro.cpu.seconds"] == NoInstanceReady()


def test_the_set_up_is_divided_by_its_rgds() -> None:
    found = measured(
        *grown("process_cpu_seconds_total", 1, 3),
        *grown("go_goroutines", 50, 90),
        phases=SET_UP,
        made=Made(rgds=4),
    ).figures
    assert found["perRgd.kro.cpu.seconds"] == 0.5
    assert found["setUp.kro.cpu.seconds"] == 2.0
    assert found["perRgd.kro.goroutines"] == 10


def test_a_live_heap_that_no_collection_has_looked_at_is_not_available() -> None:
    name = "perRgd.kro.memory.liveHeapBytes"
    heap = grown("go_gc_heap_live_bytes", 100, 900)
    cycles = grown("go_gc_duration_seconds_count", 7, 7)
    found = measured(*heap, *cycles, phases=SET_UP, made=Made(rgds=4))
    assert found.unavailable[name] == NoGarbageCollected()
    cycles = grown("go_gc_duration_seconds_count", 7, 9)
    found = measured(*heap, *cycles, phases=SET_UP, made=Made(rgds=4))
    assert found.figures[name] == 200


def test_every_figure_that_was_not_sampled_is_missing_with_a_reason() -> None:
    found = measured(phases=Phases(0.0, 1.0, 2.0))
    assert found.unavailable["kro.cpu.seconds"] == NotSampled(source="kro")
    assert found.unavailable["etcd.cpu.seconds"] == NotSampled(source="etcd")
    assert set(found.figures) == {"duration.runSeconds"}
    given = {each.name for each in ALL.values() if each.metric is None}
    assert set(ALL) - given <= set(found.unavailable)


def test_a_restart_of_kro_gives_no_number_rather_than_a_wrong_one() -> None:
    found = measured(
        *grown("process_cpu_seconds_total", 9.5, 0.2),
        *grown("process_start_time_seconds", 7.0, 99.0),
    )
    assert "kro.cpu.seconds" not in found.figures
    assert found.unavailable["kro.cpu.seconds"] == ProcessRestarted(process="kro")


def test_a_counter_without_series_beside_one_with_series_is_zero() -> None:
    found = measured(*grown("instance_reconcile_total", 2.0, 3.0)).figures
    assert found["kro.reconciles.failed"] == 0.0


def test_work_in_progress_at_a_border_counts_in_part() -> None:
    found = measured(
        *grown("instance_work_seconds_sum", 100.0, 104.0),
        *grown("instance_unfinished_seconds", 0.5, 3.5),
        *grown("instance_queue_wait_seconds_sum", 0.0, 8.0),
    ).figures
    assert found["kro.instancePool.workSeconds"] == pytest.approx(7.0)
    assert found["kro.instancePool.busyWorkers"] == pytest.approx(0.7)
    assert found["kro.instancePool.queueWaitSeconds"] == pytest.approx(8.0)


def test_work_is_known_by_kind_with_the_tests_own_kinds_as_one() -> None:
    found = measured(
        *grown("process_cpu_seconds_total", 1.0, 2.0),
        *grown('work_seconds_of{kind="own"}', 1.0, 3.0),
        *grown('work_seconds_of{kind="a/v1/as"}', 0.0, 1.0),
        *grown('work_seconds_of{kind="b/v1/bs"}', 5.0, 35.0),
        *grown('work_seconds_of{kind="c/v1/cs"}', 5.0, 5.0),
    )
    assert found.figures["kro.instancePool.ownWorkSeconds"] == pytest.approx(2.0)
    assert found.figures["kro.instancePool.othersWorkSeconds"] == pytest.approx(31.0)
    assert found.parts["kro.instancePool.othersWork"] == [
        Part(name="b/v1/bs", value=30.0),
        Part(name="a/v1/as", value=1.0),
    ]


def test_a_kro_without_these_metrics_gives_none_of_the_figures() -> None:
    found = measured(*grown("process_cpu_seconds_total", 1.0, 2.0))
    for name in ("kro.instancePool.workSeconds", "kro.instancePool.ownWorkSeconds"):
        assert name not in found.figures
        assert name in found.unavailable


@pytest.mark.parametrize("at", [10.0, 11.0])
def test_work_by_kind_that_was_not_read_to_the_end_is_not_zero(at: float) -> None:
    """The last sample came before the end, or was another process's."""
    samples = [
        Sample(seconds=seconds, source="kro", metric=metric, value=value)
        for seconds, start in ((1.0, 5.0), (at, 5.0 if at < 11.0 else 8.0))
        for metric, value in (
            ("process_start_time_seconds", start),
            ("process_cpu_seconds_total", seconds),
            ('work_seconds_of{kind="own"}', seconds),
        )
    ]
    found = measured(*samples)
    for name in ("kro.instancePool.ownWorkSeconds", "kro.instancePool.othersWorkSeconds"):
        assert name not in found.figures
        assert found.unavailable[name]


def test_the_wait_of_a_goroutine_for_a_thread_is_a_mean() -> None:
    found = measured(
        *grown("go_sched_latencies_seconds_sum", 1.0, 1.5),
        *grown("go_sched_latencies_seconds_count", 1_000.0, 6_000.0),
    )
    assert found.figures["kro.scheduler.waitMeanSeconds"] == 0.0001


def test_the_wait_for_mutexes_is_divided_by_the_instances() -> None:
    lines = grown("go_sync_mutex_wait_total_seconds_total", 1.0, 1.5)
    found = measured(*lines, made=Made(ready=5)).figures
    assert found["kro.mutexes.waitSeconds"] == 0.5
    assert found["perInstance.kro.mutexes.waitSeconds"] == 0.1


def test_gates_of_an_api_server() -> None:
    found = measured(
        *grown("apiserver_request_total", 10.0, 20.0, "apiserver"),
        *grown("admission_seconds_sum", 1.0, 4.0, "apiserver"),
        *grown("admission_seconds_count", 5.0, 11.0, "apiserver"),
        *grown("etcd_request_duration_seconds_count", 0.0, 7.0, "apiserver"),
        *grown('webhook_seconds{name="slow"}', 0.0, 2.0, "apiserver"),
    )
    assert found.figures["apiServer.admission.seconds"] == 3.0
    assert found.figures["apiServer.admission.meanSeconds"] == pytest.approx(0.5)
    assert found.figures["apiServer.etcdRequests.total"] == 7.0
    assert found.parts["apiServer.admission.webhooks"] == [Part(name="slow", value=2.0)]
    assert found.figures["apiServer.flowControl.queueWaitSeconds"] == 0.0
    assert found.figures["apiServer.flowControl.rejected"] == 0.0


def test_requests_are_counted_by_kind_also_if_the_first_came_in_the_phase() -> None:
    found = measured(
        *grown("apiserver_request_total", 10, 30, "apiserver"),
        *grown(LISTS, 4, 9, "apiserver"),
        *grown(IDLE, 4, 4, "apiserver"),
        *grown(NEW, 0, 15, "apiserver")[1:],
    )
    assert found.figures["apiServer.requests.total"] == 20
    assert found.parts["apiServer.requests.byKind"] == [
        Part(name="POST instances", value=15),
        Part(name="LIST pods", value=5),
    ]


def test_what_sampling_took_is_the_sum_over_the_sources() -> None:
    found = measured(
        *grown("collectors_cpu_seconds_total", 1, 1.5, "krobench"),
        *grown('scrapes_total{source="kro"}', 2, 12, "krobench"),
        *grown('scrapes_total{source="kubelet"}', 1, 3, "krobench"),
    ).figures
    assert found["krobench.collectors.cpuSeconds"] == 0.5
    assert found["krobench.collectors.scrapes"] == 12
    assert found["krobench.collectors.failedScrapes"] == 0


def test_scrapes_that_were_not_counted_to_the_end_are_not_zero() -> None:
    found = measured(
        *grown("collectors_cpu_seconds_total", 1, 1.5, "krobench")[:1],
        *grown('scrapes_total{source="kro"}', 2, 12, "krobench")[:1],
    )
    for name in ("cpuSeconds", "scrapes", "failedScrapes"):
        assert f"krobench.collectors.{name}" not in found.figures
    assert found.unavailable["krobench.collectors.scrapes"]


def test_figures_of_another_window_replace_values_and_reasons() -> None:
    whole = measured(*grown("go_goroutines", 1.0, 5.0))
    none = measured()
    whole.take(none, [ALL["kro.goroutines"]])
    assert "kro.goroutines.max" not in whole.figures
    assert whole.unavailable["kro.goroutines"] == NotSampled(source="kro")


def test_iterations_are_taken_together_by_medians_of_those_that_have_a_figure() -> None:
    summary = median_figures([figures({"a": 1.0, "b": 4.0}), figures({}), figures({"a": 2.0})])
    assert summary.root == {"a": 1.5, "b": 4.0}


def test_no_name_is_a_group_of_others() -> None:
    names = {*OF_NAME, *LATENCY_NAMES, "errors.total", "duration.seconds"}
    assert not {name for name in names for other in names if other.startswith(f"{name}.")}
    assert len(OF_NAME) == sum(len(each.names) for each in ALL.values())


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_has_a_title_and_is_read_in_one_way(figure: Figure) -> None:
    assert figure.title
    assert figure.text == "" or figure.text.endswith((".", "others"))
    assert len(list(figure.all())) == 1 + len(figure.also)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("perInstance.kro.cpu.seconds", Unit.SECONDS),
        ("kro.memory.residentBytes.max", Unit.BYTES),
        ("kro.cpu.throttledPeriodsRatio", Unit.RATIO),
        ("kro.cpu.cores.p95", Unit.CORES),
        ("krobench.watch.lagSeconds.p99", Unit.SECONDS),
        ("krobench.load.cpuSecondsPerWatchEvent", Unit.SECONDS),
        ("throughput.instancesPerSecond", Unit.PER_SECOND),
        ("kro.requests.total", Unit.COUNT),
        ("prometheus.etcd_bytes.max", Unit.BYTES),
    ],
)
def test_a_name_ends_with_its_unit(name: str, unit: Unit) -> None:
    assert unit_of(name) is unit
