"""What the coordinator knows about the clocks of its workers."""

from typing import cast

import pytest
from unit.records import some_line

from krobench.api.kinds import RunKind, RunRef
from krobench.api.podmessages import ShardReport, WorkerMessage
from krobench.figures.rawdata import ObjectRecord
from krobench.kube.client import KubeClient
from krobench.load.loops import RunClock
from krobench.loadjob.shards.coordinator import Coordinator
from krobench.loadjob.shards.mailbox import Message

LINE = some_line(sent_seconds=5.0, ready_seconds=6.0)


class OneMailbox:
    """Holds the lines and the latest message of one worker."""

    def __init__(self, took_seconds: float) -> None:
        text = WorkerMessage(shard=1, sent_epoch_seconds=1000.0).model_dump_json(by_alias=True)
        self._message = Message(text, 1000.0 + took_seconds, 0.0)

    def latest(self, shard: int) -> Message:
        assert shard == 1
        return self._message

    async def fetch_lines(self, names: list[str]) -> list[ObjectRecord]:
        return [LINE] * len(names)


def coordinator(up_seconds: float) -> Coordinator:
    made = Coordinator(
        cast("KubeClient", None), RunClock(), RunRef(RunKind.BENCHMARK, "default", "b", "u-1"), 2
    )
    made._mailbox = OneMailbox(up_seconds)  # type: ignore[assignment]
    made._zero_epoch_seconds = 100.0
    made._latest(1)
    return made


def report(down_seconds: float, lines: int = 1) -> ShardReport:
    return ShardReport(
        pieces=["p"],
        lines=lines,
        zero_epoch_seconds=110.0,
        began_seconds=5.0,
        ended_seconds=6.0,
        fastest_message_seconds=down_seconds,
    )


@pytest.mark.parametrize(
    ("up_seconds", "down_seconds", "ahead_seconds"),
    [
        (0.01, 0.02, 0.0),  # the clocks can agree
        (-2.97, 3.02, 2.97),  # a message arrived before it was sent: the shard is ahead
        (3.02, -2.97, -2.97),  # the shard is behind
    ],
)
async def test_lines_are_moved_by_what_the_messages_prove_about_the_clocks(
    up_seconds: float, down_seconds: float, ahead_seconds: float
) -> None:
    delivery = await coordinator(up_seconds)._fetch(1, report(down_seconds))
    [line] = delivery.records
    assert line.sent_seconds == pytest.approx(5.0 + 10.0 - ahead_seconds)
    assert line.ready_seconds == pytest.approx(line.sent_seconds + 1.0)
    assert delivery.clock_uncertainty_seconds == pytest.approx(up_seconds + down_seconds)


async def test_missing_lines_are_not_a_delivery() -> None:
    with pytest.raises(ValueError, match="1 of 2 lines arrived"):
        await coordinator(0.01)._fetch(1, report(0.01, lines=2))
