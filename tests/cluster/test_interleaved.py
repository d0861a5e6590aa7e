"""Tests that take turns until they are known well enough, and one minus the other."""

from cluster.kubectl import Cluster, benchmark, keeping_rgds, scenario
from cluster.repetition import twice_at_most

INSTANCES = 4


@twice_at_most
def test_a_test_minus_another_with_which_it_takes_turns(cluster: Cluster) -> None:
    precision = {"target": "90%", "maxIterations": 6}
    status = cluster.finish(
        benchmark(
            "minus",
            keeping_rgds(scenario("twenty", "wide", instances=INSTANCES, minus="one")),
            keeping_rgds(scenario("one", "single", instances=INSTANCES)),
            order="Interleaved",
            defaults={"iterations": 3, "precision": precision},
        )
    )
    assert status["verdict"] == "Passed", status
    record = cluster.run_record("minus")
    rounds = sorted(
        (iteration["startTime"], iteration["index"], test["name"])
        for test in record["tests"]
        for iteration in test["iterations"]
    )
    turns = ["twenty", "one", "one", "twenty", "twenty", "one"]
    assert [name for _, _, name in rounds][: len(turns)] == turns
    for test in record["tests"]:
        assert test["stop"]["reason"] in ("PrecisionReached", "MaxIterations")
        assert len(test["iterations"]) == test["plannedIterations"]
        first, *others = test["iterations"]
        assert first["latency"]["rgdReady"]["n"] == 1
        for iteration in others:
            assert iteration["unavailable"]["latency.rgdReady"]["code"] == "RgdsExistedBefore"
    assert "PrecisionReached" in [test["stop"]["reason"] for test in record["tests"]]

    requests = next(d for d in record["differences"] if d["figure"] == "kro.requests.total")
    assert (requests["test"], requests["minus"]) == ("twenty", "one")
    assert requests["low"] > 0, "the interval leaves no doubt that more is sent"
    assert requests["low"] <= requests["difference"] <= requests["high"]
    # Two reconciles of 19 further objects at least, each of which is read and applied: 76 requests.
    # Further reconciles of the side that is taken away, of 5 requests each, make it less.
    assert requests["each"] >= 0.8 * 2 * 2 * 19


def test_a_pair_that_makes_no_sense_is_refused_at_apply(cluster: Cluster) -> None:
    pair = [scenario("a", instances=3, minus="b"), scenario("b", instances=2)]
    assert "must name a test with the same workload.instances" in cluster.refusal(
        benchmark("apart", *pair, order="Interleaved")
    )
    assert "must be Interleaved if a test has minus" in cluster.refusal(benchmark("apart", *pair))
    lonely = scenario("a", minus="nobody")
    assert "must name another test" in cluster.refusal(
        benchmark("apart", lonely, order="Interleaved")
    )
