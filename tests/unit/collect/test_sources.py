import pytest
from doubles.cluster import MemoryApi

from krobench.collect.source import SourceUnavailableError
from krobench.collect.sources import ApiServerSource
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.report.words.reasons import reason_line

TEXT = """\
apiserver_request_total{code="200",group="load.bench.kro.run",resource="as",subresource="",verb="GET"} 1
apiserver_request_total{code="200",group="load.bench.kro.run",resource="bs",subresource="",verb="GET"} 2
apiserver_request_total{code="200",group="load.bench.kro.run",resource="bs",subresource="status",verb="PUT"} 3
apiserver_request_total{code="429",group="",resource="configmaps",subresource="",verb="LIST"} 4
apiserver_request_total{code="200",group="",resource="endpoints",subresource="",verb="LIST"} 5
apiserver_request_total{code="200",group="",resource="pods",subresource="status",verb="LIST"} 6
apiserver_request_duration_seconds_count{verb="WATCH"} 9
apiserver_request_duration_seconds_count{verb="GET"} 7
apiserver_longrunning_requests{verb="WATCH"} 8
apiserver_longrunning_requests{verb="CONNECT"} 80
apiserver_admission_step_admission_duration_seconds_sum{operation="CREATE",rejected="false",type="admit"} 0.5
apiserver_admission_step_admission_duration_seconds_sum{operation="CREATE",rejected="false",type="validate"} 1.5
apiserver_admission_step_admission_duration_seconds_count{operation="CREATE",rejected="false",type="admit"} 10
apiserver_admission_step_admission_duration_seconds_count{operation="CREATE",rejected="false",type="validate"} 10
apiserver_admission_webhook_admission_duration_seconds_sum{name="slow",operation="CREATE"} 1.25
apiserver_admission_webhook_admission_duration_seconds_sum{name="slow",operation="UPDATE"} 0.25
apiserver_flowcontrol_request_wait_duration_seconds_sum{flow_schema="x",priority_level="exempt"} 9
apiserver_flowcontrol_request_wait_duration_seconds_sum{flow_schema="y",priority_level="low"} 3
apiserver_flowcontrol_rejected_requests_total{flow_schema="y",priority_level="low",reason="queue-full"} 2
"""  # noqa: E501 - an exposition's lines are as long as they are


def answering() -> MemoryApi:
    api = MemoryApi()
    api.texts["/metrics"] = TEXT
    return api


class Refusing(MemoryApi):
    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        raise ApiError(403, "Forbidden", path)


def source(client: MemoryApi) -> ApiServerSource:
    return ApiServerSource(client, frozenset({"load.bench.kro.run"}))


async def test_requests_are_kept_apart_by_few_names() -> None:
    readings = {r.key: r.value for r in (await source(answering()).scrape()).readings}
    assert readings == {
        "apiserver_request_total": 21.0,
        "apiserver_request_429_total": 4.0,
        'apiserver_requests_by{verb="GET",resource="instances"}': 3.0,
        'apiserver_requests_by{verb="PUT",resource="instances/status"}': 3.0,
        'apiserver_requests_by{verb="LIST",resource="configmaps"}': 4.0,
        'apiserver_requests_by{verb="LIST",resource="other"}': 11.0,
        "apiserver_request_duration_seconds_count": 7.0,
        "apiserver_watches": 8.0,
        "admission_seconds_sum": 2.0,
        "admission_seconds_count": 10.0,
        'webhook_seconds{name="slow"}': 1.5,
        "queue_wait_seconds": 3.0,
        'queue_wait_seconds{name="low"}': 3.0,
        "apiserver_flowcontrol_rejected_requests_total": 2.0,
        'rejected_requests{name="y"}': 2.0,
    }


async def test_a_right_that_is_missing_is_named() -> None:
    with pytest.raises(SourceUnavailableError, match="forbidden") as caught:
        await source(Refusing()).scrape()
    assert "grant get on the nonResourceURL" in reason_line(caught.value.reason)
