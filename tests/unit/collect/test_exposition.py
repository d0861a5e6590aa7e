from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from krobench.collect.exposition import Reading, Series, families, read

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


def test_labels_choose_series_and_names_separate_their_sums() -> None:
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


def test_sums_are_kept_apart_by_the_labels_that_a_split_gives() -> None:
    wanted = Series("rest_client_requests_total", split=lambda labels: {"verb": labels["method"]})
    assert values(wanted) == {
        'rest_client_requests_total{verb="GET"}': 7.0,
        'rest_client_requests_total{verb="POST"}': 5.0,
    }


def test_a_histogram_is_asked_for_by_its_own_name_and_a_count_by_its_whole_one() -> None:
    wanted = [Series("h_seconds_sum"), Series("h_seconds_count"), Series("watch_count")]
    assert {"h_seconds", "watch_count"} <= set(families(wanted))


LABEL_VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)
NUMBERS = st.floats(allow_nan=False) | st.integers(0, 2**60).map(float)


def written(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@given(st.lists(st.tuples(LABEL_VALUES, NUMBERS), min_size=1, max_size=5))
def test_lines_are_read_as_the_official_parser_reads_them(
    points: list[tuple[str, float]],
) -> None:
    text = "".join(f'm{{a="{written(a)}",b="}}{{"}} {value}\n' for a, value in points)
    labels: list[dict[str, str]] = []

    def noted(of: Mapping[str, str]) -> dict[str, str]:
        labels.append(dict(of))
        return {"nth": str(len(labels))}

    read_values = [reading.value for reading in read(text, [Series("m", split=noted)])]
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    assert labels == [sample.labels for sample in samples]
    assert read_values == [sample.value for sample in samples]
