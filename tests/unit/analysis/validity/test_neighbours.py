import pytest

from krobench.analysis.usage.windows import Series
from krobench.analysis.validity.neighbours import (
    FOREIGN_CPU,
    api_server_busy,
    node_busy,
    usual_requests_per_second,
)
from krobench.api.specs.validity import ValiditySettings
from krobench.figures.environment import NodeFingerprint
from krobench.figures.measures import ApiRequests
from krobench.record.lines import Sample

DEFAULTS = ValiditySettings()
NODE = NodeFingerprint(name="node-1", cpu="2")


def requests(foreign: float) -> ApiRequests:
    """Return ten seconds in which kro sent 80 a second and krobench 20."""
    return ApiRequests(kro=800.0, krobench=200, total=1000.0 + foreign * 10)


def busy(
    foreign: float, usual: float | None = None, settings: ValiditySettings = DEFAULTS
) -> list[str]:
    return [c.message for c in api_server_busy(requests(foreign), 10.0, usual, settings)]


def test_controllers_and_kubelets_are_no_disturbance() -> None:
    assert busy(90.0) == []


def test_who_sends_more_than_the_measured_is_one() -> None:
    [message] = busy(150.0)
    assert message == (
        "others sent 150 requests per second to the API server, kro and krobench 100; "
        "100 are allowed"
    )


def test_what_is_usual_in_a_large_cluster_is_no_disturbance_until_it_doubles() -> None:
    assert busy(350.0, usual=200.0) == []
    assert busy(450.0, usual=200.0) != []


def test_a_bound_that_the_user_sets_is_the_only_one() -> None:
    settings = ValiditySettings(max_foreign_requests_per_second=30)
    assert busy(31.0, usual=1000.0, settings=settings) != []
    assert busy(29.0, settings=settings) == []


def test_nothing_is_said_where_a_count_is_not_available() -> None:
    assert api_server_busy(ApiRequests(kro=None, krobench=1, total=1e9), 1.0, None, DEFAULTS) == []
    assert api_server_busy(requests(1e6), None, None, DEFAULTS) == []


def test_what_is_usual_is_the_mean_since_the_api_server_s_start() -> None:
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


def test_pods_of_others_that_take_their_part_of_the_node_are_told() -> None:
    [cause] = node_busy(cpu((0.0, 5.0), (20.0, 17.0)), NODE, 0.0, 20.0, DEFAULTS)
    assert cause.reason == "NodeBusy"
    assert "30% of the CPU of kro's node node-1 (0.60 of 2 cores); 25% is allowed" in cause.message
    assert node_busy(cpu((0.0, 5.0), (20.0, 14.0)), NODE, 0.0, 20.0, DEFAULTS) == []


def test_a_pod_that_comes_in_mid_run_is_told_once_it_was_measured_twice() -> None:
    nobody = Sample(seconds=0.0, source="kubelet", metric=FOREIGN_CPU, value=0.0, at=None)
    later = [
        Sample(seconds=at, source="kubelet", metric=FOREIGN_CPU, value=at, at=1e9 + at)
        for at in (10.0, 20.0)
    ]
    [cause] = node_busy(Series([nobody, *later]), NODE, 5.0, 20.0, DEFAULTS)
    assert "50% of the CPU" in cause.message


def test_nothing_is_said_of_a_node_that_was_not_measured_twice_or_is_not_known() -> None:
    assert node_busy(cpu((0.0, 5.0)), NODE, 0.0, 20.0, DEFAULTS) == []
    assert node_busy(cpu((0.0, 0.0), (20.0, 99.0)), None, 0.0, 20.0, DEFAULTS) == []
