from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.analysis.bottlenecks.planted import Values, found, kro, planted
from unit.records import some_iteration

from krobench.analysis.bottlenecks.attribution import LEAST_SCORE, attribute
from krobench.figures.environment import KroFingerprint
from krobench.findings.bottleneck import BottleneckCode, Missing, Subject, SubjectKind
from krobench.findings.bottleneck import BottleneckKind as Kind
from krobench.findings.evidence import EvidenceCode
from krobench.record.test import CloudRecord, TestRecord

MANY_WORKERS = "--dynamic-controller-concurrent-reconciles=8"


def activity(**changes: Any) -> Values:
    return {"usage": {"activity": changes}}


def kinds(test: TestRecord, by: KroFingerprint | None = None) -> list[Kind]:
    return [each.kind for each in found(test, by).bottlenecks]


def test_instances_that_queue_for_one_worker_point_to_the_workers() -> None:
    [only] = found(planted()).bottlenecks
    assert (only.kind, only.subject) == (
        Kind.KRO_WORKERS,
        Subject(kind=SubjectKind.INSTANCE_WORKERS),
    )
    assert only.score == pytest.approx(21 / 24, abs=0.01)
    assert only.value(EvidenceCode.WORKERS) == 1
    utilisation = next(i for i in only.evidence if i.code is EvidenceCode.WORKER_UTILISATION)
    assert utilisation.value > 0.95
    assert utilisation.supports


def test_a_healthy_kro_that_is_not_busy_has_no_bottleneck() -> None:
    quick = {"latency": {"instanceReady": {"n": 20, "meanSeconds": 0.12, "p50Seconds": 0.12}}}
    quick |= activity(
        seconds=20.0,
        instancePool={"reconciles": 40.0, "workSeconds": 2.0, "queueWaitSeconds": 0.05},
        ownWorkSeconds=2.0,
    )
    assert kinds(planted(quick)) == []


def test_a_late_generator_comes_before_all_that_its_load_shows() -> None:
    late = {
        "generator": {
            "requestedPerSecond": 1000.0,
            "achievedPerSecond": 300.0,
            "sendLagP50Seconds": 0.1,
            "sendLagP99Seconds": 0.2,
        }
    }
    ranked = found(planted(late)).bottlenecks
    assert [each.kind for each in ranked] == [Kind.GENERATOR, Kind.KRO_WORKERS]
    assert ranked[0].score == pytest.approx(0.7)
    assert ranked[1].score < 0.3


def test_a_generator_that_kept_its_schedule_is_not_a_bottleneck() -> None:
    kept = {
        "requestedPerSecond": 10.0,
        "achievedPerSecond": 10.0,
        "sendLagP50Seconds": 0.001,
        "sendLagP99Seconds": 0.002,
    }
    assert Kind.GENERATOR not in kinds(planted({"generator": kept}))


def test_the_delay_of_children_comes_before_what_kro_does_meanwhile() -> None:
    test = planted()
    iteration = some_iteration(cloud=CloudRecord(delay_seconds=0.9, writes=20))
    ranked = found(test.model_copy(update={"iterations": [iteration]})).bottlenecks
    assert [each.kind for each in ranked] == [Kind.SLOW_CHILDREN, Kind.KRO_WORKERS]
    assert ranked[0].score == pytest.approx(0.75)
    assert ranked[1].score < 0.25


def test_a_cpu_limit_that_is_used_up_comes_before_the_workers_that_it_slows() -> None:
    starved = {"cpu": {"kroSeconds": 0.4, "kroMeanCores": 0.19}}
    ranked = kinds(planted(starved), kro(MANY_WORKERS, limits={"cpu": "200m"}))
    assert ranked[0] is Kind.KRO_CPU


def test_throttled_periods_show_a_limit_that_is_met_in_bursts() -> None:
    bursts = {"cpu": {"kroMeanCores": 0.3, "throttledPeriodsRatio": 0.8}}
    assert kinds(planted(bursts))[0] is Kind.KRO_CPU


def test_a_machine_without_an_idle_core_is_found_and_is_not_first() -> None:
    ranked = found(planted({"usage": {"nodeCpuCores": 2.0}})).bottlenecks
    assert [each.kind for each in ranked] == [Kind.KRO_WORKERS, Kind.KRO_CPU]
    assert ranked[1].code is BottleneckCode.NODE_FULL


