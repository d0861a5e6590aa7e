"""kro itself during a run: restarted, OOM-killed, led by another process, reconfigured."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from krobench.api.specs.validity import Cause
from krobench.figures.environment import KroFingerprint, Moment, Replacement
from krobench.figures.summaries import KroRestart
from krobench.findings.validity import (
    AnyCause,
    ContainerRestarted,
    KroReconfigured,
    LeaderChanged,
    PodReplaced,
    SettingChange,
)

_OOM = "OOMKilled"
# These differ between two pods of the same Deployment, so they are not part of kro's configuration.
_OF_THE_POD = frozenset({"namespace", "pod", "node", "restarts", "replicas"})


def causes_of_kro(first: Moment | None, moments: Sequence[Moment]) -> list[AnyCause]:
    """Return what happened to kro between these moments; ``first`` has its original settings."""
    restarts = _restarts(moments)
    reconfigured = _reconfigured(first, moments, replaced=bool(restarts))
    return [*reconfigured, *restarts, *_leader_changes(moments, restarted=bool(restarts))]


def causes_of_kro_around(
    first: Moment | None, moments: Sequence[Moment], replacements: Sequence[Replacement]
) -> list[AnyCause]:
    """Return what happened to kro, apart from the times in which a phase replaced it."""
    causes: list[AnyCause] = []
    pieces = apart(moments, replacements)
    for piece, before in zip(pieces, [None, *replacements], strict=True):
        if before is not None and before.changed:
            first = next((moment for moment in piece if moment.pods), None)
        causes += causes_of_kro(first, piece)
    return causes


class _Timed(Protocol):
    @property
    def seconds(self) -> float: ...


TimedT = TypeVar("TimedT", bound=_Timed)


def apart(items: Sequence[TimedT], replacements: Sequence[Replacement]) -> list[list[TimedT]]:
    """Return what lies before, between and after the times in which kro was replaced."""
    pieces: list[list[TimedT]] = []
    began = -math.inf
    for each in replacements:
        pieces.append([item for item in items if began < item.seconds < each.started_seconds])
        began = each.ended_seconds
    return [*pieces, [item for item in items if item.seconds > began]]


def unexpected(
    restarts: Sequence[KroRestart], replacements: Sequence[Replacement]
) -> list[KroRestart]:
    """Return the restarts that no phase of the test is the reason for."""
    made = {pod for each in replacements for pod in each.pods}
    # A pod that was made by a phase and then restarts has no other pod before it.
    return [each for each in restarts if each.previous_pod is None or each.pod not in made]


def _restarts(moments: Sequence[Moment]) -> list[AnyCause]:
    causes: list[AnyCause] = []
    for before, after in pairwise(moments):
        now = {pod.uid: pod for pod in after.pods}
        known = {pod.uid for pod in before.pods}
        for pod in before.pods:
            later = now.get(pod.uid)
            if later is None:
                new = [other.name for other in after.pods if other.uid not in known]
                causes.append(PodReplaced(pod=pod.name, at_seconds=after.seconds, successors=new))
            elif later.restarts > pod.restarts:
                killed = (later.last_end or "").startswith(_OOM)
                causes.append(
                    ContainerRestarted(
                        reason=Cause.KRO_OOM_KILLED if killed else Cause.KRO_RESTARTED,
                        pod=pod.name,
                        last_end=later.last_end,
                        at_seconds=after.seconds,
                        restarts_before=pod.restarts,
                        restarts_after=later.restarts,
                        memory_limit=pod.fingerprint.limits.get("memory"),
                    )
                )
    return causes


def _leader_changes(moments: Sequence[Moment], *, restarted: bool) -> list[AnyCause]:
    """Return the changes of the leader, except those that merely follow from a restart.

    After a restart, the new process leads: the restart says as much. A replica that existed before
    and takes over is a cause of its own, because it has other caches and counters.
    """
    causes: list[AnyCause] = []
    for before, after in pairwise([moment for moment in moments if moment.leader is not None]):
        old, new = before.leader or "", after.leader or ""
        # A leader is a pod's name and a random part.
        names = [f"{pod.name}_" for pod in before.pods]
        was_beside = any(new.startswith(name) and not old.startswith(name) for name in names)
        if old != new and (not restarted or was_beside):
            causes.append(
                LeaderChanged(before=before.leader, after=after.leader, at_seconds=after.seconds)
            )
    return causes


def _reconfigured(
    first: Moment | None, moments: Sequence[Moment], *, replaced: bool
) -> list[AnyCause]:
    if first is None:
        return []
    then = first.pods[0].fingerprint
    for moment in moments:
        changes = next(filter(None, (_changes(then, pod.fingerprint) for pod in moment.pods)), [])
        # A rollout adds a pod for a while, so its number of pods is not the replicas wanted.
        if not changes and not replaced and len(moment.pods) != len(first.pods):
            changes = [_change("replicas", len(first.pods), len(moment.pods))]
        if changes:
            return [KroReconfigured(at_seconds=moment.seconds, changes=changes)]
    return []


def _changes(then: KroFingerprint, now: KroFingerprint) -> list[SettingChange]:
    changes = []
    for name in KroFingerprint.model_fields:
        old, new = getattr(then, name), getattr(now, name)
        # A pod that has not been started has no image yet.
        if name in _OF_THE_POD or old == new or (name == "image_id" and not (old and new)):
            continue
        changes.append(_change(name, old, new))
    return changes


def _change(name: str, old: Any, new: Any) -> SettingChange:
    """Return what differs: of lists and mappings only the entries that are not in both."""
    if isinstance(old, dict) and isinstance(new, dict):
        old = [f"{key}={value}" for key, value in old.items()]
        new = [f"{key}={value}" for key, value in new.items()]
    if isinstance(old, list) and isinstance(new, list):
        return SettingChange(
            name=name,
            before=[entry for entry in old if entry not in new],
            after=[entry for entry in new if entry not in old],
        )
    return SettingChange(
        name=name,
        before=[] if old is None else [str(old)],
        after=[] if new is None else [str(new)],
    )
