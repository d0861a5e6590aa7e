"""A shard's side of a sharded load: it does what the leader says until that is over."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from krobench.api.kinds import RunKind, RunRef
from krobench.api.messages import LeaderWord, ShardReport, ShardWord
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.job.errors import AbortedError
from krobench.job.preflight import read_own_rgds
from krobench.job.shards.mailbox import Board
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.load.clock import RunClock
from krobench.load.shard import SharedIteration
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.testplan import plan_tests

logger = logging.getLogger(__name__)

_LEADER_SECONDS = 600.0
_LEADER_SILENCE_SECONDS = 60.0
_SPEAK_SECONDS = 3.0


class Shard:
    """One of the pods that share a load, counted from 1; the leader is number 0."""

    def __init__(self, client: KubeClient, benchmark: dict[str, Any], shard: int) -> None:
        self._client = client
        self._shard = shard
        self._spec = KroBenchmarkSpec.model_validate(benchmark["spec"])
        self._run = RunRef.of(RunKind.BENCHMARK, benchmark["metadata"])
        self._clock = RunClock()
        self._board = Board(client, self._run)
        self._word = ShardWord(shard=shard)
        self._iteration: SharedIteration | None = None
        self._heard_at = 0.0
        self._fastest = float("inf")

    async def run(self) -> None:
        """Serve until the leader says that it is over.

        Raises:
            AbortedError: if there is no leader, or no more.
        """
        async with self._board:
            if not await self._board.wait(lambda: self._leader() is not None, _LEADER_SECONDS):
                raise AbortedError("LeaderMissing", "no leader called this shard")
            self._spec = await read_own_rgds(self._client, self._spec, self._run.namespace)
            async with self._present():
                await self._serve()

    async def _serve(self) -> None:
        plans = plan_tests(self._spec)
        while True:
            word = await self._next(_prepares_after(self._word.round))
            if word is None:
                return
            test = plans[word.test]
            self._word = ShardWord(shard=self._shard, round=word.round, phase="arrived")
            if self._shard < test.load.shards:
                whole = plan_iteration(self._run, test, word.iteration)
                iteration = SharedIteration(self._client, self._clock, whole, self._shard)
                async with iteration:
                    self._iteration = iteration
                    await self._take_part(iteration)
                self._iteration = None

    async def _take_part(self, iteration: SharedIteration) -> None:
        number = self._word.round
        await iteration.set_up()
        await self._say(phase="ready")
        word = await self._next(lambda w: w.round > number or w.phase == "run")
        if word is None or word.round != number or word.start_epoch_seconds is None:
            return
        zero = self._clock.zero_epoch_seconds()
        await self._say(phase="running")
        before = self._client.requests.total()
        drive = iteration.run_from(word.start_epoch_seconds - zero, word.elapsed_seconds)
        if not await self._while_led(drive, number):
            return
        requests = self._client.requests.total() - before
        await self._deliver(iteration, zero, requests)

    async def _while_led(self, work: Coroutine[Any, Any, None], number: int) -> bool:
        """Do it to its end; False where the leader is gone, or further on, before that."""
        drive = asyncio.ensure_future(work)
        left = asyncio.ensure_future(self._next(lambda word: word.round > number))
        try:
            await asyncio.wait((drive, left), return_when=asyncio.FIRST_COMPLETED)
            if not drive.done():
                left.result()  # raises where the leader fell silent
                return False
            drive.result()
            return True
        finally:
            for task in (drive, left):
                task.cancel()
            await asyncio.gather(drive, left, return_exceptions=True)

    async def _deliver(self, iteration: SharedIteration, zero: float, requests: int) -> None:
        outcome = iteration.finish()
        assert outcome.run_ended_seconds is not None
        name = f"{self._shard}-{self._word.round}"
        pieces = await self._board.put_lines(name, outcome.records)
        report = ShardReport(
            pieces=pieces,
            lines=len(outcome.records),
            zero_epoch_seconds=zero,
            began_seconds=iteration.began_seconds,
            ended_seconds=outcome.run_ended_seconds,
            fastest_word_seconds=self._fastest,
            error=outcome.error,
            watch_interruptions=outcome.watch_interruptions,
            requests=requests,
        )
        await self._say(phase="done", report=report)

    async def _next(self, wanted: Callable[[LeaderWord], bool]) -> LeaderWord | None:
        """Wait for a word of the leader; None where it is over."""
        while True:
            word = self._leader()
            if word is None or word.phase == "over":
                return None
            if wanted(word):
                return word
            if time.monotonic() - self._heard_at > _LEADER_SILENCE_SECONDS:
                message = f"nothing was heard of the leader for {_LEADER_SILENCE_SECONDS:g}s"
                raise AbortedError("LeaderLost", message)
            await self._board.wait(self._is_new(word), _SPEAK_SECONDS)

    def _is_new(self, word: LeaderWord) -> Callable[[], bool]:
        return lambda: self._leader() != word

    def _leader(self) -> LeaderWord | None:
        heard = self._board.heard(0)
        if heard is None:
            return None
        word = LeaderWord.model_validate_json(heard.text)
        if heard.received_monotonic != self._heard_at:
            self._heard_at = heard.received_monotonic
            took = heard.received_epoch_seconds - word.said_epoch_seconds
            self._fastest = min(self._fastest, took)
        return word

    async def _say(self, **changes: Any) -> None:
        ready = 0 if self._iteration is None else self._iteration.ready_count
        self._word = self._word.model_copy(update={"ready_instances": ready} | changes)
        await self._board.say(self._shard, self._word)

    @asynccontextmanager
    async def _present(self) -> AsyncIterator[None]:
        """Speak now and then, and take the words back when this shard ends, however it does."""
        await self._say()
        speaker = asyncio.create_task(self._keep_speaking())
        try:
            yield
        finally:
            speaker.cancel()
            await asyncio.gather(speaker, return_exceptions=True)
            await self._board.withdraw(self._shard)

    async def _keep_speaking(self) -> None:
        while True:
            await asyncio.sleep(_SPEAK_SECONDS)
            with suppress(KubeError):
                await self._say()


def _prepares_after(number: int) -> Callable[[LeaderWord], bool]:
    return lambda word: word.round > number and word.phase == "prepare"
