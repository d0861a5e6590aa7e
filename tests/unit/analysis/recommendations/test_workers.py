import pytest
from unit.analysis.recommendations.made import a_test, attribution, kro, run, summary

from krobench.analysis.recommendations.advise import advise
from krobench.figures.summaries import LatencySummary
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.recommendation import Area, MoreInstanceWorkers, Recommendation
from krobench.record.run import RunRecord

INSTANCES = "--dynamic-controller-concurrent-reconciles"


def codes(record: RunRecord) -> list[str]:
    return [each.advice.code for each in advise(record)]


def first(record: RunRecord) -> Recommendation:
    return advise(record)[0]


def test_a_kro_with_little_load_needs_no_advice() -> None:
    assert advise(run(a_test(summary()), kro=kro())) == []


def test_advises_as_many_workers_as_the_cpu_allows() -> None:
    # 0.1 s of a worker for each: one worker does 10/s and is busy. An instance takes 41 ms of CPU
    # time in all, of 4 cores: 97/s at most, for which 10 workers do.
    advice = first(run(a_test(summary(rate=9.9)), kro=kro(INSTANCES, "1"), cpu="4"))

    assert advice.area is Area.KRO_FLAG
    setting = advice.settings[0]
    assert (setting.name, setting.current) == (INSTANCES, "1")
    assert setting.helm_value == "config.dynamicControllerConcurrentReconciles"
    assert setting.advised == "8"  # no more than eight times as many
    assert advice.variant is not None
    assert advice.variant.args == [f"{INSTANCES}=8"]
    found = advice.advice
    assert isinstance(found, MoreInstanceWorkers)
    assert (found.workers, found.wanted, found.bounded_by) == (1, 8, "NodeCPU")
    assert found.gain == pytest.approx(80 / 9.9)
    assert found.work_seconds == pytest.approx(0.1)
    assert found.bound_per_second == pytest.approx(97.6, abs=0.1)


def test_advises_no_workers_without_spare_cpu() -> None:
    # 0.5 of a core: 12/s at 41 ms. One worker does 10/s, so another brings a fifth: not worth it.
    assert codes(run(a_test(summary(rate=9.9)), kro=kro(), cpu="500m")) == []


def test_advises_no_more_workers_than_concurrent_instances() -> None:
    record = run(a_test(summary(rate=9.9), concurrency=3), kro=kro())

    assert first(record).settings[0].advised == "3"


def test_advises_no_more_workers_than_there_are_instances() -> None:
    record = run(a_test(summary(rate=9.9), instances=2), kro=kro())

    assert first(record).settings[0].advised == "2"


def test_confidence_is_low_if_few_instances_were_measured() -> None:
    found = summary(rate=9.9)
    found.latency.instance_ready = LatencySummary(n=2, p50_seconds=0.3, max_seconds=0.5)

    advice = first(run(a_test(found), kro=kro()))

    assert advice.confidence == "Low"
    against = [item for item in advice.evidence if not item.supports]
    assert against[-1].value == 2


def test_advises_no_workers_if_they_are_idle() -> None:
    assert codes(run(a_test(summary(rate=5.0)), kro=kro())) == []


def test_counts_the_current_workers() -> None:
    # With two, 9.9/s is half of what they can do.
    assert codes(run(a_test(summary(rate=9.9)), kro=kro(f"{INSTANCES}=2"))) == []


def test_confidence_is_medium_if_the_cpu_is_unknown() -> None:
    found = summary(rate=9.9, measured={"perInstance.kro.cpu.seconds": None})

    advice = first(run(a_test(found), kro=kro()))

    assert advice.settings[0].advised == "4"
    assert advice.confidence == "Medium"


def test_advises_nothing_on_unknown_flags() -> None:
    assert codes(run(a_test(summary(rate=9.9)), kro=None)) == []


def test_advises_rgd_workers_and_no_watch_list_for_many_new_rgds() -> None:
    found = summary()
    found.latency.rgd_ready = LatencySummary(n=30, p50_seconds=18.0, max_seconds=36.0)
    record = run(a_test(found, rgds=30), kro=kro())

    workers, watch_list = advise(record)

    assert [setting.advised for setting in workers.settings] == ["8", "4"]
    assert watch_list.settings[0].name == "KUBE_FEATURE_WatchListClient"
    assert watch_list.variant is not None
    assert watch_list.variant.env == {"KUBE_FEATURE_WatchListClient": "false"}
    assert workers.bottleneck is BottleneckKind.WATCH_REINITIALISATION


def test_leaves_watch_lists_alone_if_they_are_set() -> None:
    found = summary()
    found.latency.rgd_ready = LatencySummary(n=30, p50_seconds=18.0, max_seconds=36.0)
    settled = kro(
        "--resource-graph-definition-concurrent-reconciles=8",
        env={"KUBE_FEATURE_WatchListClient": "false"},
    )

    assert codes(run(a_test(found, rgds=30), kro=settled)) == []


def test_one_rgd_needs_no_advice() -> None:
    found = summary()
    found.latency.rgd_ready = LatencySummary(n=1, p50_seconds=1.4, max_seconds=1.4)
    record = a_test(found, attribution=attribution(BottleneckKind.WATCH_REINITIALISATION))

    assert codes(run(record, kro=kro())) == []
