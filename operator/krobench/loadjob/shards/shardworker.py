"""A worker's side of a sharded load: it does what the coordinator asks until dismissed."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from krobench.api.kinds import RunKind, RunRef
from krobench.api.podmessages import CoordinatorMessage, ShardReport, WorkerMessage
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.kube.client import KubeClient
from krobench.kube.timing import Timing
from krobench.load.loops import RunClock, repeating
from krobench.load.shard import ShardIteration
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.preflight import read_own_rgds
from krobench.loadjob.shards.mailbox import Mailbox
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.testplan import as_run, plan_tests

logger = logging.getLogger(__name__)


class Worker:
    """One of the pods that share a load, counted from 1; the coordinator's own shard is 0."""

    def __init__(
        self,
        client: KubeClient,
        benchmark: dict[str, Any],
        shard: int,
        timing: Timing | None = None,
    ) -> None:
        self._client = client
        self._shard = shard
        self._timing = timing or Timing()
        self._spec = KroBenchmarkSpec.model_validate(benchmark["spec"])
        self._run = RunRef.of(RunKind.BENCHMARK, benchmark["metadata"])
        self._clock = RunClock()
        self._mailbox = Mailbox(client, self._run)
        self._message = WorkerMessage(shard=shard)
        self._iteration: ShardIteration | None = None
        self._received_at = 0.0
        self._fastest = float("inf")

    async def run(self) -> None:
        """Serve until the coordinator ends the load.

        Raises:
            AbortedError: if there is no coordinator, or it has gone.
        """
        async with self._mailbox:
            seconds = self._timing.coordinator_arrives
            if not await self._mailbox.wait(lambda: self._coordinator() is not None, seconds):
                raise AbortedError(
                    "CoordinatorMissing",
                    f"the coordinator sent no message to this shard within {seconds:g}s; check "
                    "the pod with index 0 of the load Job",
                )
            self._spec = await read_own_rgds(self._client, self._spec, self._run.namespace)
            async with self._present():
                await self._serve()

    async def _serve(self) -> None:
        plans = plan_tests(self._spec)
        while True:
            asked = await self._next(
                lambda m: m.phase == "prepare" and m.round > self._message.round
            )
            if asked is None:
                return
            test = as_run(plans[asked.test], asked.iteration)
            self._message = WorkerMessage(shard=self._shard, round=asked.round, phase="arrived")
            if self._shard < test.load.shards:
                whole = plan_iteration(self._run, test, asked.iteration)
                iteration = ShardIteration(
                    self._client, self._clock, whole, self._shard, self._timing
                )
                async with iteration:
                    self._iteration = iteration
                    await self._take_part(iteration)
                self._iteration = None

    async def _take_part(self, iteration: ShardIteration) -> None:
        number = self._message.round
        await iteration.set_up()
        await self._post(phase="ready")
        start = await self._next(lambda m: m.round > number or m.phase == "run")
        if start is None or start.round != number or start.start_epoch_seconds is None:
            return
        zero = self._clock.zero_epoch_seconds()
        await self._post(phase="running")
        before = self._client.requests.total()
        drive = iteration.run_from(start.start_epoch_seconds - zero, start.elapsed_seconds)
        if not await self._while_led(drive, number):
            return
        outcome = iteration.finish()
        assert outcome.run_ended_seconds is not None
        requests = self._client.requests.total() - before
        pieces = await self._mailbox.store_lines(f"{self._shard}-{number}", outcome.records)
        report = ShardReport(
            pieces=pieces,
            lines=len(outcome.records),
            zero_epoch_seconds=zero,
            began_seconds=iteration.began_seconds,
            ended_seconds=outcome.run_ended_seconds,
            fastest_message_seconds=self._fastest,
            error=outcome.error,
            watch_interruptions=outcome.watch_interruptions,
            requests=requests,
        )
        await self._post(phase="done", report=report)

    async def _while_led(self, work: Coroutine[Any, Any, None], number: int) -> bool:
        """Finish the work; False if the coordinator is gone, or further on, before that."""
        drive = asyncio.ensure_future(work)
        left = asyncio.ensure_future(self._next(lambda message: message.round > number))
        try:
            await asyncio.wait((drive, left), return_when=asyncio.FIRST_COMPLETED)
            if not drive.done():
                left.result()  # raises if the coordinator fell silent
                return False
            drive.result()
            return True
        finally:
            for task in (drive, left):
                task.cancel()
            await asyncio.gather(drive, left, return_exceptions=True)

    async def _next(
        self, wanted: Callable[[CoordinatorMessage], bool]
    ) -> CoordinatorMessage | None:
        """Wait for a message of the coordinator; None if the load is over."""
        while True:
            message = self._coordinator()
            if message is None or message.phase == "over":
                return None
            if wanted(message):
                return message
            silence = self._timing.coordinator_silence
            if time.monotonic() - self._received_at > silence:
                raise AbortedError(
                    "CoordinatorLost",
                    f"the coordinator sent no message for {silence:g}s; check the pod with index "
                    "0 of the load Job",
                )
            await self._mailbox.wait(self._is_newer_than(message), self._timing.worker_interval)

    def _is_newer_than(self, message: CoordinatorMessage) -> Callable[[], bool]:
        return lambda: self._coordinator() != message

    def _coordinator(self) -> CoordinatorMessage | None:
        """Return the coordinator's latest message; None if there is none."""
        received = self._mailbox.latest(0)
        if received is None:
            return None
        message = CoordinatorMessage.model_validate_json(received.text)
        if received.received_monotonic != self._received_at:
            self._received_at = received.received_monotonic
            took = received.received_epoch_seconds - message.sent_epoch_seconds
            self._fastest = min(self._fastest, took)
        return message

    async def _post(self, **changes: Any) -> None:
        ready = 0 if self._iteration is None else self._iteration.ready_count
        self._message = self._message.model_copy(update={"ready_instances": ready} | changes)
        await self._mailbox.post(self._shard, self._message)

    @asynccontextmanager
    async def _present(self) -> AsyncIterator[None]:
        """Post regularly, and remove the message when this worker ends, however it ends."""
        await self._post()
        try:
            async with repeating(self._timing.worker_interval, self._post):
                yield
        finally:
            await self._mailbox.remove(self._shard)
