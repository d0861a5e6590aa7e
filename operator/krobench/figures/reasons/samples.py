"""Why the samples of a source do not give a figure."""

from typing import Literal

from krobench.figures.rawdata import SourceName
from krobench.figures.reasons.base import Reason


class NotSampled(Reason):
    """A source gave no sample at all."""

    code: Literal["NotSampled"] = "NotSampled"
    source: SourceName


class NotExposed(Reason):
    """A source was sampled, but it does not have the metric."""

    code: Literal["NotExposed"] = "NotExposed"
    source: SourceName
    metric: str
    process: SourceName | None = None
    """Whose container it would be of, if the kubelet reports several."""


class NoSampleAtBorder(Reason):
    """No sample just before the phase, or none just after it."""

    code: Literal["NoSampleAtBorder"] = "NoSampleAtBorder"
    source: SourceName


class WentBackwards(Reason):
    """A counter fell, so that its process was restarted."""

    code: Literal["WentBackwards"] = "WentBackwards"
    source: SourceName
    metric: str


class TooFewMeasurements(Reason):
    """A source that measures on its own schedule did so less than twice in the run phase."""

    code: Literal["TooFewMeasurements"] = "TooFewMeasurements"
    source: SourceName


class DidNotGrow(Reason):
    """The counter that would divide another one stayed the same."""

    code: Literal["DidNotGrow"] = "DidNotGrow"
    source: SourceName
    metric: str


class HistogramEmpty(Reason):
    """A histogram counted nothing in the phase, so that it has no mean."""

    code: Literal["HistogramEmpty"] = "HistogramEmpty"
    metric: str


class ProcessRestarted(Reason):
    """Another process answered at the end of the phase than at its beginning."""

    code: Literal["ProcessRestarted"] = "ProcessRestarted"
    process: SourceName


class PhaseTookNoTime(Reason):
    """The phase ended when it began."""

    code: Literal["PhaseTookNoTime"] = "PhaseTookNoTime"


class PhaseTooShort(Reason):
    """The phase was shorter than the interval of the samples."""

    code: Literal["PhaseTooShort"] = "PhaseTooShort"


class TooFewSamples(Reason):
    """A percentile needs more samples."""

    code: Literal["TooFewSamples"] = "TooFewSamples"
    needed: int


class NoGarbageCollected(Reason):
    """kro's live heap is measured by a garbage collection, and there was none in the set-up."""

    code: Literal["NoGarbageCollected"] = "NoGarbageCollected"


class WorkNotByKind(Reason):
    """This kro does not expose the time of its instance workers by kind."""

    code: Literal["WorkNotByKind"] = "WorkNotByKind"


class SharedNetwork(Reason):
    """The process shares its node's network, so that its own traffic is unknown."""

    code: Literal["SharedNetwork"] = "SharedNetwork"


SamplesReason = (
    NotSampled
    | NotExposed
    | NoSampleAtBorder
    | WentBackwards
    | TooFewMeasurements
    | DidNotGrow
    | HistogramEmpty
    | ProcessRestarted
    | PhaseTookNoTime
    | PhaseTooShort
    | TooFewSamples
    | NoGarbageCollected
    | WorkNotByKind
    | SharedNetwork
)
