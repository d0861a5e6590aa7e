"""Splitting an iteration among shards: who sends which instance, and when."""

from collections.abc import Sequence
from dataclasses import replace

from krobench.model.shards import SHARD_LABEL
from krobench.workload.blueprint import Manifest
from krobench.workload.plan import IterationPlan, RgdPlan


def share_of_plan(plan: IterationPlan, shard: int, shards: int) -> IterationPlan:
    """Return what one of the shards, counted from 0, does of an iteration.

    Of the instances in the order in which they are sent, it has each ``shards``-th; of the
    concurrency, and of the requests that may be unanswered, an even part.
    """
    owned = {
        (rgd, position)
        for turn, (rgd, position) in enumerate(_turns(plan.rgds))
        if turn % shards == shard
    }
    rgds = tuple(
        replace(
            rgd,
            instances=tuple(
                _labelled(instance, shard)
                for position, instance in enumerate(rgd.instances)
                if (number, position) in owned
            ),
        )
        for number, rgd in enumerate(plan.rgds)
    )
    load = plan.test.load
    part = max(1, _part(load.max_in_flight, shard, shards))
    test = replace(
        plan.test,
        concurrency=max(1, _part(plan.test.concurrency, shard, shards)),
        load=load.model_copy(update={"max_in_flight": part}),
    )
    return replace(plan, test=test, rgds=rgds)


def share_of_times(times: Sequence[float], shard: int, shards: int) -> tuple[float, ...]:
    """Return the times of a schedule at which one of the shards sends."""
    return tuple(times[shard::shards])


def _turns(rgds: Sequence[RgdPlan]) -> list[tuple[int, int]]:
    """Return the order in which instances are sent: the RGDs take turns."""
    turns = [
        (position, number)
        for number, rgd in enumerate(rgds)
        for position in range(len(rgd.instances))
    ]
    return [(number, position) for position, number in sorted(turns)]


def _part(total: int, shard: int, shards: int) -> int:
    return total // shards + (1 if shard < total % shards else 0)


def _labelled(instance: Manifest, shard: int) -> Manifest:
    metadata = instance["metadata"]
    labels = metadata["labels"] | {SHARD_LABEL: str(shard)}
    return instance | {"metadata": metadata | {"labels": labels}}