def test_cpu_time_spent_on_garbage_collection_points_to_the_memory() -> None:
    crowded = {
        "cpu": {"kroSeconds": 2.0, "kroMeanCores": 0.98},
        "usage": {"kroRuntime": {"gcCpuSeconds": 1.0, "gcCycles": 50.0}},
    }
    ranked = found(planted(crowded), kro(MANY_WORKERS, GOMEMLIMIT="20MiB")).bottlenecks
    assert ranked[0].kind is Kind.KRO_MEMORY
    assert ranked[0].code is BottleneckCode.COLLECTING_GARBAGE
    assert ranked[0].value(EvidenceCode.GO_MEMORY_LIMIT) == 20 * 2**20
    assert ranked[0].value(EvidenceCode.LIVE_HEAP_OF_GO_LIMIT) is not None
    assert Kind.KRO_CPU not in {each.kind for each in ranked}


def test_a_few_collections_do_not_count() -> None:
    # Five instances on a kro that is idle: its cleanup of caches falls into a short phase.
    few = {
        "cpu": {"kroSeconds": 0.5, "kroMeanCores": 0.12},
        "usage": {"kroRuntime": {"gcCpuSeconds": 0.28, "gcCycles": 3.0, "liveHeapBytes": 30e6}},
    }
    assert Kind.KRO_MEMORY not in kinds(planted(few))


def test_a_throttled_kro_is_not_mistaken_for_one_that_collects_garbage() -> None:
    # Go's own estimate counts the time for which its container was throttled.
    throttled = {
        "cpu": {"kroSeconds": 0.4, "kroMeanCores": 0.19},
        "usage": {"kroRuntime": {"gcCpuSeconds": 0.3}},
    }
    ranked = kinds(planted(throttled), kro(MANY_WORKERS, limits={"cpu": "200m"}))
    assert ranked[0] is Kind.KRO_CPU
    assert Kind.KRO_MEMORY not in ranked


def test_a_working_set_close_to_the_limit_comes_after_what_took_time() -> None:
    near = {"memory": {"workingSetMaxBytes": 1_020_000_000}}
    assert kinds(planted(near)) == [Kind.KRO_WORKERS, Kind.KRO_MEMORY]


def test_an_oom_kill_weighs_most_and_needs_no_other_figure() -> None:
    iteration = {
        "index": 0,
        "warmup": False,
        "startTime": "2026-01-01T00:00:00Z",
        "endTime": "2026-01-01T00:00:01Z",
        "durationSeconds": 1.0,
        "success": True,
        "counts": {"requested": 1},
        "validity": {
            "valid": False,
            "causes": [{"code": "Quoted", "reason": "KroOOMKilled", "text": "killed"}],
        },
    }
    test = planted({"usage": {}, "cpu": {}}, iterations=[iteration])
    assert found(test).bottlenecks[0].kind is Kind.KRO_MEMORY
    assert found(test).bottlenecks[0].score == 1.0


def test_idle_time_points_to_the_requeue_interval() -> None:
    waits = {"latency": {"instanceReady": {"n": 20, "meanSeconds": 9.5, "p50Seconds": 9.5}}}
    waits |= activity(
        seconds=10.0,
        instancePool={"reconciles": 100.0, "workSeconds": 2.0, "queueWaitSeconds": 8.0},
        ownWorkSeconds=2.0,
        delayedRequeues=80.0,
    )
    ranked = found(planted(waits)).bottlenecks
    assert [each.kind for each in ranked] == [Kind.REQUEUE_WAIT]
    assert ranked[0].bound(EvidenceCode.IDLE_PER_OPERATION) == 3.0


def test_the_wait_for_a_requeue_is_found_in_phases_that_delete_too() -> None:
    phase = {"index": 1, "operation": "delete", "done": 20, "errors": 0}
    create = phase | {"index": 0, "operation": "create"}
    waits: Values = {
        "phases": [
            create | {"latency": {"instanceReady": {"n": 20, "meanSeconds": 1.2}}},
            phase | {"latency": {"instanceGone": {"n": 20, "meanSeconds": 12.0}}},
        ]
    }
    assert kinds(planted(waits))[0] is Kind.REQUEUE_WAIT


def test_instances_that_never_become_ready_do_not_point_to_the_requeue_interval() -> None:
    """As where a quota refuses the children: a figure of a real run."""
    refused: Values = {
        "latency": {
            "instanceReady": {"n": 1, "censored": 4, "meanSeconds": None, "p50Seconds": None}
        }
    }
    refused |= activity(
        seconds=13.0,
        instancePool={"reconciles": 23.0, "workSeconds": 0.49, "queueWaitSeconds": 0.6},
        ownWorkSeconds=0.49,
        delayedRequeues=21.0,
    )
    assert kinds(planted(refused, instances=5)) == []


