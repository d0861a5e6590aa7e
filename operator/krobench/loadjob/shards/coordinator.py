"""The coordinator's side of a sharded load."""

import logging
import time
from contextlib import AsyncExitStack

from krobench.api.kinds import RunRef
from krobench.api.podmessages import CoordinatorMessage, ShardReport, WorkerMessage
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.timing import Timing
from krobench.load.loops import RunClock, repeating
from krobench.load.shard import Delivery, moved
from krobench.loadjob.shards.mailbox import Mailbox, Message
from krobench.workload.iterationplan import IterationPlan

logger = logging.getLogger(__name__)


class Coordinator:
    """Leads all shards but the first, which is this pod's own; see :class:`load.shard.Workers`."""

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        owner: RunRef,
        shards: int,
        timing: Timing | None = None,
    ) -> None:
        self._mailbox = Mailbox(client, owner)
        self._clock = clock
        self._timing = timing or Timing()
        self._shards = range(1, shards)
        self._stack = AsyncExitStack()
        self._message = CoordinatorMessage()
        self._members: range = self._shards
        self._open = False
        self._zero_epoch_seconds = 0.0
        self._fastest: dict[int, float] = {}
        self._judged: dict[int, Message] = {}
        self.losses: dict[int, str] = {}

    async def open(self) -> None:
        """Call the workers and wait until they have started; those that do not are lost.

        Raises:
            KubeError: if messages cannot be exchanged.
        """
        await self._mailbox.clear()
        await self._stack.enter_async_context(self._mailbox)
        self._open = True
        await self._mailbox.post(0, self._message)
        posting = repeating(
            self._timing.coordinator_interval, lambda: self._mailbox.post(0, self._message)
        )
        await self._stack.enter_async_context(posting)
        seconds = self._timing.workers_arrive
        await self._mailbox.wait(lambda: not self._missing(0, "arrived"), seconds)
        for shard in self._missing(0, "arrived"):
            self._lose(shard, f"its pod did not start within {seconds:g}s")

    async def close(self) -> None:
        """Dismiss the workers and delete all messages; safe to call twice."""
        if not self._open:
            return
        self._open = False
        try:
            self._message = CoordinatorMessage(phase="over", round=self._message.round)
            await self._mailbox.post(0, self._message)
            await self._mailbox.clear()
        except KubeError as error:
            logger.warning("the workers were not dismissed: %s", error)
        await self._stack.aclose()

    @property
    def ready_instances(self) -> int:
        """Ready instances of all workers in this iteration."""
        latest = [self._latest(shard) for shard in self._members]
        return sum(m.ready_instances for m in latest if m and m.round == self._message.round)

    async def gather(self, plan: IterationPlan) -> None:
        """Have all workers prepare an iteration; those that do not are lost."""
        self._members = range(1, plan.test.load.shards)
        number = self._message.round + 1
        self._message = CoordinatorMessage(
            phase="prepare", round=number, test=plan.test.index, iteration=plan.index
        )
        await self._mailbox.post(0, self._message)
        seconds = self._timing.workers_prepare
        await self._wait(number, "ready", seconds, "it did not prepare the iteration in time")

    async def start(self, start_seconds: float, elapsed_seconds: float) -> None:
        """Send the workers the start of the run phase, by the wall clock."""
        self._zero_epoch_seconds = self._clock.zero_epoch_seconds()
        self._message = self._message.model_copy(
            update={
                "phase": "run",
                "start_epoch_seconds": self._zero_epoch_seconds + start_seconds,
                "elapsed_seconds": elapsed_seconds,
            }
        )
        await self._mailbox.post(0, self._message)

    async def deliveries(self, deadline_seconds: float) -> list[Delivery]:
        """Wait for the workers' results; those that deliver nothing in time are lost."""
        left = max(0.0, deadline_seconds - self._clock.now()) + self._timing.workers_deliver
        await self._wait(self._message.round, "done", left, "it delivered no results in time")
        found = []
        for shard in self._present():
            message = self._latest(shard)
            if message is None or message.report is None:
                continue
            try:
                found.append(await self._fetch(shard, message.report))
            except (KubeError, ValueError, KeyError) as error:
                self._lose(shard, f"its results could not be read: {error}")
        return found

    async def _fetch(self, shard: int, report: ShardReport) -> Delivery:
        records = await self._mailbox.fetch_lines(report.pieces)
        if len(records) != report.lines:
            raise ValueError(f"{len(records)} of {report.lines} lines arrived")
        # No message arrives before it was sent, so the difference of the two wall clocks lies
        # within these bounds. If zero is within them, the clocks are taken to agree.
        most = report.fastest_message_seconds
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

    async def _wait(self, number: int, phase: str, seconds: float, loss: str) -> None:
        """Wait until all present workers are in this phase; those that are not are lost."""
        deadline = time.monotonic() + seconds
        while self._missing(number, phase):
            if time.monotonic() >= deadline:
                for shard in self._missing(number, phase):
                    self._lose(shard, loss)
                return
            await self._mailbox.wait(
                lambda: not self._missing(number, phase), self._timing.coordinator_poll
            )
            for shard in self._present():
                message = self._mailbox.latest(shard)
                silence = self._timing.worker_silence
                if message is None:
                    self._lose(shard, "its pod has ended")
                elif time.monotonic() - message.received_monotonic > silence:
                    self._lose(shard, f"it sent no message for {silence:g}s")

    def _lose(self, shard: int, why: str) -> None:
        logger.warning("shard %d is lost: %s", shard, why)
        self.losses[shard] = why

    def _present(self) -> list[int]:
        return [shard for shard in self._members if shard not in self.losses]

    def _missing(self, number: int, phase: str) -> list[int]:
        latest = {shard: self._latest(shard) for shard in self._present()}
        return [
            shard
            for shard, message in latest.items()
            if message is None or (message.round, message.phase) != (number, phase)
        ]

    def _latest(self, shard: int) -> WorkerMessage | None:
        received = self._mailbox.latest(shard)
        if received is None:
            return None
        message = WorkerMessage.model_validate_json(received.text)
        if self._judged.get(shard) != received:
            self._judged[shard] = received
            took = received.received_epoch_seconds - message.sent_epoch_seconds
            self._fastest[shard] = min(took, self._fastest.get(shard, took))
        return message
