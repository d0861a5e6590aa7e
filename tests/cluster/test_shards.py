"""Loads that several pods share, on a real cluster."""

from cluster.kubectl import Cluster, benchmark, condition, scenario

from krobench.record.store import read_objects

SHARDED = "batch.kubernetes.io/job-completion-index"


def test_shards_send_each_instance_once_and_at_its_time(cluster: Cluster) -> None:
    load = {"arrival": "constant", "rate": 10, "shards": 3, "maxSendLag": "500ms"}
    test = scenario("a", instances=40, load=load)
    status = cluster.finish_undisturbed(benchmark("shared", test))
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed")
    assert status["orphans"] == 0
    [iteration] = cluster.run_record("shared")["tests"][0]["iterations"]
    assert iteration["counts"]["sent"] == iteration["counts"]["ready"] == 40
    assert iteration["figures"]["krobench.shards.count"] == 3
    assert 0 <= iteration["figures"]["krobench.shards.startSpreadSeconds"] < 1
    objects = read_objects([cluster.get("configmap", "shared-results")])
    created = [line for line in objects if line.operation == "create-instance"]
    assert len({line.name for line in created}) == len(created) == 40
    times = sorted(line.start_seconds for line in created)
    # The wall clocks of pods are read to some microseconds, and those of nodes are one here; a
    # process that is held up between reading two clocks is off by that.
    assert all(abs(time - times[0] - position / 10) < 0.05 for position, time in enumerate(times))
    gone = [line for line in objects if line.operation == "delete-instance" and line.gone_seconds]
    assert len(gone) == 40
    assert cluster.names("configmap", "--selector=bench.kro.run/component=shard") == []


def test_a_shard_that_is_killed_is_named_and_makes_the_run_invalid(cluster: Cluster) -> None:
    load = {"arrival": "constant", "rate": 4, "shards": 2, "maxSendLag": "250ms"}
    cluster.apply(benchmark("maimed", scenario("a", instances=40, load=load)))
    kill_in_mid_run(cluster, "maimed", index=1)
    cluster.wait("maimed", "Finished")
    status = cluster.status("maimed")
    assert (status["phase"], status["verdict"]) == ("Completed", "Invalid")
    assert condition(status, "Valid")["reason"] == "ShardLost"
    assert status["orphans"] == 0
    [iteration] = cluster.run_record("maimed")["tests"][0]["iterations"]
    causes = {cause["code"]: cause for cause in iteration["validity"]["causes"]}
    assert (causes["ShardLost"]["shard"], causes["ShardLost"]["shards"]) == (1, 2)
    assert iteration["counts"]["requested"] == 40
    assert iteration["counts"]["sent"] == iteration["counts"]["ready"] == 20


def kill_in_mid_run(cluster: Cluster, name: str, index: int) -> None:
    selector = f"--selector={SHARDED}={index}"
    cluster.wait_for_children()
    [pod] = cluster.names("pods", "--namespace=krobench-system", selector)
    cluster.run("delete", "pod", pod, "--namespace=krobench-system", "--grace-period=0", "--force")
