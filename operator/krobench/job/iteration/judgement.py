"""From an iteration and all that was seen around it to whether it may be believed."""

from collections.abc import Mapping, Sequence

from krobench.analysis.validity.iteration import Evidence, causes_around
from krobench.api.specs.validity import ValiditySettings
from krobench.collect.sampler import Collected
from krobench.figures.environment import NodeFingerprint
from krobench.findings.validity import Validity
from krobench.job.observers.watchman import Watched
from krobench.load.iteration import Outcome
from krobench.record.iteration import IterationRecord
from krobench.record.lines import SourceName


def judge(
    record: IterationRecord,
    outcome: Outcome,
    watched: Watched,
    collected: Collected,
    intervals: Mapping[SourceName, float],
    nodes: Sequence[NodeFingerprint],
    settings: ValiditySettings,
) -> Validity:
    """Return the validity of an iteration, whose own causes its record has already."""
    assert outcome.ended_seconds is not None
    evidence = Evidence(
        first=watched.first,
        moments=watched.moments,
        samples=collected.samples,
        intervals=intervals,
        nodes=nodes,
        started_seconds=outcome.started_seconds,
        ended_seconds=outcome.run_ended_seconds or outcome.ended_seconds,
    )
    return Validity.of(record.validity.causes + causes_around(record, evidence, settings))
