"""Replacing kro's pods while instances exist, and measuring what the new kro takes to be back.

Unlike a restart between measurements, this one does not release the Lease of the pod that ended:
the time until the new pod leads is part of what is measured.

kro counts the reconciles of each kind, and not which instances they were of. But it queues every
instance once when it starts, and its queue holds an instance once however often it is asked for.
So every instance was reconciled when as many reconciles of its kind were counted as it has
instances, and the queue is empty.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Self

from krobench.api.specs.kro import Target
from krobench.collect.exposition import Series
from krobench.collect.kro import KroCounters
from krobench.collect.source import SourceUnavailableError
from krobench.figures.environment import Replacement
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.load import InstancesNotReconciled, KroNotBack, NoLeaderElection
from krobench.figures.reasons.samples import NotExposed, PhaseTooShort
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.kropods import (
    KroNotFoundError,
    has_ended,
    is_of_pod,
    kro_leader,
    kro_pod,
    list_kro_pods,
)
from krobench.kube.timing import Timing
from krobench.load.driver import EndedEarlyError
from krobench.load.loops import RunClock
from krobench.load.operations import KindCount
from krobench.loadjob.kro.rollout import NotStartedError, elects
from krobench.loadjob.kro.variants import KroVariants

logger = logging.getLogger(__name__)

_RECONCILES = ("instance_reconcile_total", "dynamic_controller_reconcile_total")
"""The counter of reconciles in this and in older versions of kro."""
_MEMORY = Series("process_resident_memory_bytes")
_CPU = Series("process_cpu_seconds_total")
_REQUESTS = Series("rest_client_requests_total")
_DEPTH = Series("workqueue_depth", {"name": "dynamic-controller-queue"}, name="depth")
_RATE_SECONDS = 1.0
"""A peak rate is one over at least this long."""

_Reading = tuple[float, Mapping[str, float]]
"""When the counters of a process were read, and their values."""


class KroReplacement:
    """Measures one replacement of kro's pods; an async context manager.

    ``figures`` has the results by the name of the figure, after a failure those that are known by
    then; ``unavailable`` has the reason for each that is None.
    """

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        target: Target,
        timing: Timing,
        name: str,
        living: Sequence[KindCount],
    ) -> None:
        """``name`` is that of the figures, ``living`` what a new kro has to look at."""
        self._client = client
        self._clock = clock
        self._target = target
        self._timing = timing
        self._name = f"kro.{name}"
        self._living = [kind for kind in living if kind.count]
        self._series = [_MEMORY, _CPU, _REQUESTS, _DEPTH]
        for metric in _RECONCILES:
            self._series.append(Series(metric))
            self._series += [_of_kind(metric, kind) for kind in self._living]
        self._stack = AsyncExitStack()
        self._old: frozenset[str] = frozenset()
        self._new: list[JsonObject] = []
        self._elects = True
        self._changed = False
        self._leader: str | None = None
        self._counters: dict[str, KroCounters] = {}
        self._readings: dict[str, list[_Reading]] = {}
        self._silent: AnyReason | None = None
        self._started: float | None = None
        self._ready: float | None = None
        self._leads: float | None = None
        self._reconciled: float | None = None
        self._progress: tuple[float, int] = (0.0, 0)
        """When a further instance was seen reconciled, and how many were."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    @property
    def replacement(self) -> Replacement:
        """When kro was replaced, up to now; without an end if no new pod has led."""
        now = self._clock.now()
        names = frozenset(pod["metadata"]["name"] for pod in self._new)
        started = now if self._started is None else self._started
        ended = math.inf if self._leads is None else now
        return Replacement(started, ended, names, changed=self._changed)

    async def restart(self) -> None:
        """Delete kro's pods, and wait until kro has reconciled all instances again.

        Raises:
            EndedEarlyError: if no pod leads in time.
            KubeError: if the pods cannot be deleted.
        """
        pods = await self._begin()
        for pod in pods:
            name = pod["metadata"]["name"]
            await self._client.delete(paths.core("pods", self._target.namespace, name))
        await self._until_back(len(pods))

    async def upgrade(self, variants: KroVariants, name: str) -> None:
        """Change kro to an announced variant, and wait as :meth:`restart` does.

        Raises:
            AbortedError: if the change is rejected.
            EndedEarlyError: if the variant does not start, or does not lead in time.
        """
        self._changed = True
        pods = await self._begin()
        mark, rollout = await variants.begin(name), variants.rollout()

        async def check() -> None:
            try:
                await rollout.check(self._new, mark)
            except NotStartedError as error:
                raise EndedEarlyError(
                    "KroNotStarted", f"kro did not start with the image of the upgrade: {error}"
                ) from error

        await self._until_back(len(pods), check)

    async def _begin(self) -> list[JsonObject]:
        """Start the clock, and return the pods that a new kro replaces."""
        listed = await list_kro_pods(self._client, self._target)
        pods = [pod for pod in listed if not has_ended(pod)]
        self._old = frozenset(pod["metadata"]["uid"] for pod in pods)
        self._elects = any(elects(pod, self._target.container) for pod in pods)
        self._started = self._clock.now()
        return pods

    async def _until_back(
        self, wanted: int, check: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        assert self._started is not None
        while not await self._is_back(wanted):
            if check is not None:
                await check()
            away = self._clock.now() - self._started
            if self._leads is None and away > self._timing.restart_timeout:
                raise EndedEarlyError(
                    "KroNotStarted",
                    f"no new kro pod was ready and leading {away:.0f}s after the old pods were "
                    f"replaced; see kubectl describe pod in namespace {self._target.namespace}",
                )
            await asyncio.sleep(self._timing.replacement_poll)

    async def _is_back(self, wanted: int) -> bool:
        """Look at kro, and return whether there is nothing left to wait for."""
        try:
            pods = await list_kro_pods(self._client, self._target)
            holder = await kro_leader(self._client, self._target) if self._elects else None
        except (ApiError, ApiUnreachableError) as error:
            if not error.transient:
                raise
            return False
        now = self._clock.now()
        self._new = [
            pod
            for pod in pods
            if pod["metadata"]["uid"] not in self._old
            and "deletionTimestamp" not in pod["metadata"]
            and not has_ended(pod)
        ]
        ready = sum(map(_is_ready, self._new))
        if self._ready is None and ready >= wanted:
            self._ready = now
        if self._leads is None:
            self._leader = self._leader_among(holder)
            if self._leader is not None and (self._elects or self._ready is not None):
                self._leads = now
        for pod in self._new:
            await self._read(pod)
        if self._ready is None or self._leads is None:
            return False
        return self._has_reconciled_all() or self._gives_up()

    def _leader_among(self, holder: str | None) -> str | None:
        """Return the new pod that reconciles instances: the one that leads, if they elect one."""
        names = [pod["metadata"]["name"] for pod in self._new]
        if not self._elects:
            return names[0] if names else None
        return next((name for name in names if holder and is_of_pod(holder, name)), None)

    async def _read(self, pod: JsonObject) -> None:
        name = pod["metadata"]["name"]
        if not pod.get("status", {}).get("podIP") or pod["status"].get("phase") != "Running":
            return
        try:
            if name not in self._counters:
                port = self._target.pprof_port
                counters = KroCounters(self._client, kro_pod(pod, self._target), port)
                self._stack.push_async_callback(counters.close)
                self._counters[name] = counters
            values = await self._counters[name].read(self._series)
        except SourceUnavailableError as error:
            self._silent = error.reason  # it does not serve them yet, or never does
        except KroNotFoundError as error:
            logger.warning("the new pod cannot be read: %s", error)
        else:
            self._readings.setdefault(name, []).append((self._clock.now(), values))

    @property
    def _of_leader(self) -> list[_Reading]:
        return self._readings.get(self._leader or "", [])

    def _has_reconciled_all(self) -> bool:
        readings = self._of_leader
        if not readings:
            return False
        seconds, values = readings[-1]
        seen = sum(min(_reconciles_of(values, kind), kind.count) for kind in self._living)
        if seen > self._progress[1]:
            self._progress = (seconds, seen)
        if seen < self._total or values.get(_DEPTH.key, 0.0):
            return False
        self._reconciled = seconds
        return True

    @property
    def _total(self) -> int:
        return sum(kind.count for kind in self._living)

    def _gives_up(self) -> bool:
        """Whether no further reconcile was counted for long."""
        assert self._ready is not None
        assert self._leads is not None
        since = max(self._ready, self._leads, self._progress[0])
        return self._clock.now() - since > self._timing.replacement_unseen

    def results(self) -> tuple[dict[str, float | None], dict[str, AnyReason]]:
        """Return the figures by name, and for each that is None the reason."""
        figures: dict[str, float | None] = {}
        reasons: dict[str, AnyReason] = {}

        def put(quantity: str, value: float | None, reason: AnyReason | None) -> None:
            name = f"{self._name}.{quantity}"
            figures[name] = None if value is None else round(value, 6)
            if value is None:
                reasons[name] = reason or KroNotBack()

        put("readySeconds", self._since_start(self._ready), None)
        led = self._since_start(self._leads) if self._elects else None
        put("leadsSeconds", led, None if self._elects else NoLeaderElection())
        put("reconciledSeconds", self._since_start(self._reconciled), self._why_not_reconciled())
        readings = self._of_leader
        values = readings[-1][1] if readings else {}
        resident = [v[_MEMORY.key] for _, v in readings if _MEMORY.key in v]
        for quantity, value, metric in (
            ("residentMaxBytes", max(resident, default=None), _MEMORY.metric),
            ("cpuSeconds", values.get(_CPU.key), _CPU.metric),
            ("reconciles", _first_of(values, _RECONCILES), _RECONCILES[0]),
            ("requests", values.get(_REQUESTS.key), _REQUESTS.metric),
        ):
            missing = NotExposed(source="kro", metric=metric) if readings else self._silent
            put(quantity, value, missing)
        requests = [(at, v[_REQUESTS.key]) for at, v in readings if _REQUESTS.key in v]
        put("requestsMaxPerSecond", peak_rate(requests), PhaseTooShort())
        return figures, reasons

    def _since_start(self, moment: float | None) -> float | None:
        return None if moment is None or self._started is None else moment - self._started

    def _why_not_reconciled(self) -> AnyReason | None:
        if self._leads is None:
            return None
        if not self._of_leader:
            return self._silent
        return InstancesNotReconciled(reconciled=self._progress[1], total=self._total)


def peak_rate(counts: Sequence[tuple[float, float]]) -> float | None:
    """Return the fastest growth of a counter over at least a second; None if it is shorter.

    ``counts`` are moments in seconds, in order, and the counter's values then.
    """
    fastest: float | None = None
    first = 0
    for at, count in counts:
        # The last moment that is at least a second before this one.
        while first + 1 < len(counts) and at - counts[first + 1][0] >= _RATE_SECONDS:
            first += 1
        began, had = counts[first]
        if at - began >= _RATE_SECONDS:
            rate = (count - had) / (at - began)
            fastest = rate if fastest is None else max(fastest, rate)
    return fastest


def _of_kind(metric: str, kind: KindCount) -> Series:
    return Series(metric, {"gvr": kind.spellings}, name=f"{metric} of {kind.name}")


def _reconciles_of(values: Mapping[str, float], kind: KindCount) -> int:
    return int(_first_of(values, [_of_kind(metric, kind).key for metric in _RECONCILES]) or 0)


def _first_of(values: Mapping[str, float], names: Sequence[str]) -> float | None:
    return next((values[name] for name in names if name in values), None)


def _is_ready(pod: JsonObject) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
