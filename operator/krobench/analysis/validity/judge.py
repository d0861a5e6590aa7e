"""From what happened around iterations to the validity of an iteration, a test and a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from krobench.analysis.validity.krochanges import apart, causes_of_kro_around
from krobench.analysis.validity.samples import (
    api_server_restarts,
    counters_backwards,
    samples_missing,
)
from krobench.analysis.validity.steady import unsteady_iteration
from krobench.analysis.validity.surroundings import (
    api_server_busy,
    clock_jumps,
    node_busy,
    usual_requests_per_second,
)
from krobench.api.specs.validity import Cause, ValiditySettings
from krobench.figures.environment import Moment, NodeFingerprint, Replacement
from krobench.figures.rawdata import Sample, SourceName
from krobench.figures.series import Series
from krobench.findings.validity import AnyCause, Validity
from krobench.record.run import RunRecord
from krobench.record.test import IterationRecord, TestRecord

_SEVERITY = {cause: place for place, cause in enumerate(Cause)}


@dataclass(frozen=True)
class Surroundings:
    """What was seen around an iteration; times are seconds on the run's clock."""

    first: Moment | None
    """The run's first look at this kro."""
    moments: Sequence[Moment]
    """From the end of the previous iteration to the end of this one."""
    samples: Sequence[Sample]
    intervals: Mapping[SourceName, float]
    """Seconds between two samples of each source that is sampled at an interval."""
    nodes: Sequence[NodeFingerprint]
    """Of the cluster, as far as they are known."""
    started_seconds: float
    """When its set-up began."""
    ended_seconds: float
    """When its run phase ended."""
    replacements: Sequence[Replacement] = ()
    """When its phases replaced kro on purpose, which does not make it invalid."""

    @property
    def node(self) -> NodeFingerprint | None:
        """Where kro ran when the run first looked at it."""
        name = self.first.pods[0].fingerprint.node if self.first else None
        return next((node for node in self.nodes if node.name == name), None)


def causes_around(
    record: IterationRecord, seen: Surroundings, settings: ValiditySettings
) -> list[AnyCause]:
    """Return what happened around an iteration that makes its numbers doubtful."""
    window = (seen.started_seconds, seen.ended_seconds)
    replaced = seen.replacements
    of_kro = causes_of_kro_around(seen.first, seen.moments, replaced)
    causes = [*of_kro, *clock_jumps(seen.moments), *unsteady_iteration(record)]
    causes += samples_missing(seen.samples, seen.intervals, *window, replaced)
    series = Series(seen.samples)
    causes += node_busy(series, seen.node, *window, settings)
    if not seen.moments:
        return causes
    zero = seen.moments[-1].zero_epoch_seconds
    if not of_kro:  # else they follow from that
        for samples in apart(seen.samples, replaced):
            causes += counters_backwards(samples)
    causes += api_server_restarts(seen.samples, zero)
    usual = usual_requests_per_second(series, zero)
    causes += api_server_busy(record.figures, usual, settings)
    return causes


def validity_of_test(test: TestRecord, ignore: Sequence[Cause]) -> Validity:
    """Return the validity of a test: its own causes, and those of its measured iterations.

    Warm-up iterations are not summarised, so their causes do not count.
    """
    return Validity.of([cause for cause in _causes_of_test(test) if cause.reason not in ignore])


def validity_of_run(run: RunRecord, ignore: Sequence[Cause]) -> Validity:
    """Return the validity of a run: its own causes and those of its tests, most severe first."""
    causes = [cause for cause in _causes_of_run(run) if cause.reason not in ignore]
    return Validity.of(sorted(causes, key=lambda cause: _SEVERITY[cause.reason]))


def ignored_causes(run: RunRecord, ignore: Sequence[Cause]) -> list[AnyCause]:
    """Return the causes that would make the run invalid if the user had not accepted them."""
    return [cause for cause in _causes_of_run(run) if cause.reason in ignore]


def _causes_of_run(run: RunRecord) -> list[AnyCause]:
    of_tests = [
        cause.model_copy(update={"test": test.name})
        for test in run.tests
        for cause in _causes_of_test(test)
    ]
    return [*run.causes, *of_tests]


def _causes_of_test(test: TestRecord) -> list[AnyCause]:
    of_iterations = [
        cause.model_copy(update={"iteration": record.index + 1})
        for record in test.iterations
        if not record.warmup
        for cause in record.validity.causes
    ]
    return [*test.causes, *of_iterations]
