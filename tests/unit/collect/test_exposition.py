from krobench.collect.exposition import Reading, Series, read

TEXT = """\
# HELP rest_client_requests_total Number of HTTP requests
# TYPE rest_client_requests_total counter
rest_client_requests_total{code="200",method="GET"} 7
rest_client_requests_total{code="201",method="POST"} 5
# TYPE workqueue_depth gauge
workqueue_depth{name="other"} 9
workqueue_depth{name="dynamic-controller-queue"} 3
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1.25
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="kro",pod="kro-1"} 4096 1700000000500
process_cpu_seconds_total_of_another 99
"""


def values(*wanted: Series) -> dict[str, float]:
    return {reading.key: reading.value for reading in read(TEXT, wanted)}


def test_series_of_a_metric_are_summed() -> None:
    assert values(Series("rest_client_requests_total")) == {"rest_client_requests_total": 12.0}


def test_labels_choose_series_and_a_name_tells_the_sums_apart() -> None:
    wanted = (
        Series("rest_client_requests_total"),
        Series("rest_client_requests_total", {"code": "201"}, name="created"),
        Series("workqueue_depth", {"name": "dynamic-controller-queue"}),
    )
    assert values(*wanted) == {
        "rest_client_requests_total": 12.0,
        "created": 5.0,
        "workqueue_depth": 3.0,
    }


def test_series_can_be_left_out_of_a_sum() -> None:
    wanted = Series("rest_client_requests_total", exclude={"method": frozenset({"GET"})})
    assert values(wanted) == {"rest_client_requests_total": 5.0}


def test_a_name_that_is_the_beginning_of_another_is_not_mixed_up_with_it() -> None:
    assert values(Series("process_cpu_seconds_total")) == {"process_cpu_seconds_total": 1.25}


def test_what_is_not_exposed_is_absent_and_not_zero() -> None:
    assert read(TEXT, [Series("no_such_metric")]) == []


def test_the_sources_own_timestamp_is_kept_in_seconds() -> None:
    assert read(TEXT, [Series("container_memory_working_set_bytes")]) == [
        Reading("container_memory_working_set_bytes", 4096.0, 1700000000.5)
    ]
