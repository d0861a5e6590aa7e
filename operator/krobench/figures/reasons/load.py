"""Why a figure of the load itself is missing."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from krobench.figures.reasons.base import QuotedReason, Reason, quoted


class RunPhaseNotReached(Reason):
    """The iteration ended in its set-up."""

    code: Literal["RunPhaseNotReached"] = "RunPhaseNotReached"


class NoInstanceReady(Reason):
    """A total cannot be divided by no instances."""

    code: Literal["NoInstanceReady"] = "NoInstanceReady"


class InstancesNotReady(Reason):
    """Some instances did not become ready, and what they took is part of the total."""

    code: Literal["InstancesNotReady"] = "InstancesNotReady"
    missing: int
    total: int


class TooFewReady(Reason):
    """A rate needs at least two instances that became ready."""

    code: Literal["TooFewReady"] = "TooFewReady"


class NoRgdReady(Reason):
    """A total cannot be divided by no RGDs."""

    code: Literal["NoRgdReady"] = "NoRgdReady"


class RgdsExistedBefore(Reason):
    """The iteration used RGDs that were there before it, so it did not time their creation."""

    code: Literal["RgdsExistedBefore"] = "RgdsExistedBefore"


class NothingObserved(Reason):
    """No operation has this latency."""

    code: Literal["NothingObserved"] = "NothingObserved"


class TooFewObservations(Reason):
    """A percentile needs more operations."""

    code: Literal["TooFewObservations"] = "TooFewObservations"
    needed: int
    had: int


class TimedOut(Reason):
    """The statistic is that of an operation that did not end in time."""

    code: Literal["TimedOut"] = "TimedOut"
    censored: int
    total: int


class ProbesMissing(Reason):
    """Some events of the probe that measures the lag of a watch did not arrive."""

    code: Literal["ProbesMissing"] = "ProbesMissing"
    seen: int
    missing: int


class TooFewProbes(Reason):
    """A percentile of the lag of a watch needs more probes."""

    code: Literal["TooFewProbes"] = "TooFewProbes"
    needed: int
    seen: int
    missing: int


class ProbeFailed(Reason):
    """The probe that measures the lag of a watch stopped."""

    code: Literal["ProbeFailed"] = "ProbeFailed"
    detail: str


class NoPeakMemory(Reason):
    """The kernel does not report the peak memory of a process."""

    code: Literal["NoPeakMemory"] = "NoPeakMemory"


class NoWatchEvents(Reason):
    """The load Job read no events."""

    code: Literal["NoWatchEvents"] = "NoWatchEvents"


class TooFewShards(Reason):
    """Fewer than two pods began to send the load."""

    code: Literal["TooFewShards"] = "TooFewShards"


class NoLeaderElection(Reason):
    """kro does not elect a leader, so it never waits until it leads."""

    code: Literal["NoLeaderElection"] = "NoLeaderElection"


class KroNotBack(Reason):
    """The phase that replaced kro ended before kro was back."""

    code: Literal["KroNotBack"] = "KroNotBack"


class InstancesNotReconciled(Reason):
    """The new kro did not count a reconcile for each instance."""

    code: Literal["InstancesNotReconciled"] = "InstancesNotReconciled"
    reconciled: int
    total: int


class NoChildren(Reason):
    """The RGD creates no children."""

    code: Literal["NoChildren"] = "NoChildren"


class ChildrenNotServed(Reason):
    """The API server has no such kind of children."""

    code: Literal["ChildrenNotServed"] = "ChildrenNotServed"
    kind: str


class ChildrenForbidden(Reason):
    """The load Job must not watch children of a kind."""

    code: Literal["ChildrenForbidden"] = "ChildrenForbidden"
    kind: str
    detail: str


class RevisionsNotServed(Reason):
    """This kro has no GraphRevisions."""

    code: Literal["RevisionsNotServed"] = "RevisionsNotServed"


class RevisionsForbidden(Reason):
    """The load Job must not watch or list GraphRevisions."""

    code: Literal["RevisionsForbidden"] = "RevisionsForbidden"
    group: str
    """API group of the GraphRevisions."""
    detail: str


class ObjectsNotListed(Reason):
    """The API server did not list what is left of a run."""

    code: Literal["ObjectsNotListed"] = "ObjectsNotListed"
    detail: str


AnyOrphansReason = Annotated[
    Annotated[ObjectsNotListed | QuotedReason, Field(discriminator="code")],
    BeforeValidator(quoted),
]
"""Why what is left of a run could not be counted."""
RevisionsUnknown = RevisionsNotServed | RevisionsForbidden
"""Why compilations cannot be timed or counted."""
LoadReason = (
    RunPhaseNotReached
    | NoInstanceReady
    | InstancesNotReady
    | TooFewReady
    | NoRgdReady
    | RgdsExistedBefore
    | NothingObserved
    | TooFewObservations
    | TimedOut
    | ProbesMissing
    | TooFewProbes
    | ProbeFailed
    | NoPeakMemory
    | NoWatchEvents
    | TooFewShards
    | NoLeaderElection
    | KroNotBack
    | InstancesNotReconciled
    | NoChildren
    | ChildrenNotServed
    | ChildrenForbidden
    | RevisionsUnknown
)
