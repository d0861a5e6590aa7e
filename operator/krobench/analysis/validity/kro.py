"""kro itself in mid-run: restarted, killed for want of memory, led by another, set up anew."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause
from krobench.figures.environment import KroFingerprint
from krobench.figures.surroundings import KroPodState, Moment

_OOM = "OOMKilled"
# What differs between two pods of the same Deployment says nothing of how kro is set up.
_OF_THE_POD = frozenset({"namespace", "pod", "node", "restarts", "replicas"})


def causes_of_kro(first: Moment | None, moments: Sequence[Moment]) -> list[ErrorInfo]:
    """Return what happened to kro between these moments, the settings compared with ``first``."""
    restarts = _restarts(moments)
    reconfigured = _reconfigured(first, moments, replaced=bool(restarts))
    return [*reconfigured, *restarts, *_leader_changes(moments, restarted=bool(restarts))]


def _restarts(moments: Sequence[Moment]) -> list[ErrorInfo]:
    causes = []
    for before, after in pairwise(moments):
        now = {pod.uid: pod for pod in after.pods}
        for pod in before.pods:
            later = now.get(pod.uid)
            if later is None:
                causes.append(_replaced(pod, before, after))
            elif later.restarts > pod.restarts:
                causes.append(_restarted(pod, later, after))
    return causes


def _restarted(pod: KroPodState, later: KroPodState, after: Moment) -> ErrorInfo:
    end = later.last_end or "no reason given"
    text = (
        f"kro's container in pod {pod.name} ended ({end}) and was started again by "
        f"{after.seconds:.1f}s of the run: restarts went from {pod.restarts} to {later.restarts}"
    )
    if not end.startswith(_OOM):
        return Cause.KRO_RESTARTED.of(text)
    limit = pod.fingerprint.limits.get("memory", "none set")
    return Cause.KRO_OOM_KILLED.of(f"{text}; its memory limit is {limit}")


def _replaced(pod: KroPodState, before: Moment, after: Moment) -> ErrorInfo:
    known = {other.uid for other in before.pods}
    new = [other.name for other in after.pods if other.uid not in known]
    successor = f", {', '.join(new)} took its place" if new else ", and none had taken its place"
    return Cause.KRO_RESTARTED.of(
        f"kro's pod {pod.name} was gone at {after.seconds:.1f}s of the run{successor}"
    )


def _leader_changes(moments: Sequence[Moment], *, restarted: bool) -> list[ErrorInfo]:
    """Return the changes of the leader that do not merely follow from a restart.

    That one which has just started leads says nothing more; that a replica took over which was
    there before does: its caches and counters are its own.
    """
    led = [moment for moment in moments if moment.leader is not None]
    return [
        Cause.KRO_LEADER_CHANGED.of(
            f"kro's lease went from {before.leader} to {after.leader} by {after.seconds:.1f}s "
            "of the run: another process was measured than before"
        )
        for before, after in pairwise(led)
        if before.leader != after.leader
        and (not restarted or _was_beside(before, after.leader or ""))
    ]


def _was_beside(before: Moment, leader: str) -> bool:
    """Whether this leader, a pod's name and a random part, is a pod that did not lead before."""
    return any(
        leader.startswith(f"{pod.name}_") and not (before.leader or "").startswith(f"{pod.name}_")
        for pod in before.pods
    )


def _reconfigured(
    first: Moment | None, moments: Sequence[Moment], *, replaced: bool
) -> list[ErrorInfo]:
    if first is None:
        return []
    then = first.pods[0].fingerprint
    for moment in moments:
        changes = next(filter(None, (_changes(then, pod.fingerprint) for pod in moment.pods)), [])
        # A rollout has a pod more for a while, which says nothing of the replicas wanted.
        if not changes and not replaced and len(moment.pods) != len(first.pods):
            changes = [f"replicas: {len(first.pods)} → {len(moment.pods)}"]
        if changes:
            return [
                Cause.KRO_RECONFIGURED.of(
                    f"kro was set up otherwise at {moment.seconds:.1f}s of the run than "
                    f"when it began: {'; '.join(changes)}"
                )
            ]
    return []


def _changes(then: KroFingerprint, now: KroFingerprint) -> list[str]:
    changes = []
    for name in KroFingerprint.model_fields:
        old, new = getattr(then, name), getattr(now, name)
        # A pod that has not been started has no image yet.
        if name in _OF_THE_POD or old == new or (name == "image_id" and not (old and new)):
            continue
        changes.append(f"{name}: {_difference(old, new)}")
    return changes


def _difference(old: Any, new: Any) -> str:
    """Write what differs: of lists and mappings only the entries that are not in both."""
    if isinstance(old, dict) and isinstance(new, dict):
        old = [f"{key}={value}" for key, value in old.items()]
        new = [f"{key}={value}" for key, value in new.items()]
    if isinstance(old, list) and isinstance(new, list):
        gone = " ".join(entry for entry in old if entry not in new) or "nothing"
        come = " ".join(entry for entry in new if entry not in old) or "nothing"
        return f"{gone} → {come}"
    return f"{old} → {new}"
