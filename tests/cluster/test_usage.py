"""Known truths about what kro uses, and what is said where kro does not stay the same."""

from collections.abc import Iterator

import pytest
from cluster.conftest import provider
from cluster.kubectl import Cluster, Manifest, benchmark, scenario
from cluster.repetition import twice_at_most

LIMIT, LIMIT_CORES = "200m", 0.2
CHILDREN, KINDS = 20, 1  # of the scenario wide
# The facts at hand: some 7.5 MB of heap for each graph of ten Deployments, in another version of
# kro. What matters is the order of magnitude.
LEAST_BYTES, MOST_BYTES = 1e6, 30e6


@pytest.fixture(scope="module")
def limited(cluster: Cluster) -> Iterator[Cluster]:
    """A kro with a fifth of a core."""
    before = cluster.kro_resources()
    memory = before.get("limits", {}).get("memory", "1Gi")
    cluster.give_kro({"limits": {"cpu": LIMIT, "memory": memory}, "requests": {"cpu": LIMIT}})
    try:
        yield cluster
    finally:
        cluster.give_kro(before)


def iteration(cluster: Cluster, name: str) -> Manifest:
    found: Manifest = cluster.run_record(name)["tests"][0]["iterations"][0]
    return found


def requests(iteration: Manifest) -> dict[str, float]:
    by = iteration["parts"]["apiServer.requests.byKind"]
    return {entry["name"]: entry["value"] for entry in by}


def ten_deployments(name: str, rgds: int) -> Manifest:
    generator = {"complexity": "custom", "resources": 10, "kinds": ["Deployment"]}
    return {"name": name, "workload": {"generator": generator, "rgds": rgds, "instances": rgds}}


@twice_at_most
def test_the_memory_that_an_rgd_takes_is_a_slope_with_an_interval(cluster: Cluster) -> None:
    cluster.finish(
        benchmark(
            "memory",
            ten_deployments("one", 1),
            ten_deployments("four", 4),
            defaults={"iterations": 3},
        )
    )
    run = cluster.run_record("memory")
    slopes = {slope["figure"]: slope for slope in run["slopes"]}
    heap = slopes["kro.memory.liveHeapBytes"]
    assert (heap["axis"], heap["sizes"], heap["points"]) == ("rgds", [1, 4], 6)
    assert heap["low"] <= heap["perOne"] <= heap["high"]
    assert LEAST_BYTES < heap["perOne"] < MOST_BYTES
    # Deployments are watched whatever the number of RGDs; each RGD adds its own kind.
    assert slopes["kro.watchedKinds.max"]["perOne"] == pytest.approx(1.0, abs=0.2)
    figures = run["tests"][1]["summary"]["figures"]
    if provider() == "testbed":  # its etcd is found; others show none
        assert figures["etcd.cpu.seconds"] > 0
    assert figures["krobench.collectors.cpuSeconds"] > 0
    assert figures["perRgd.kro.goroutines"] > 0


@twice_at_most
def test_throttling_is_reported_and_requests_are_those_that_reconciles_take(
    limited: Cluster,
) -> None:
    limited.finish(benchmark("throttled", scenario("wide", "wide", instances=30)))
    found = iteration(limited, "throttled")
    figures = found["figures"]
    assert figures["kro.cpu.throttledPeriodsRatio"] > 0.1
    assert figures["kro.cpu.throttledSeconds"] > 0
    assert figures["kro.cpu.cores.mean"] < 1.2 * LIMIT_CORES
    # Two samples at the border of the phase are close together, and a kro that is throttled answers
    # late: some of what it takes is then booked on too short a time.
    assert figures["kro.cpu.cores.max"] < 4 * LIMIT_CORES

    reconciles = figures["kro.reconciles.total"]
    # A reconcile that meets a conflict ends early, and is done anew.
    whole = reconciles - figures["kro.reconciles.failed"]
    of = requests(found)
    # The API server is read some moments before or after kro, which goes on reconciling.
    assert 0.95 * CHILDREN * whole <= of["APPLY configmaps"] <= 1.05 * CHILDREN * reconciles
    assert 0.95 * KINDS * whole <= of["LIST configmaps"] <= 1.05 * KINDS * reconciles
    each_status = 2 * of["PUT instances/status"]  # it is read before it is written
    taken_over = of["APPLY instances"] - reconciles  # finalizer and labels, once
    each, rest = 2 * CHILDREN + 2 + KINDS, each_status + taken_over
    sent = figures["kro.requests.total"]
    assert 0.98 * (whole * each + rest) <= sent <= 1.02 * (reconciles * each + rest)


def test_a_kro_that_is_replaced_in_mid_run_is_marked_and_gives_no_false_numbers(
    limited: Cluster,
) -> None:
    (before,) = limited.names("pods", "--namespace=kro-system")
    limited.apply(benchmark("replaced", scenario("a", instances=30)))
    limited.wait_for_children()
    limited.run("delete", "pod", before, "--namespace=kro-system")
    limited.release_kros_lease()
    limited.wait("replaced", "Finished")
    found = iteration(limited, "replaced")
    restarts = found["kroRestarts"]
    assert [entry["previousPod"] for entry in restarts] == [before]
    assert restarts[0]["pod"] in limited.names("pods", "--namespace=kro-system")
    assert found["counts"]["ready"] == 30
    for name in ("kro.cpu.seconds", "kro.requests.total", "perInstance.kro.cpu.seconds"):
        assert name not in found["figures"]
        assert found["unavailable"][name]["code"] == "ProcessRestarted"
    assert restarts[0]["pod"] in " ".join(limited.run_record("replaced")["warnings"])
