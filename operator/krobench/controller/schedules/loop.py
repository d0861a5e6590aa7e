"""Looks at schedules, and carries out what is decided for them.

A schedule is looked at when it, one of its runs or its kro changes, and when the next run is due. A
look costs no request.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from krobench.api.common import API_GROUP, API_VERSION, GROUP_VERSION, ErrorInfo, rfc3339
from krobench.api.kinds import RunKind, RunRef, ScheduleRef
from krobench.api.specs.kro import Target
from krobench.api.status import KroBenchmarkScheduleStatus
from krobench.controller.events import emit
from krobench.controller.runs import TIME_ANNOTATION, TRIGGER_ANNOTATION, RunCache
from krobench.controller.schedules.agenda import Agenda
from krobench.controller.schedules.cache import KroDeployments, ScheduleCache
from krobench.controller.schedules.decide import (
    CreateRun,
    DeleteRun,
    PatchSchedule,
    ScheduleAction,
    decide,
    next_look,
)
from krobench.controller.schedules.state import (
    KroSeen,
    ObservedSchedule,
    Schedule,
    ScheduleSpec,
)
from krobench.controller.settings import Settings
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.report.events import RunEvent
from krobench.report.scheduled import of_template

logger = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=5)
_MAX_PAUSE = timedelta(minutes=5)
_MOST_STEPS = 5
"""Decisions on a schedule in one look: each but the last has written something."""

Clock = Callable[[], datetime]
TakeRun = Callable[[RunKind, JsonObject], None]


class _Refused(Exception):  # noqa: N818 - it is no error of ours
    def __init__(self, info: ErrorInfo, by: RunRef | None = None) -> None:
        """``by`` is the run that has the name."""
        super().__init__(info.message)
        self.info = info
        self.by = by


@dataclass(frozen=True)
class _Refusal:
    """Why a run was not created, when, and for how long no other attempt is made."""

    info: ErrorInfo
    since: datetime
    pause: timedelta
    by: RunRef | None
    """The run that has its name: once that is gone, the next attempt is made at once."""

    @property
    def until(self) -> datetime:
        return self.since + self.pause

    def holds(self, now: datetime) -> bool:
        return self.since <= now < self.until


class Scheduler:
    """Creates and deletes the runs of all schedules."""

    def __init__(
        self,
        client: KubeClient,
        runs: RunCache,
        take_run: TakeRun,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """``take_run`` is called with each run that is created."""
        self._client = client
        self._runs = runs
        self._take_run = take_run
        self._clock = clock
        self._wake = asyncio.Event()
        self._agenda = Agenda()
        self.schedules = ScheduleCache(
            client,
            settings.load_max_objects,
            settings.limits,
            settings.watch_namespaces,
            changed=self._schedule_changed,
        )
        self._targets: dict[str, Target] = {}
        """By UID: the kro whose changes start runs of a schedule."""
        self.kros = KroDeployments(client, self._kro_changed)
        runs.tell(self._note, self._run_gone)
        self._refusals: dict[str, _Refusal] = {}
        """By UID: why the run that is due was not created."""

    def take(self, item: JsonObject) -> None:
        """Take news of a schedule from a watch."""
        self.schedules.put(item)

    def drop(self, item: JsonObject) -> None:
        """Take from a watch that a schedule is gone; its runs go with it."""
        self.schedules.remove(item["metadata"]["uid"])

    def _note(self, uid: str) -> None:
        self._agenda.note(uid)
        self._wake.set()

    def _run_gone(self, run: RunRef) -> None:
        for uid, refusal in list(self._refusals.items()):
            if refusal.by == run:
                del self._refusals[uid]
                self._note(uid)

    def _schedule_changed(self, uid: str) -> None:
        schedule = self.schedules.get(uid)
        target = _watched(schedule) if schedule is not None else None
        if target is not None:
            self._targets[uid] = target
        else:
            self._targets.pop(uid, None)
        if schedule is None:
            self._agenda.drop(uid)
            self._refusals.pop(uid, None)
        else:
            self._note(uid)

    def _kro_changed(self, namespace: str) -> None:
        for uid, target in self._targets.items():
            if target.namespace == namespace:
                self._note(uid)

    async def run(self, look_seconds: float, may_act: Callable[[], bool]) -> None:
        """Look until cancelled; as soon as ``may_act`` is false, change nothing any more."""
        try:
            while True:
                self._wake.clear()
                await self.look(may_act)
                # Python 3.11's wait_for loses a cancellation that comes together with the event.
                with suppress(TimeoutError):
                    async with asyncio.timeout(look_seconds):
                        await self._wake.wait()
        finally:
            self.kros.close()

    async def look(self, may_act: Callable[[], bool]) -> None:
        """Look at all schedules that are due."""
        self.kros.watch({target.namespace for target in self._targets.values()})
        for uid in self._agenda.due(self._clock()):
            try:
                await self._reconcile(uid, may_act)
            except KubeError as error:
                logger.warning("cannot act on %s: %s", self._named(uid), error)
            except Exception:
                # A bug in the handling of one schedule must not stop the others.
                logger.exception("cannot act on %s", self._named(uid))

    def _named(self, uid: str) -> ScheduleRef | str:
        schedule = self.schedules.get(uid)
        return schedule.ref if schedule is not None else f"schedule {uid}"

    async def _reconcile(self, uid: str, may_act: Callable[[], bool]) -> None:
        for _ in range(_MOST_STEPS):
            schedule = self.schedules.get(uid)
            if schedule is None:
                self._agenda.drop(uid)
                return
            seen = self._observe(schedule)
            actions = decide(seen)
            if not actions:
                self._agenda.plan(uid, self._next_look(seen))
                return
            try:
                for action in actions:
                    if not may_act():
                        return
                    await self._apply(schedule, action)
            except _Refused as refused:
                self._note_refusal(uid, refused)
                continue
            if any(isinstance(action, CreateRun) for action in actions):
                self._refusals.pop(uid, None)

    def _next_look(self, seen: ObservedSchedule) -> datetime | None:
        times = [next_look(seen)]
        if seen.refused is not None:
            times.append(self._refusals[seen.schedule.ref.uid].until)
        return min((time for time in times if time is not None), default=None)

    def _observe(self, schedule: Schedule) -> ObservedSchedule:
        target, now = _watched(schedule), self._clock()
        refusal = self._refusals.get(schedule.ref.uid)
        return ObservedSchedule(
            schedule=schedule,
            now=now,
            runs=self._runs.of_schedule(schedule.ref.uid),
            kro=self.kros.seen(target) if target is not None else KroSeen(),
            refused=refusal.info if refusal is not None and refusal.holds(now) else None,
        )

    def _note_refusal(self, uid: str, refused: _Refused) -> None:
        before = self._refusals.get(uid)
        pause = min(2 * before.pause, _MAX_PAUSE) if before is not None else _FIRST_PAUSE
        self._refusals[uid] = _Refusal(refused.info, self._clock(), pause, refused.by)

    async def _apply(self, schedule: Schedule, action: ScheduleAction) -> None:
        """Carry out an action.

        Raises:
            _Refused: if a run cannot be created.
            KubeError: if it may be possible later.
        """
        match action:
            case CreateRun():
                await self._create(schedule, action)
            case DeleteRun():
                await self._client.delete(paths.run(action.run))
            case PatchSchedule():
                await self._patch_status(schedule, action.status)
            case RunEvent():
                logger.info("%s: %s: %s", schedule.ref, action.reason, action.message)
                await emit(self._client, schedule.ref, action)

    async def _create(self, schedule: Schedule, action: CreateRun) -> None:
        assert schedule.spec is not None
        kind = schedule.spec.template.kind
        ref = RunRef(kind, schedule.ref.namespace, action.name)
        collection = paths.group(API_GROUP, API_VERSION, kind.plural, ref.namespace)
        manifest = manifest_of(schedule, schedule.spec, action)
        try:
            item = await self._client.create(collection, manifest)
        except ApiError as error:
            if error.transient:
                raise
            if not error.already_exists:
                raise _Refused(_why_refused(schedule, error)) from error
            item = await self._client.get(paths.run(ref))
            owners = item["metadata"].get("ownerReferences") or []
            if schedule.ref.uid not in {owner["uid"] for owner in owners}:
                message = (
                    f"{ref} already exists and does not belong to this schedule: delete it or "
                    "rename the schedule"
                )
                taken = ErrorInfo(reason="NameTaken", message=message)
                raise _Refused(taken, RunRef.of(kind, item["metadata"])) from error
        self._take_run(kind, item)

    async def _patch_status(self, schedule: Schedule, status: KroBenchmarkScheduleStatus) -> None:
        patch = {
            "metadata": {"resourceVersion": schedule.version},
            "status": _merge_patch(_plain(schedule.status), _plain(status)),
        }
        try:
            answer = await self._client.patch(paths.schedule(schedule.ref, "status"), patch)
        except ApiError as error:
            if error.not_found:
                self.schedules.remove(schedule.ref.uid)
            elif error.conflict:
                await self.schedules.reread(schedule.ref)
            raise
        self.schedules.put(answer)


def _plain(status: KroBenchmarkScheduleStatus) -> dict[str, Any]:
    return status.model_dump(by_alias=True, mode="json", exclude_none=True)


def _merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch that makes one object of another."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        before = old.get(name)
        nested = isinstance(value, dict) and isinstance(before, dict)
        patch[name] = _merge_patch(before or {}, value) if nested else value
    return patch


def manifest_of(schedule: Schedule, spec: ScheduleSpec, action: CreateRun) -> Mapping[str, Any]:
    """Return a run as it is created. It has only the template's labels: those of the schedule may
    be a GitOps tool's, which would adopt or delete it."""
    template = spec.template
    ours = {TRIGGER_ANNOTATION: action.trigger.value, TIME_ANNOTATION: rfc3339(action.time)}
    metadata: dict[str, Any] = {
        "name": action.name,
        "namespace": schedule.ref.namespace,
        "annotations": {**template.annotations, **ours},
        "ownerReferences": [schedule.ref.owner_reference],
    }
    if template.labels:
        metadata["labels"] = dict(template.labels)
    return {
        "apiVersion": GROUP_VERSION,
        "kind": template.kind.value,
        "metadata": metadata,
        "spec": template.spec,
    }


def _watched(schedule: Schedule) -> Target | None:
    """Return the kro whose changes start runs of a schedule."""
    if schedule.spec is None or schedule.spec.fields.on_kro_change is None or schedule.deleting:
        return None
    return schedule.spec.fields.template.spec.target


def _why_refused(schedule: Schedule, error: ApiError) -> ErrorInfo:
    if "being terminated" in error.message:
        message = f"namespace {schedule.ref.namespace} is being deleted: no run can start in it"
        return ErrorInfo(reason="NamespaceTerminating", message=message)
    assert schedule.spec is not None
    why = of_template(error.message, schedule.spec.template.kind)
    message = f"the run that is due cannot be created: {why}"
    return ErrorInfo(reason="RunRefused", message=message)
