"""All that may speak against one iteration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from krobench.analysis.usage.windows import Series
from krobench.analysis.validity.clock import clock_jumps
from krobench.analysis.validity.kro import causes_of_kro
from krobench.analysis.validity.neighbours import (
    api_server_busy,
    node_busy,
    usual_requests_per_second,
)
from krobench.analysis.validity.samples import (
    api_server_restarts,
    counters_backwards,
    samples_missing,
)
from krobench.analysis.validity.steady import unsteady_iteration
from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import ValiditySettings
from krobench.figures.environment import NodeFingerprint
from krobench.figures.surroundings import Moment
from krobench.record.iteration import IterationRecord
from krobench.record.lines import Sample, SourceName


@dataclass(frozen=True)
class Evidence:
    """What was seen around an iteration; times are seconds on the run's clock."""

    first: Moment | None
    """The run's first look at this kro."""
    moments: Sequence[Moment]
    """Those from the end of the turn before until the end of this iteration."""
    samples: Sequence[Sample]
    intervals: Mapping[SourceName, float]
    """Seconds between two samples of each source that keeps its time."""
    nodes: Sequence[NodeFingerprint]
    """Of the cluster, as far as they are known."""
    started_seconds: float
    """When its set-up began."""
    ended_seconds: float
    """When its run phase ended."""

    @property
    def node(self) -> NodeFingerprint | None:
        """Where kro ran when it was first looked at."""
        name = self.first.pods[0].fingerprint.node if self.first else None
        return next((node for node in self.nodes if node.name == name), None)


def causes_around(
    record: IterationRecord, evidence: Evidence, settings: ValiditySettings
) -> list[ErrorInfo]:
    """Return what happened around an iteration that speaks against its numbers."""
    window = (evidence.started_seconds, evidence.ended_seconds)
    of_kro = causes_of_kro(evidence.first, evidence.moments)
    causes = [*of_kro, *clock_jumps(evidence.moments), *unsteady_iteration(record)]
    causes += samples_missing(evidence.samples, evidence.intervals, *window)
    series = Series(evidence.samples)
    causes += node_busy(series, evidence.node, *window, settings)
    if not evidence.moments:
        return causes
    zero = evidence.moments[-1].zero_epoch_seconds
    if not of_kro:  # else they follow from that
        causes += counters_backwards(evidence.samples)
    causes += api_server_restarts(evidence.samples, zero)
    usual = usual_requests_per_second(series, zero)
    causes += api_server_busy(record.api_requests, record.run_seconds, usual, settings)
    return causes
