"""Splitting an iteration among shards: who sends which instance, and when."""

from collections.abc import Sequence
from dataclasses import replace

from krobench.api.messages.shards import SHARD_LABEL
from krobench.workload.blueprint import Manifest
from krobench.workload.iterationplan import IterationPlan
from krobench.workload.steps import StepPlan


def share_of_plan(plan: IterationPlan, shard: int, shards: int) -> IterationPlan:
    """Return what one of the shards, counted from 0, does of an iteration that only creates.

    Of the operations in the order in which they are sent, it has each ``shards``-th; of the
    concurrency, and of the requests that may be unanswered, an even part. Every instance bears
    the label of the shard that sends it.
    """
    count = len(plan.targets)
    turns = {rgd.name: turn for turn, rgd in enumerate(plan.targets)}
    rgds = tuple(
        replace(
            rgd,
            instances=tuple(
                _labelled(instance, (position * count + turns[rgd.name]) % shards)
                for position, instance in enumerate(rgd.instances)
            ),
        )
        for rgd in plan.rgds
    )
    steps = tuple(_share_of_step(step, shard, shards) for step in plan.test.steps)
    return replace(plan, test=replace(plan.test, steps=steps), rgds=rgds)


def share_of_times(times: Sequence[float], shard: int, shards: int) -> tuple[float, ...]:
    """Return the times of a schedule at which one of the shards sends."""
    return tuple(times[shard::shards])


def _share_of_step(step: StepPlan, shard: int, shards: int) -> StepPlan:
    part = max(1, _part(step.load.max_in_flight, shard, shards))
    return replace(
        step,
        operations=step.operations[shard::shards],
        concurrency=max(1, _part(step.concurrency, shard, shards)),
        load=step.load.model_copy(update={"max_in_flight": part}),
    )


def _part(total: int, shard: int, shards: int) -> int:
    return total // shards + (1 if shard < total % shards else 0)


def _labelled(instance: Manifest, shard: int) -> Manifest:
    metadata = instance["metadata"]
    labels = metadata["labels"] | {SHARD_LABEL: str(shard)}
    return instance | {"metadata": metadata | {"labels": labels}}
