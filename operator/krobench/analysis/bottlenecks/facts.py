"""The facts about a test from which its bottlenecks are found, and how much a cause explains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property

from krobench.analysis.krosettings import REQUEUE_INTERVAL, Flag, KroSettings
from krobench.analysis.resourcequantities import number_of
from krobench.api.notation import duration_seconds
from krobench.figures import catalogue
from krobench.figures.environment import KroFingerprint, NodeFingerprint
from krobench.figures.summaries import Figures, Latencies, LatencySummary, PartLists
from krobench.findings.bottleneck import BottleneckCode, BottleneckKind, Missing, Subject
from krobench.findings.evidence import Evidence, EvidenceCode, evidence
from krobench.record.test import TestRecord, TestSummary

MANY_RGDS = 5
"""From so many RGDs on, creating them is part of what a test measures. Fewer exist only for their
instances, and their set-up is in none of the test's figures."""


class NotMeasuredError(Exception):
    """A cause can be neither found nor ruled out, because a figure is missing."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing)
        self.missing = missing


class Of(Enum):
    """The part of the time in question of which a cause explains a share."""

    LOAD = auto()
    """The load that was asked for."""
    WORK = auto()
    """The time that reconciles take, and so the time that instances queue for them."""
    QUEUE = auto()
    """The time that instances wait for a worker, as far as nothing in the work explains it."""
    IDLE = auto()
    """The time in which no worker has the instance."""
    SET_UP = auto()
    """The time that the set-up takes."""
    SET_UP_QUEUE = auto()
    """The time that RGDs wait for a worker, as far as nothing else explains it."""


@dataclass(frozen=True)
class Assessment:
    """How much of something a cause explains, before causes are ranked."""

    kind: BottleneckKind
    code: BottleneckCode
    of: Of
    share: float
    evidence: list[Evidence] = field(default_factory=list)
    subject: Subject | None = None
    at_least: float = 0.0
    """A score that it has whatever it explains."""


@dataclass(frozen=True)
class Split:
    """Where the time of the operations of an iteration went, as shares of it."""

    late: float
    """The generator was late and had not yet sent the request."""
    queue: float
    """In the queue, because all workers were busy."""
    work: float
    """A worker reconciled it."""
    idle: float
    """Neither queued nor reconciled."""

    @property
    def busy(self) -> float:
        """Share that would be shorter if reconciles were."""
        return self.queue + self.work


@dataclass(frozen=True)
class PoolUse:
    """What a pool of kro's workers did."""

    work_seconds: float | None
    queue_wait_seconds: float | None


