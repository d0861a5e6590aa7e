from dataclasses import replace

import pytest
from aiohttp import web
from unit.collect.servers import api_server, closed_port, kro_pod, serve

from krobench.api.specs.kro import Target
from krobench.collect.exposition import Reading, read
from krobench.collect.kro import (
    KroSource,
    with_failed_build_time,
)
from krobench.collect.source import (
    Scrape,
    SourceUnavailableError,
    lines_of,
    with_present_names,
)
from krobench.collect.tracker import KroTracker


def names(*keys: str) -> dict[str, float]:
    readings = [Reading(key, float(number), None) for number, key in enumerate(keys)]
    return {r.key: r.value for r in with_present_names(Scrape(readings), "kro").readings}


def test_an_older_kros_metrics_stand_under_the_present_names() -> None:
    assert names("dynamic_controller_reconcile_total", "dynamic_controller_gvr_count") == {
        "instance_reconcile_total": 0.0,
        "dynamic_controller_watch_count": 1.0,
    }


def test_where_both_names_are_there_the_present_one_counts() -> None:
    assert names("dynamic_controller_reconcile_total", "instance_reconcile_total") == {
        "instance_reconcile_total": 1.0
    }


EXPOSITION = """\
dynamic_controller_reconcile_duration_seconds_sum{gvr="load.bench.kro.run/v1alpha1/as"} 1
dynamic_controller_reconcile_duration_seconds_sum{gvr="load.bench.kro.run/v1alpha1/bs"} 2
dynamic_controller_reconcile_duration_seconds_sum{gvr="example.com/v1/cs"} 4
rest_client_requests_total{code="200",host="a",method="GET"} 8
rest_client_requests_total{code="201",host="a",method="POST"} 16
rest_client_requests_total{code="429",host="a",method="PATCH"} 32
rgd_graph_build_errors_total{name="broken"} 64
workqueue_work_duration_seconds_sum{controller="graphrevision",name="graphrevision"} 128
"""


def test_what_is_kept_apart_is_kept_apart_by_few_names() -> None:
    wanted = lines_of("kro", frozenset({"load.bench.kro.run"}))
    assert {r.key: r.value for r in read(EXPOSITION, wanted)} == {
        'work_seconds_of{kind="own"}': 3.0,
        'work_seconds_of{kind="example.com/v1/cs"}': 4.0,
        "dynamic_controller_reconcile_duration_seconds_sum": 7.0,
        "rest_client_requests_total": 56.0,
        "rest_client_writes_total": 48.0,
        "rest_client_requests_429_total": 32.0,
        'rgd_graph_build_errors_total{rgd="broken"}': 64.0,
        "graph_revision_work_seconds_sum": 128.0,
    }


BUILDS = """\
rgd_graph_build_duration_seconds_sum{name="broken"} 6
rgd_graph_build_duration_seconds_count{name="broken"} 3
rgd_graph_build_duration_seconds_sum{name="good"} 8
rgd_graph_build_duration_seconds_count{name="good"} 1
rgd_graph_build_errors_total{name="broken"} 2
"""


def test_the_time_of_failed_builds_is_kept_of_rgds_that_had_any() -> None:
    scrape = with_failed_build_time(Scrape(read(BUILDS, lines_of("kro", frozenset()))))
    assert {r.key: r.value for r in scrape.readings} == {
        "rgd_graph_build_duration_seconds_sum": 14.0,
        "rgd_graph_build_duration_seconds_count": 4.0,
        'rgd_graph_build_errors_total{rgd="broken"}': 2.0,
        'failed_build_seconds{rgd="broken"}': 4.0,
    }


async def test_a_kro_that_fails_is_reached_on_whichever_way_there_is_then() -> None:
    asked: list[str] = []
    works = True

    async def kro(request: web.Request) -> web.Response:
        asked.append("direct")
        return web.Response(text="go_goroutines 5\n", status=200 if works else 500)

    async def api(request: web.Request) -> web.Response:
        if "proxy" not in request.path:
            return web.json_response({"items": []})
        asked.append("proxied")
        return web.Response(text="go_goroutines 6\n")

    async with serve(kro) as port, serve(api) as api_port, api_server(api_port) as client:
        pod = replace(kro_pod(), metrics_port=port)
        source = KroSource(client, KroTracker(client, Target(), pod, lambda: 0.0), frozenset())
        assert [r.value for r in (await source.scrape()).readings] == [5.0]
        works = False
        with pytest.raises(SourceUnavailableError, match="kro's /metrics: 500"):
            await source.scrape()
        assert [r.value for r in (await source.scrape()).readings] == [6.0]
        await source.close()
    assert asked == ["direct", "direct", "direct", "proxied"]


async def test_what_is_no_exposition_is_told() -> None:
    async def api(request: web.Request) -> web.Response:
        if "proxy" not in request.path:
            return web.json_response({"items": []})
        return web.Response(text="go_goroutines many\n")

    async with serve(api) as api_port, api_server(api_port) as client:
        pod = replace(kro_pod(), metrics_port=closed_port())
        source = KroSource(client, KroTracker(client, Target(), pod, lambda: 0.0), frozenset())
        with pytest.raises(SourceUnavailableError, match="many"):
            await source.scrape()
        await source.close()
