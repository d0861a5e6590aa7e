import pytest

from krobench.figures.phase import PhaseReader
from krobench.figures.rawdata import Sample, SourceName
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.samples import NotSampled, ProcessRestarted, TooFewSamples
from krobench.figures.series import Series


def samples(metric: str, *points: tuple[float, float], source: SourceName = "kro") -> list[Sample]:
    return [Sample(seconds=t, source=source, metric=metric, value=v) for t, v in points]


def reader(*lines: Sample, end: float = 10.0) -> tuple[PhaseReader, dict[str, AnyReason]]:
    unavailable: dict[str, AnyReason] = {}
    return PhaseReader(Series(lines), 0.0, end, unavailable), unavailable


def test_a_sample_counts_for_the_time_that_it_stands_for() -> None:
    run, _ = reader(*samples("m", (0, 1), (1, 1), (9, 5), (10, 5)))
    level = run.level("x", "kro", "m")
    assert level.mean == pytest.approx((0.5 * 1 + 4.5 * 1 + 4.5 * 5 + 0.5 * 5) / 10)
    assert (level.max, level.delta) == (5.0, 4.0)


def test_a_p95_needs_samples_enough_for_one() -> None:
    run, unavailable = reader(*samples("m", *((t / 2, t) for t in range(21))))
    assert run.level("x", "kro", "m").p95 == 19.0
    assert unavailable == {}
    run, unavailable = reader(*samples("m", *((t, t) for t in range(11))))
    assert run.level("x", "kro", "m").p95 is None
    assert unavailable == {"x.p95": TooFewSamples(needed=20)}


def test_two_samples_at_a_border_make_no_burst() -> None:
    run, _ = reader(*samples("m", (0, 0), (5, 1), (9.99, 2), (10, 2.01)))
    assert run.rates("x", "kro", "m").max == pytest.approx(1 / 4.99, rel=1e-3)


def test_a_new_process_that_has_counted_beyond_the_old_one_gives_no_growth() -> None:
    starts = samples("process_start_time_seconds", (0, 100), (10, 105))
    run, unavailable = reader(*starts, *samples("m", (0, 3), (10, 4)))
    assert run.restarted("kro")
    assert run.delta("x", "kro", "m") is None
    assert run.level("y", "kro", "m").max == 4.0
    assert unavailable["x"] == unavailable["y.delta"] == ProcessRestarted(process="kro")


def test_a_new_process_that_only_the_sample_at_the_end_has_seen_gives_no_growth() -> None:
    starts = samples("process_start_time_seconds", (0, 100), (10.1, 105), (15, 105))
    run, unavailable = reader(*starts, *samples("m", (0, 3), (10.1, 4), (15, 5)))
    assert run.delta("x", "kro", "m") is None
    assert unavailable["x"] == ProcessRestarted(process="kro")


def test_a_restart_after_the_phase_breaks_nothing() -> None:
    starts = samples("process_start_time_seconds", (0, 100), (10.1, 100), (15, 105))
    run, _ = reader(*starts, *samples("m", (0, 3), (10.1, 4), (15, 0)))
    assert not run.restarted("kro")
    assert run.delta("x", "kro", "m") == 1.0


def test_a_restart_of_kro_breaks_the_kubelets_figures_too() -> None:
    starts = samples("process_start_time_seconds", (0, 100), (10, 105))
    run, unavailable = reader(*starts, *samples("m", (0, 3), (10, 4), source="kubelet"))
    assert run.stamped_delta("x", "kubelet", "m") is None
    assert unavailable["x"] == ProcessRestarted(process="kro")


def test_a_restart_before_the_phase_breaks_nothing() -> None:
    starts = samples("process_start_time_seconds", (-2, 100), (-1, 105), (10, 105))
    run, _ = reader(*starts, *samples("m", (-1, 3), (10, 4)))
    assert not run.restarted("kro")
    assert run.delta("x", "kro", "m") == 1.0


def test_what_was_not_sampled_at_all_is_said_of_the_source() -> None:
    run, unavailable = reader()
    assert run.level("x", "etcd", "m").mean is None
    assert unavailable == {"x": NotSampled(source="etcd")}
