from dataclasses import dataclass, replace
from typing import cast

import pytest
from aiohttp import web
from unit.collect.servers import api_server, closed_port, kro_pod, serve

from krobench.api.specs.kro import Target
from krobench.collect.exposition import Reading, Series, read
from krobench.collect.kro import (
    KroCounters,
    KroSource,
    KroTracker,
    with_failed_build_time,
)
from krobench.collect.source import (
    Scrape,
    SourceUnavailableError,
    lines_of,
    with_present_names,
)
from krobench.figures.environment import KroFingerprint
from krobench.kube.client import KubeClient
from krobench.kube.kropods import KroNotFoundError, KroPod


def names(*keys: str) -> dict[str, float]:
    readings = [Reading(key, float(number), None) for number, key in enumerate(keys)]
    return {r.key: r.value for r in with_present_names(Scrape(readings), "kro").readings}


def test_metrics_of_an_older_kro_get_the_current_names() -> None:
    assert names("dynamic_controller_reconcile_total", "dynamic_controller_gvr_count") == {
        "instance_reconcile_total": 0.0,
        "dynamic_controller_watch_count": 1.0,
    }


def test_the_current_name_wins_if_kro_has_both() -> None:
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


async def test_after_a_failure_kro_is_reached_directly_or_through_the_proxy() -> None:
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
        with pytest.raises(SourceUnavailableError, match=r"Kro.*HTTP 500"):
            await source.scrape()
        assert [r.value for r in (await source.scrape()).readings] == [6.0]
        await source.close()
    assert asked == ["direct", "direct", "direct", "proxied"]


async def test_an_invalid_exposition_makes_kro_unavailable() -> None:
    async def api(request: web.Request) -> web.Response:
        if "proxy" not in request.path:
            return web.json_response({"items": []})
        return web.Response(text="go_goroutines many\n")

    async with serve(api) as api_port, api_server(api_port) as client:
        pod = replace(kro_pod(), metrics_port=closed_port())
        source = KroSource(client, KroTracker(client, Target(), pod, lambda: 0.0), frozenset())
        with pytest.raises(SourceUnavailableError, match="InvalidFormat"):
            await source.scrape()
        await source.close()


FINGERPRINT = KroFingerprint(namespace="kro-system", pod="a")
POD_A = KroPod("kro-system", "a", "10.0.0.1", "node", "kro", 8078, FINGERPRINT)
POD_B = replace(POD_A, name="b", ip="10.0.0.2")


@dataclass
class World:
    kro: KroPod | None = POD_A
    now: float = 0.0
    looked: int = 0


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()

    async def find_kro(*_: object) -> KroPod:
        world.looked += 1
        if world.kro is None:
            raise KroNotFoundError("none")
        return world.kro

    monkeypatch.setattr("krobench.collect.kro.find_kro", find_kro)
    return world


def tracker(world: World, pod: KroPod = POD_A) -> KroTracker:
    return KroTracker(cast("KubeClient", None), Target(), pod, lambda: world.now)


async def test_a_container_that_was_restarted_is_marked(world: World) -> None:
    kro = tracker(world)
    await kro.saw_start(100.0)
    await kro.saw_start(100.0)
    world.now = 7.0
    assert not await kro.saw_start(200.0)
    (restart,) = kro.restarts
    assert (restart.seconds, restart.pod, restart.previous_pod) == (7.0, "a", None)


async def test_a_pod_that_was_replaced_is_marked_with_both_names(world: World) -> None:
    kro = tracker(world)
    await kro.saw_start(100.0)
    world.kro = None
    assert not await kro.find_again()
    assert kro.pod is POD_A
    world.kro = POD_B
    assert await kro.find_again()
    await kro.saw_start(200.0)
    (restart,) = kro.restarts
    assert (restart.pod, restart.previous_pod) == ("b", "a")


async def test_a_restarted_replica_that_no_longer_leads_is_replaced_by_the_leader(
    world: World,
) -> None:
    kro = tracker(world)
    await kro.saw_start(100.0)
    world.kro = POD_B
    assert await kro.saw_start(200.0), "what was read is of a kro that only waits"
    assert not await kro.saw_start(150.0)
    assert [(r.pod, r.previous_pod) for r in kro.restarts] == [("b", "a")]


async def test_with_several_replicas_the_leader_is_looked_up_regularly(world: World) -> None:
    several = replace(POD_A, fingerprint=FINGERPRINT.model_copy(update={"replicas": 2}))
    alone, one_of_two = tracker(world), tracker(world, several)
    world.now = 60.0
    await alone.follow_lead()
    assert world.looked == 0
    await one_of_two.follow_lead()
    await one_of_two.follow_lead()
    assert world.looked == 1


LINES = {"a_seconds": "a_seconds_sum 5\n", "b_total": "b_total 2\n", "c_total": "c_total 9\n"}


@pytest.mark.parametrize("filters", [True, False], ids=["kro that filters", "kro that does not"])
async def test_only_what_is_wanted_is_asked_for_and_read(filters: bool) -> None:
    async def metrics(request: web.Request) -> web.Response:
        names = request.query.getall("name[]") if filters else list(LINES)
        return web.Response(text="".join(line for name, line in LINES.items() if name in names))

    async with serve(metrics) as port, api_server(closed_port()) as client:
        counters = KroCounters(client, replace(kro_pod(), metrics_port=port), closed_port())
        wanted = (Series("a_seconds_sum"), Series("b_total"))
        assert await counters.read(wanted) == {"a_seconds_sum": 5.0, "b_total": 2.0}
        await counters.close()
