"""Moments of a run as the tests of its validity need them."""

from typing import Any

from krobench.figures.environment import KroFingerprint, KroPodState, Moment


def pod(
    uid: str = "1", restarts: int = 0, last_end: str | None = None, **settings: Any
) -> KroPodState:
    """Return a pod of kro; ``settings`` are those of its fingerprint."""
    fingerprint = {"limits": {"memory": "256Mi"}, "args": ["--a=1"]} | settings
    return KroPodState(
        uid=uid,
        name=f"kro-{uid}",
        restarts=restarts,
        last_end=last_end,
        fingerprint=KroFingerprint(namespace="kro-system", pod=f"kro-{uid}", **fingerprint),
    )


def moment(
    seconds: float, *pods: KroPodState, leader: str | None = "kro-1_x", wall: float = 1e9
) -> Moment:
    """Return a moment; ``wall`` is when the run began by the wall clock."""
    return Moment(seconds, wall, pods or (pod(),), leader)
