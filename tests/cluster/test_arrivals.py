"""Open loops, on a real cluster."""

import itertools

import pytest
from cluster.kubectl import Cluster, benchmark, condition, scenario
from cluster.repetition import twice_at_most

from krobench.record.store import read_objects


def test_a_constant_rate_is_kept_and_latency_counts_from_the_intended_time(
    cluster: Cluster,
) -> None:
    load = {"arrival": "constant", "rate": 5}
    manifest = benchmark("steady", scenario("a", instances=25, load=load))
    status = cluster.finish_undisturbed(manifest)
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed")
    assert condition(status, "Valid")["status"] == "True"
    assert status["orphans"] == 0
    [test] = cluster.run_record("steady")["tests"]
    [iteration] = test["iterations"]
    assert iteration["counts"]["sent"] == iteration["counts"]["ready"] == 25
    assert iteration["counts"]["late"] == 0
    generator = iteration["generator"]
    assert generator["requestedPerSecond"] == pytest.approx(5)
    assert generator["achievedPerSecond"] == pytest.approx(5, rel=0.02)
    assert 0 <= generator["sendLagMaxSeconds"] <= 0.05
    assert iteration["figures"]["krobench.watch.lagSeconds.p50"] < 1
    check_objects(cluster, iteration["latency"]["instanceReady"]["maxSeconds"])


def check_objects(cluster: Cluster, longest: float) -> None:
    objects = read_objects([cluster.get("configmap", "steady-results")])
    created = [line for line in objects if line.operation == "create-instance"]
    times = sorted(line.start_seconds for line in created)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == pytest.approx([0.2] * 24, abs=1e-4)
    waits = [line.ready_seconds - line.start_seconds for line in created if line.ready_seconds]
    assert longest == pytest.approx(max(waits), abs=1e-4)
    assert all(line.sent_seconds >= line.start_seconds for line in created)


def test_a_rate_that_cannot_be_sent_makes_the_run_invalid(cluster: Cluster) -> None:
    # Each request waits for the one before, and takes longer than a millisecond.
    load = {"arrival": "constant", "rate": 1000, "maxInFlight": 1, "maxSendLag": "1ms"}
    status = cluster.finish(benchmark("flood", scenario("a", instances=12, load=load)))
    assert (status["phase"], status["verdict"]) == ("Completed", "Invalid")
    assert condition(status, "Valid")["status"] == "False"
    assert condition(status, "Valid")["reason"] == "GeneratorLate"
    assert status["tests"][0]["verdict"] == "Invalid"
    assert {"GeneratorLate", "TestInvalid"} <= cluster.events("flood").keys()
    [iteration] = cluster.run_record("flood")["tests"][0]["iterations"]
    assert iteration["counts"]["late"] > 3
    assert iteration["validity"]["causes"][0]["reason"] == "GeneratorLate"


@twice_at_most
def test_a_rate_that_kro_cannot_bear_makes_the_run_invalid(cluster: Cluster) -> None:
    # kro makes some 10 to 20 in a second, so that instances wait longer and longer; the generator
    # keeps its schedule, within a bound that is not tested here.
    load = {"arrival": "constant", "rate": 60, "maxSendLag": "5s"}
    status = cluster.finish(benchmark("overrun", scenario("a", instances=150, load=load)))
    assert (status["phase"], status["verdict"]) == ("Completed", "Invalid")
    assert condition(status, "Valid")["reason"] == "NoSteadyState"
    [iteration] = cluster.run_record("overrun")["tests"][0]["iterations"]
    assert iteration["counts"]["ready"] == 150
    assert iteration["steadyState"]["steady"] is False


@pytest.mark.untimed
@pytest.mark.parametrize(
    ("load", "words"),
    [
        ({"arrival": "constant"}, "set rate with arrival constant"),
        ({"arrival": "ramp", "rate": 1}, "set toRate and rampDuration with arrival ramp"),
        ({"arrival": "burst"}, "set burst with arrival burst"),
        ({"rate": 5}, "set rate with arrival constant"),
        ({"arrival": "constant", "rate": 0}, "load.rate in body should be greater than 0"),
        ({"arrival": "constant", "rate": 5, "maxSendLag": "2m"}, "between 1ms and 1m"),
    ],
)
def test_the_api_server_refuses_loads_that_make_no_sense(
    cluster: Cluster, load: dict[str, object], words: str
) -> None:
    assert words in cluster.refusal(benchmark("senseless", scenario("a", load=load)))


@pytest.mark.untimed
def test_the_api_server_refuses_a_concurrency_in_an_open_loop(cluster: Cluster) -> None:
    test = scenario("a", concurrency=3, load={"arrival": "constant", "rate": 5})
    assert "set concurrency only with load.arrival closed" in cluster.refusal(
        benchmark("senseless", test)
    )
