"""The leader's side of a sharded load."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack

from krobench.api.kinds import RunRef
from krobench.api.messages import LeaderWord, ShardReport, ShardWord
from krobench.job.shards.mailbox import Board, Heard
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.load.clock import RunClock
from krobench.load.shard import Delivery, moved
from krobench.workload.iterationplan import IterationPlan

logger = logging.getLogger(__name__)

ARRIVAL_SECONDS = 120.0
"""Time for the pods of all shards to start."""
SILENCE_SECONDS = 20.0
"""A shard that says nothing for so long is lost; it speaks each few seconds."""

_PREPARE_SECONDS = 30.0
_DELIVERY_SECONDS = 30.0
_SPEAK_SECONDS = 5.0
_CHECK_SECONDS = 1.0


class ShardCrew:
    """All shards but the first, which leads them; see :class:`krobench.load.shard.Crew`."""

    def __init__(self, client: KubeClient, clock: RunClock, owner: RunRef, shards: int) -> None:
        self._board = Board(client, owner)
        self._clock = clock
        self._shards = range(1, shards)
        self._stack = AsyncExitStack()
        self._word = LeaderWord()
        self._members: range = self._shards
        self._open = False
        self._zero_epoch_seconds = 0.0
        self._fastest: dict[int, float] = {}
        self._judged: dict[int, Heard] = {}
        self.losses: dict[int, str] = {}

    async def open(self) -> None:
        """Call the shards, and wait until they have come; those that do not are lost.

        Raises:
            KubeError: if there is no talking with them.
        """
        await self._board.clear()
        await self._stack.enter_async_context(self._board)
        self._open = True
        await self._board.say(0, self._word)
        speaker = asyncio.create_task(self._keep_speaking())
        self._stack.callback(speaker.cancel)
        await self._board.wait(lambda: not self._missing(0, "arrived"), ARRIVAL_SECONDS)
        for shard in self._missing(0, "arrived"):
            self._lose(shard, f"its pod did not come within {ARRIVAL_SECONDS:g}s")

    async def close(self) -> None:
        """Send the shards home, and remove what was said; once is enough."""
        if not self._open:
            return
        self._open = False
        try:
            self._word = LeaderWord(phase="over", round=self._word.round)
            await self._board.say(0, self._word)
            await self._board.clear()
        except KubeError as error:
            logger.warning("the shards were not sent home: %s", error)
        await self._stack.aclose()

    @property
    def ready_instances(self) -> int:
        """Instances of theirs that are ready so far."""
        words = [self._said(shard) for shard in self._members]
        return sum(w.ready_instances for w in words if w and w.round == self._word.round)

    async def gather(self, plan: IterationPlan) -> None:
        """Have all shards prepare an iteration; those that do not are lost."""
        self._members = range(1, plan.test.load.shards)
        number = self._word.round + 1
        self._word = LeaderWord(
            phase="prepare", round=number, test=plan.test.index, iteration=plan.index
        )
        await self._board.say(0, self._word)
        await self._wait(number, "ready", _PREPARE_SECONDS, "did not prepare the iteration")

    async def start(self, start_seconds: float, elapsed_seconds: float) -> None:
        """Tell them when to begin, by the wall clock."""
        self._zero_epoch_seconds = self._clock.zero_epoch_seconds()
        self._word = self._word.model_copy(
            update={
                "phase": "run",
                "start_epoch_seconds": self._zero_epoch_seconds + start_seconds,
                "elapsed_seconds": elapsed_seconds,
            }
        )
        await self._board.say(0, self._word)

    async def deliveries(self, deadline_seconds: float) -> list[Delivery]:
        """Wait for what they bring back; those that bring nothing in time are lost."""
        left = max(0.0, deadline_seconds - self._clock.now()) + _DELIVERY_SECONDS
        await self._wait(self._word.round, "done", left, "brought no results in time")
        found = []
        for shard in self._present():
            word = self._said(shard)
            if word is None or word.report is None:
                continue
            try:
                found.append(await self._fetch(shard, word.report))
            except (KubeError, ValueError, KeyError) as error:
                self._lose(shard, f"its results could not be read: {error}")
        return found

    async def _fetch(self, shard: int, report: ShardReport) -> Delivery:
        records = await self._board.take_lines(report.pieces)
        if len(records) != report.lines:
            raise ValueError(f"{len(records)} lines came of {report.lines}")
        # How far the shard's wall clock is ahead of ours is known within these bounds, as no
        # word arrives before it was sent. Clocks that can agree are taken to agree.
        most = report.fastest_word_seconds
        least = -self._fastest.get(shard, float("inf"))
        ahead = min(max(0.0, least), most)
        shift = report.zero_epoch_seconds - self._zero_epoch_seconds - ahead
        return Delivery(
            shard=shard,
            report=report,
            records=[moved(record, shift) for record in records],
            began_seconds=None if report.began_seconds is None else report.began_seconds + shift,
            ended_seconds=report.ended_seconds + shift,
            clock_uncertainty_seconds=most - least,
        )

    async def _wait(self, number: int, phase: str, seconds: float, reproach: str) -> None:
        """Wait until all that are present have said it; name those that have not."""
        deadline = time.monotonic() + seconds
        while self._missing(number, phase):
            if time.monotonic() >= deadline:
                for shard in self._missing(number, phase):
                    self._lose(shard, f"it {reproach}")
                return
            await self._board.wait(lambda: not self._missing(number, phase), _CHECK_SECONDS)
            self._lose_silent()

    def _lose_silent(self) -> None:
        for shard in self._present():
            heard = self._board.heard(shard)
            if heard is None:
                self._lose(shard, "its pod has ended")
            elif time.monotonic() - heard.received_monotonic > SILENCE_SECONDS:
                self._lose(shard, f"nothing was heard of it for {SILENCE_SECONDS:g}s")

    def _lose(self, shard: int, why: str) -> None:
        logger.warning("shard %d is lost: %s", shard, why)
        self.losses[shard] = why

    def _present(self) -> list[int]:
        return [shard for shard in self._members if shard not in self.losses]

    def _missing(self, number: int, phase: str) -> list[int]:
        words = {shard: self._said(shard) for shard in self._present()}
        return [
            shard
            for shard, word in words.items()
            if word is None or (word.round, word.phase) != (number, phase)
        ]

    def _said(self, shard: int) -> ShardWord | None:
        heard = self._board.heard(shard)
        if heard is None:
            return None
        word = ShardWord.model_validate_json(heard.text)
        if self._judged.get(shard) != heard:
            self._judged[shard] = heard
            took = heard.received_epoch_seconds - word.said_epoch_seconds
            self._fastest[shard] = min(took, self._fastest.get(shard, took))
        return word

    async def _keep_speaking(self) -> None:
        while True:
            await asyncio.sleep(_SPEAK_SECONDS)
            try:
                await self._board.say(0, self._word)
            except KubeError as error:
                logger.warning("the shards were not spoken to: %s", error)
