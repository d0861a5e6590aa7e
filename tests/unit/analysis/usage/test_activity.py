import pytest

from krobench.analysis.usage.activity import measure_activity, measure_gates
from krobench.figures.activity import KroActivity, Part
from krobench.figures.lines import Sample, SourceName
from krobench.figures.phase import PhaseReader
from krobench.figures.series import Series

START, END = 1.0, 11.0


def series(source: SourceName, **growth: tuple[float, float]) -> Series:
    """Return what two samples show."""
    samples = [
        Sample(seconds=at, source=source, metric=metric, value=value)
        for metric, (before, after) in growth.items()
        for at, value in ((START, before), (END, after))
    ]
    return Series(samples)


def activity(found: Series) -> tuple[KroActivity, dict[str, str]]:
    unavailable: dict[str, str] = {}
    phase = PhaseReader(found, START, END, unavailable)
    return measure_activity(found, phase, "usage.activity"), unavailable


def test_work_under_way_at_a_border_counts_in_part() -> None:
    pool, _ = activity(
        series(
            "kro",
            instance_work_seconds_sum=(100.0, 104.0),
            instance_work_seconds_count=(10.0, 12.0),
            instance_unfinished_seconds=(0.5, 3.5),
            instance_queue_wait_seconds_sum=(0.0, 8.0),
        )
    )
    assert pool.instance_pool.work_seconds == pytest.approx(7.0)
    assert pool.instance_pool.busy_workers == pytest.approx(0.7)
    assert pool.instance_pool.queue_wait_seconds == pytest.approx(8.0)


def test_work_is_told_by_kind_with_the_tests_own_kinds_as_one() -> None:
    found, _ = activity(
        series(
            "kro",
            process_cpu_seconds_total=(1.0, 2.0),
            **{
                'work_seconds_of{kind="own"}': (1.0, 3.0),
                'work_seconds_of{kind="a/v1/as"}': (0.0, 1.0),
                'work_seconds_of{kind="b/v1/bs"}': (5.0, 35.0),
                'work_seconds_of{kind="c/v1/cs"}': (5.0, 5.0),
            },
        )
    )
    assert found.own_work_seconds == pytest.approx(2.0)
    assert found.others_work_seconds == pytest.approx(31.0)
    assert found.others_work == [
        Part(name="b/v1/bs", value=30.0),
        Part(name="a/v1/as", value=1.0),
    ]


def test_a_kro_without_these_metrics_gives_none_of_the_figures() -> None:
    found, unavailable = activity(series("kro", process_cpu_seconds_total=(1.0, 2.0)))
    assert found.instance_pool.work_seconds is None
    assert found.own_work_seconds is None
    assert "usage.activity.instancePool.workSeconds" in unavailable
    assert "usage.activity.ownWorkSeconds" in unavailable


@pytest.mark.parametrize("at", [END - 1, END])
def test_work_by_kind_that_was_not_read_to_the_end_is_not_zero(at: float) -> None:
    """The last sample came before the end, or was another process's."""
    samples = [
        Sample(seconds=seconds, source="kro", metric=metric, value=value)
        for seconds, start in ((START, 5.0), (at, 5.0 if at < END else 8.0))
        for metric, value in (
            ("process_start_time_seconds", start),
            ("process_cpu_seconds_total", seconds),
            ('work_seconds_of{kind="own"}', seconds),
        )
    ]
    found, unavailable = activity(Series(samples))
    assert found.own_work_seconds is None
    assert found.others_work_seconds is None
    assert unavailable["usage.activity.ownWorkSeconds"]


def test_gates_of_an_api_server() -> None:
    found = series(
        "apiserver",
        apiserver_request_total=(10.0, 20.0),
        admission_seconds_sum=(1.0, 4.0),
        admission_seconds_count=(5.0, 11.0),
        etcd_request_duration_seconds_count=(0.0, 7.0),
        **{'webhook_seconds{name="slow"}': (0.0, 2.0)},
    )
    gates = measure_gates(found, PhaseReader(found, START, END, {}))
    assert gates.admission_mean_seconds == pytest.approx(0.5)
    assert gates.webhooks == [Part(name="slow", value=2.0)]
    assert (gates.queue_wait_seconds, gates.rejected_requests) == (0.0, 0.0)
