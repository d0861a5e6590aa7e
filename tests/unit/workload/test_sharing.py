from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from unit.load.fakes import plan

from krobench.api.messages.shards import SHARD_LABEL
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.workload.iterationplan import IterationPlan
from krobench.workload.sharing import share_of_plan, share_of_times


def names(made: IterationPlan) -> list[str]:
    [step] = made.test.steps
    return [made.instance(entry.target)[1]["metadata"]["name"] for entry in step.operations]


@given(data=st.data(), shards=st.integers(1, 16), rgds=st.integers(1, 5))
def test_every_instance_has_one_shard_and_its_time(
    data: st.DataObject, shards: int, rgds: int
) -> None:
    instances = data.draw(st.integers(max(shards, rgds), 60))
    workload = {"scenario": "single", "instances": instances, "rgds": rgds}
    whole = plan(instances, workload=workload)
    shares = [share_of_plan(whole, shard, shards) for shard in range(shards)]
    assert sorted(name for share in shares for name in names(share)) == sorted(names(whole))
    times = [float(position) for position in range(instances)]
    parts = [share_of_times(times, shard, shards) for shard in range(shards)]
    assert sorted(time for part in parts for time in part) == times
    for share, part in zip(shares, parts, strict=True):
        assert share.test.created_instances == len(part) > 0


def test_concurrency_and_unanswered_requests_are_divided() -> None:
    whole = plan(20, concurrency=10)
    shares = [share_of_plan(whole, shard, 3) for shard in range(3)]
    steps = [share.test.steps[0] for share in shares]
    assert [step.concurrency for step in steps] == [4, 3, 3]
    assert sum(step.load.max_in_flight for step in steps) == 256


def test_instances_say_whose_they_are() -> None:
    workload = {"scenario": "single", "instances": 7, "rgds": 2}
    share = share_of_plan(plan(7, workload=workload), 2, 3)
    sent = [share.instance(entry.target)[1] for entry in share.test.steps[0].operations]
    assert [item["metadata"]["labels"][SHARD_LABEL] for item in sent] == ["2", "2"]


@pytest.mark.parametrize(
    ("test", "defaults"),
    [
        ({"workload": {"scenario": "single", "instances": 2}}, {}),
        ({"concurrency": 2}, {}),
        ({}, {"concurrency": 2}),
    ],
)
def test_more_shards_than_work_are_refused(test: dict[str, Any], defaults: dict[str, Any]) -> None:
    workload = {"scenario": "single", "instances": 9}
    spec = {
        "tests": [{"name": "a", "workload": workload, "load": {"shards": 3}} | test],
        "defaults": defaults,
    }
    with pytest.raises(ValidationError, match=r"load\.shards"):
        KroBenchmarkSpec.model_validate(spec)
