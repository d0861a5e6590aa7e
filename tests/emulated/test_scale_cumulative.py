"""Sizes that are built on each other, against an API server in memory."""

from doubles.cluster import MemoryCluster
from emulated.scaletests import N, run, trials
from emulated.test_load import quick

from krobench.api.status import Verdict

assert quick  # a fixture that is used here too


async def test_cumulative_sizes_are_deleted_together() -> None:
    cluster = MemoryCluster()
    record = await run(cluster, sizes={"from": 5, "to": 80, "cumulative": True}, slo=[f"{N} <= 10"])
    assert record.scale is not None
    ways = [[(t.upon, t.met) for t in s.iterations] for s in record.scale.sizes]
    by_size = dict(zip([step.size for step in record.scale.sizes], ways, strict=True))
    # 40 adds 20 to 20. Again: 20 and 40, from nothing; then 28, upon 20, adds 8.
    assert by_size[5] == [(None, True)] * 4
    assert by_size[10] == [(5, True)] * 4
    assert by_size[20][0] == (10, True)
    assert by_size[40] == [(20, False)] * 2
    assert by_size[28] == [(20, True)] * 2
    by_name = {test.name: test for test in record.tests}
    counts = [done.counts.requested for done in by_name["instances-40"].iterations]
    assert counts == [20, 20]
    assert by_name["instances-40"].instances == 40
    downs = [
        (test.name, done.teardown.done)
        for test in record.tests
        for done in test.iterations
        if done.teardown is not None and not done.warmup
    ]
    assert all(done for _, done in downs)
    assert {name for name, _ in downs} <= {"instances-20", "instances-28", "instances-40"}
    assert record.orphans is not None
    assert record.orphans.count == 0
    assert record.verdict is Verdict.PASSED


async def test_rgds_that_are_kept_keep_their_instances() -> None:
    cluster = MemoryCluster()
    record = await run(
        cluster,
        axis="rgds",
        sizes={"values": [2, 4, 6], "cumulative": True},
        search={"refine": False},
        workload={"scenario": "single", "instances": 2},
        slo=["errors.total < 1"],
        warmup=0,
    )
    assert trials(record) == {2: [True] * 2, 4: [True] * 2, 6: [True] * 2}
    made = {test.name: [d.counts.requested for d in test.iterations] for test in record.tests}
    assert made == {"rgds-2": [4, 4], "rgds-4": [4, 4], "rgds-6": [4, 4]}
    assert record.orphans is not None
    assert record.orphans.count == 0