def test_the_wait_of_instances_that_became_ready_counts_even_if_others_never_did() -> None:
    waits = {"latency": {"instanceReady": {"n": 19, "censored": 1, "meanSeconds": 9.5}}}
    waits |= activity(
        seconds=20.0,
        instancePool={"reconciles": 100.0, "workSeconds": 2.0, "queueWaitSeconds": 8.0},
        ownWorkSeconds=2.0,
        delayedRequeues=80.0,
    )
    assert kinds(planted(waits)) == [Kind.REQUEUE_WAIT]


def test_refused_requests_point_to_the_api_server() -> None:
    refused = activity(throttledRequests=18.0, instancePool={"workSeconds": 20.0})
    refused["usage"]["apiServer"] = {
        "gates": {"rejectedRequests": 18.0, "rejections": [{"name": "tenants", "value": 18.0}]}
    }
    first = found(planted(refused)).bottlenecks[0]
    assert (first.kind, first.subject) == (
        Kind.API_SERVER,
        Subject(kind=SubjectKind.FLOW_SCHEMA, name="tenants"),
    )
    assert first.code is BottleneckCode.REQUESTS_REFUSED
    assert first.value(EvidenceCode.THROTTLED_REQUESTS) == 18


def test_slow_answers_point_to_the_api_server_only_if_it_measured_them_too() -> None:
    slow = activity(requestMeanSeconds=0.2, instancePool={"workSeconds": 60.0})
    assert Kind.API_SERVER not in kinds(planted(slow))
    slow["usage"]["apiServer"] = {"requestMeanSeconds": 0.2}
    assert kinds(planted(slow))[0] is Kind.API_SERVER


def test_concurrent_requests_count_once() -> None:
    wide = activity(requests=4000.0, requestMeanSeconds=0.1, instancePool={"workSeconds": 48.0})
    wide["usage"]["apiServer"] = {"requestMeanSeconds": 0.1}
    first = found(planted(wide)).bottlenecks[0]
    assert first.kind is Kind.API_SERVER
    # Of each request's 100 ms, 75 ms are beyond the usual.
    assert 0.6 < first.score <= 0.75


def test_slow_admission_of_other_clients_writes_does_not_count() -> None:
    others: Values = {"usage": {"apiServer": {"gates": {"admissionMeanSeconds": 0.2}}}}
    others["usage"]["apiServer"]["gates"]["admissionSeconds"] = 900.0
    assert Kind.ADMISSION not in kinds(planted(others))


def test_slow_admission_is_named_with_its_webhook() -> None:
    slow = activity(requestMeanSeconds=0.16, instancePool={"workSeconds": 50.0})
    slow["usage"]["apiServer"] = {
        "requestMeanSeconds": 0.16,
        "gates": {
            "admissionSeconds": 48.0,
            "admissionMeanSeconds": 0.3,
            "webhooks": [{"name": "slow.example.com", "value": 48.0}],
        },
    }
    first = found(planted(slow)).bottlenecks[0]
    assert (first.kind, first.subject) == (
        Kind.ADMISSION,
        Subject(kind=SubjectKind.WEBHOOK, name="slow.example.com"),
    )


def test_a_slow_etcd_comes_before_the_api_server_that_waits_for_it() -> None:
    slow = activity(requestMeanSeconds=0.12, instancePool={"workSeconds": 36.0})
    slow["usage"]["apiServer"] = {"requestMeanSeconds": 0.12, "etcdRequestMeanSeconds": 0.12}
    assert kinds(planted(slow))[0] is Kind.ETCD


def test_watches_of_new_kinds_are_found_if_rgds_are_many() -> None:
    refused = {
        "latency": {"rgdReady": {"n": 30, "meanSeconds": 18.0}},
        "usage": {
            "setUp": {
                "seconds": 36.0,
                "throttledRequests": 30.0,
                "rgdPool": {"reconciles": 120.0, "workSeconds": 36.0, "queueWaitSeconds": 500.0},
            }
        },
    }
    assert kinds(planted(refused, rgds=30))[0] is Kind.WATCH_REINITIALISATION
    assert Kind.WATCH_REINITIALISATION not in kinds(planted(refused, rgds=1))


def test_rgds_that_queue_without_refusals_point_to_their_workers() -> None:
    queue = {
        "latency": {"rgdReady": {"n": 30, "meanSeconds": 9.0}},
        "usage": {
            "setUp": {
                "seconds": 18.0,
                "rgdPool": {"reconciles": 120.0, "workSeconds": 18.0, "queueWaitSeconds": 250.0},
            }
        },
    }
    first = found(planted(queue, rgds=30)).bottlenecks[0]
    assert first.kind is Kind.KRO_WORKERS
    assert first.subject == Subject(kind=SubjectKind.RGD_WORKERS)


