import pytest
from unit.analysis.validity.moments import moment
from unit.records import figures

from krobench.analysis.validity.surroundings import (
    FOREIGN_CPU,
    api_server_busy,
    clock_jumps,
    leftover_objects,
    node_busy,
    usual_requests_per_second,
)
from krobench.api.specs.validity import ValiditySettings
from krobench.figures.environment import NodeFingerprint
from krobench.figures.rawdata import Sample
from krobench.figures.series import Series
from krobench.figures.summaries import Figures
from krobench.findings.validity import (
    AnyCause,
    APIServerBusy,
    ClockJumped,
    LeftoverObjects,
    NodeBusy,
)

DEFAULTS = ValiditySettings()
NODE = NodeFingerprint(name="node-1", cpu="2")


REQUESTS = {"kro.requests.total": 800.0, "krobench.requests.total": 200.0}


def requests(foreign: float, seconds: float | None = 10.0) -> Figures:
    """Return ten seconds in which kro sent 80 a second and krobench 20."""
    total = {"apiServer.requests.total": 1000.0 + foreign * 10, "duration.runSeconds": seconds}
    return figures(REQUESTS | total)


def busy(
    foreign: float, usual: float | None = None, settings: ValiditySettings = DEFAULTS
) -> list[AnyCause]:
    return api_server_busy(requests(foreign), usual, settings)


def test_controllers_and_kubelets_are_allowed() -> None:
    assert busy(90.0) == []


def test_clients_that_send_more_than_kro_and_krobench_are_a_cause() -> None:
    assert busy(150.0) == [
        APIServerBusy(foreign_per_second=150.0, own_per_second=100.0, allowed_per_second=100.0)
    ]


def test_the_usual_rate_of_a_large_cluster_is_allowed_until_it_doubles() -> None:
    assert busy(350.0, usual=200.0) == []
    assert busy(450.0, usual=200.0) != []


def test_a_bound_set_by_the_user_replaces_all_others() -> None:
    settings = ValiditySettings(max_foreign_requests_per_second=30)
    assert busy(31.0, usual=1000.0, settings=settings) != []
    assert busy(29.0, settings=settings) == []


def test_a_missing_count_is_not_a_cause() -> None:
    unknown = {"krobench.requests.total": 1.0, "apiServer.requests.total": 1e9}
    assert api_server_busy(figures(unknown | {"duration.runSeconds": 1.0}), None, DEFAULTS) == []
    assert api_server_busy(requests(1e6, seconds=None), None, DEFAULTS) == []


def test_the_usual_rate_is_the_mean_since_the_api_server_started() -> None:
    def sample(metric: str, value: float) -> Sample:
        return Sample(seconds=50.0, source="apiserver", metric=metric, value=value)

    start = sample("process_start_time_seconds", 1000.0)
    series = Series([start, sample("apiserver_request_total", 3000.0)])
    assert usual_requests_per_second(series, 1050.0) == pytest.approx(30.0)
    assert usual_requests_per_second(Series([start]), 1050.0) is None


def cpu(*readings: tuple[float, float]) -> Series:
    return Series(
        Sample(seconds=at, source="kubelet", metric=FOREIGN_CPU, value=value, at=1e9 + at)
        for at, value in readings
    )


def test_other_pods_that_use_much_of_the_node_are_a_cause() -> None:
    [cause] = node_busy(cpu((0.0, 5.0), (20.0, 17.0)), NODE, 0.0, 20.0, DEFAULTS)
    assert cause == NodeBusy(node="node-1", used_cores=0.6, cores=2.0, allowed_ratio=0.25)
    assert cause.reason == "NodeBusy"
    assert node_busy(cpu((0.0, 5.0), (20.0, 14.0)), NODE, 0.0, 20.0, DEFAULTS) == []


def test_a_pod_that_arrives_during_the_run_counts_once_it_was_measured_twice() -> None:
    nobody = Sample(seconds=0.0, source="kubelet", metric=FOREIGN_CPU, value=0.0, at=None)
    later = [
        Sample(seconds=at, source="kubelet", metric=FOREIGN_CPU, value=at, at=1e9 + at)
        for at in (10.0, 20.0)
    ]
    [cause] = node_busy(Series([nobody, *later]), NODE, 5.0, 20.0, DEFAULTS)
    assert isinstance(cause, NodeBusy)
    assert cause.used_cores / cause.cores == pytest.approx(0.5)


def test_a_node_that_is_unknown_or_was_measured_once_is_not_a_cause() -> None:
    assert node_busy(cpu((0.0, 5.0)), NODE, 0.0, 20.0, DEFAULTS) == []
    assert node_busy(cpu((0.0, 0.0), (20.0, 99.0)), None, 0.0, 20.0, DEFAULTS) == []


@pytest.mark.parametrize("jump", [1.0, -1.0, -3600.0])
def test_a_wall_clock_that_was_set_has_jumped(jump: float) -> None:
    [cause] = clock_jumps([moment(0.0), moment(3.0), moment(6.0, wall=1e9 + jump)])
    assert cause == ClockJumped(jump_seconds=jump, before_seconds=3.0, after_seconds=6.0)
    assert cause.reason == "ClockJumped"


def test_a_clock_that_ntp_slews_has_not_jumped() -> None:
    pulled = [moment(t, wall=1e9 + 4e-4 * t) for t in (0.0, 3.0, 6.0, 3600.0)]
    assert clock_jumps(pulled) == []


def test_leftover_objects_have_the_runs_that_created_them() -> None:
    [cause] = leftover_objects(["ResourceGraphDefinition/kb-1", "Namespace/kb"], ["uid-1"])
    assert cause == LeftoverObjects(count=2, first="ResourceGraphDefinition/kb-1", runs=["uid-1"])
    assert cause.reason == "LeftoverObjects"
    assert leftover_objects([], []) == []
