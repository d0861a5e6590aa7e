"""Thresholds that the number of samples does not allow to decide."""

from krobench.analysis.statistics.percentiles import NEEDED_BY_STATISTIC
from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause
from krobench.figures.measures import LatencySummary
from krobench.record.test import TestRecord


def too_few_samples(test: TestRecord) -> list[ErrorInfo]:
    """Return which thresholds use a percentile that so few observations do not have.

    Such a threshold is neither met nor missed. Of objects that never became ready there is an
    observation too, so that a percentile which falls among them is kro's fault, and not counted.
    """
    names = dict.fromkeys(
        name
        for result in test.thresholds
        if result.passed is None
        for name, value in result.values.items()
        if value is None
    )
    causes = []
    for name in names:
        group, _, statistic = name.removeprefix("latency.").partition(".")
        needed, count = NEEDED_BY_STATISTIC.get(statistic, 0), _observations(test, group)
        if name.startswith("latency.") and count is not None and count < needed:
            causes.append(
                Cause.TOO_FEW_SAMPLES.of(
                    f"a threshold uses {name}, which needs {needed} observations, and there are "
                    f"{count}: raise workload.instances or iterations"
                )
            )
    return causes


def _observations(test: TestRecord, group: str) -> int | None:
    if test.summary is None:
        return None
    by_name = {
        field.alias or name: getattr(test.summary.latency, name)
        for name, field in type(test.summary.latency).model_fields.items()
    }
    found = by_name.get(group)
    return found.n + found.censored if isinstance(found, LatencySummary) else None