def test_workers_busy_with_another_rgds_instances_point_to_that_rgd() -> None:
    kept = activity(
        othersWorkSeconds=30.0,
        othersWork=[{"name": "example.com/v1/stuck", "value": 29.0}],
        instancePool={"workSeconds": 32.0},
    )
    first = found(planted(kept)).bottlenecks[0]
    assert (first.kind, first.subject) == (
        Kind.POISONED_RGD,
        Subject(kind=SubjectKind.RESOURCE, name="example.com/v1/stuck"),
    )


def test_work_on_one_kind_is_never_more_than_all_of_it() -> None:
    """Parts are the last iteration's, and sums are medians over all of them."""
    kept = activity(
        ownWorkSeconds=2.0,
        othersWorkSeconds=1.0,
        othersWork=[{"name": "example.com/v1/stuck", "value": 29.0}],
        instancePool={"workSeconds": 32.0},
    )
    first = found(planted(kept)).bottlenecks[0]
    [share] = [each for each in first.evidence if each.code is EvidenceCode.OTHER_KIND_SHARE]
    assert share.value == pytest.approx(29 / 31, abs=1e-6)


def failing(**set_up: Any) -> TestRecord:
    return planted(
        {
            "latency": {"rgdReady": {"n": 10, "meanSeconds": 9.0}},
            "usage": {
                "setUp": {
                    "seconds": 18.0,
                    "failedBuilds": [{"name": "broken", "value": 9.0}],
                    "rgdPool": {"reconciles": 49.0, "workSeconds": 18.0, "queueWaitSeconds": 80.0},
                }
                | set_up
            },
        },
        rgds=10,
    )


def test_a_failing_graph_that_keeps_the_workers_busy_is_found() -> None:
    first = found(failing(failedBuildSeconds=[{"name": "broken", "value": 12.0}])).bottlenecks[0]
    assert (first.kind, first.subject) == (
        Kind.POISONED_RGD,
        Subject(kind=SubjectKind.RGD, name="broken"),
    )
    assert first.value(EvidenceCode.FAILED_BUILDS) == 9
    assert first.value(EvidenceCode.FAILED_BUILD_SECONDS) == 12
    assert first.bound(EvidenceCode.FAILED_BUILD_SECONDS) == 18
    assert all(item.supports for item in first.evidence)


def test_a_small_graph_that_fails_often_takes_nothing_from_others() -> None:
    often = failing(failedBuildSeconds=[{"name": "broken", "value": 0.03}])
    assert Kind.POISONED_RGD not in kinds(often)
    assert Kind.POISONED_RGD not in found(often).unavailable


def test_failed_builds_of_unknown_time_are_not_ruled_out() -> None:
    reason = found(failing()).unavailable[Kind.POISONED_RGD]
    assert reason is Missing.FAILED_BUILD_SECONDS


def test_an_undecided_cause_has_what_is_missing() -> None:
    dark: Values = {
        "cpu": {"kroMeanCores": None},
        "usage": {
            "activity": {"instancePool": None, "ownWorkSeconds": None},
            "apiServer": {"gates": {"admissionMeanSeconds": None}},
        },
    }
    dark["usage"]["activity"]["instancePool"] = {"workSeconds": None}
    unavailable = found(planted(dark)).unavailable
    assert unavailable[Kind.KRO_CPU] is Missing.KRO_CPU
    assert unavailable[Kind.ADMISSION] is Missing.ADMISSION_SECONDS
    assert {Kind.KRO_WORKERS, Kind.REQUEUE_WAIT, Kind.POISONED_RGD} <= unavailable.keys()


def test_a_test_without_measured_iterations_has_no_attribution() -> None:
    assert attribute(planted().model_copy(update={"summary": None}), kro()) is None


figures = st.none() | st.floats(0.0, 1e6)


@given(figures, figures, figures, figures, figures, figures, st.integers(1, 100))
def test_scores_are_shares_and_in_order_whatever_was_measured(
    work: float | None,
    wait: float | None,
    own: float | None,
    refused: float | None,
    cores: float | None,
    mean: float | None,
    rgds: int,
) -> None:
    test = planted(
        activity(
            instancePool={"workSeconds": work, "queueWaitSeconds": wait},
            ownWorkSeconds=own,
            throttledRequests=refused,
            requestMeanSeconds=mean,
        )
        | {"cpu": {"kroMeanCores": cores}},
        rgds=rgds,
    )
    scores = [each.score for each in found(test).bottlenecks]
    assert scores == sorted(scores, reverse=True)
    assert all(LEAST_SCORE <= score <= 1.0 for score in scores)