@dataclass(frozen=True)
class Facts:
    """A test with a summary, and the kro and the nodes that it was measured on."""

    test: TestRecord
    summary: TestSummary
    kro: KroFingerprint | None
    nodes: Sequence[NodeFingerprint]

    @property
    def figures(self) -> Figures:
        """The medians of the iterations."""
        return self.summary.figures

    @property
    def parts(self) -> PartLists:
        """What sums consist of, in the last iteration."""
        return self.summary.parts

    def pool(self, pool: catalogue.Pool) -> PoolUse:
        return PoolUse(self.figures[pool.work_seconds], self.figures[pool.queue_wait_seconds])

    @cached_property
    def settings(self) -> KroSettings:
        return KroSettings(self.kro)

    def workers(self, flag: Flag) -> int:
        """Return the number of workers of a pool; kro's default if no flag sets it."""
        number = self.settings.number(flag)
        return number if number is not None else int(flag.default)

    @property
    def requeue_seconds(self) -> float:
        """After which time kro reconciles an instance again that is not ready."""
        flag = REQUEUE_INTERVAL
        try:
            return duration_seconds(self.settings.value(flag) or flag.default)
        except ValueError:
            return duration_seconds(flag.default)

    @property
    def cpu_limit_cores(self) -> float | None:
        """kro's CPU limit; None without one."""
        return number_of(self.kro.limits.get("cpu")) if self.kro is not None else None

    @property
    def memory_limit_bytes(self) -> float | None:
        """kro's memory limit; None without one."""
        return number_of(self.kro.limits.get("memory")) if self.kro is not None else None

    @property
    def node_cores(self) -> float | None:
        """Cores of kro's node."""
        node = self.kro.node if self.kro is not None else None
        return next((number_of(n.cpu) for n in self.nodes if n.name == node), None)

    @property
    def node_cpu_ratio(self) -> float | None:
        """CPU use of everything on kro's node, over its cores."""
        busy, cores = self.figures[catalogue.NODE_CPU_CORES], self.node_cores
        return min(1.0, busy / cores) if busy is not None and cores else None

    @cached_property
    def operation_seconds(self) -> float:
        """Time that the operations of an iteration took, in all.

        One that timed out counts with the whole run phase.

        Raises:
            NotMeasuredError: if there was none.
        """
        longest = self.figures[catalogue.RUN_SECONDS] or 0.0
        total = sum(
            found.n * (found.mean_seconds or found.p50_seconds or longest)
            + found.censored * longest
            for found in self._operations()
        )
        if not total:
            raise NotMeasuredError(Missing.OPERATIONS)
        return total / self.summary.iterations

    @cached_property
    def operations(self) -> float:
        """Operations of an iteration."""
        return sum(f.n + f.censored for f in self._operations()) / self.summary.iterations

    def _latencies(self) -> list[Latencies]:
        phases = [phase.latency for phase in self.summary.phases]
        return phases or [Latencies(instance_ready=self.summary.latency.instance_ready)]

    def _operations(self) -> Iterator[LatencySummary]:
        for latency in self._latencies():
            for found in (
                latency.instance_ready,
                latency.instance_updated,
                latency.instance_gone,
                latency.instance_fanned_out or latency.rgd_updated,
            ):
                if found is not None:
                    yield found

    @cached_property
    def unfulfilled(self) -> float:
        """Creations and updates of an iteration that never had their effect. kro reconciles these
        again and again, because something else is missing.

        The others count as well if their duration is unknown for that reason.
        """
        awaited = (
            found
            for latency in self._latencies()
            for found in (latency.instance_ready, latency.instance_updated)
            if found is not None
        )
        without_effect = sum(
            f.censored + (f.n if f.censored and f.mean_seconds is None else 0) for f in awaited
        )
        return without_effect / self.summary.iterations

    @property
    def unfulfilled_seconds(self) -> float:
        """Time that they were waited for in an iteration: the whole run phase."""
        return self.unfulfilled * (self.figures[catalogue.RUN_SECONDS] or 0.0)

    @cached_property
    def work_seconds(self) -> float:
        """Time that instance workers reconciled in an iteration, of all kinds.

        Raises:
            NotMeasuredError: if kro does not say.
        """
        return known(self.figures[catalogue.INSTANCE_WORK_SECONDS], Missing.WORK_SECONDS)

    @cached_property
    def split(self) -> Split:
        """Where the operations' time went.

        Queueing and reconciles after an instance is ready count too, so ``idle`` is rather too
        small.

        Raises:
            NotMeasuredError: if kro does not say.
        """
        total = self.operation_seconds
        waited = known(self.figures[catalogue.INSTANCE_QUEUE_SECONDS], Missing.QUEUE_SECONDS)
        own = self.figures[catalogue.OWN_WORK_SECONDS]
        worked = self.work_seconds if own is None else min(own, self.work_seconds)
        late = self.send_lag_seconds * self.operations / total
        parts = [late, waited / total, worked / total]
        beyond = max(1.0, sum(parts))
        late, queue, work = (part / beyond for part in parts)
        return Split(late, queue, work, idle=max(0.0, 1.0 - late - queue - work))

    @property
    def send_lag_seconds(self) -> float:
        """How late requests were sent, by their median; zero in a closed loop."""
        generator = self.summary.generator
        return (generator.send_lag_p50_seconds or 0.0) if generator is not None else 0.0

    @property
    def many_rgds(self) -> bool:
        """Whether creating RGDs is part of what the test measures."""
        return self.test.rgds >= MANY_RGDS

    @property
    def set_up_share(self) -> float:
        """Share of the set-up in the time in question."""
        if not self.many_rgds:
            return 0.0
        set_up, run = (
            self.figures[catalogue.SET_UP_SECONDS] or 0.0,
            self.figures[catalogue.RUN_SECONDS] or 0.0,
        )
        return set_up / (set_up + run) if set_up + run else 0.0


def known(value: float | None, missing: Missing) -> float:
    """Return a figure that is available.

    Raises:
        NotMeasuredError: if it is not.
    """
    if value is None:
        raise NotMeasuredError(missing)
    return value


def above(code: EvidenceCode, value: float | None, bound: float) -> list[Evidence]:
    """Return a figure as evidence that supports a cause if it is above its bound."""
    return evidence(code, value, bound, supports=(value or 0.0) > bound)


def ramp(value: float, low: float, high: float) -> float:
    """Return the place of a value between ``low``, which is 0, and ``high``, which is 1."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
