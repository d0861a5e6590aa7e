"""What a scale test found, from its steps and their tests."""

from collections.abc import Sequence

from krobench.analysis.scaling.limit import find_limit
from krobench.model.record import TestRecord
from krobench.model.scaletest import KroScaleTestSpec
from krobench.model.scaling import Limit, ScaleRecord


def limit_so_far(spec: KroScaleTestSpec, scale: ScaleRecord) -> Limit:
    """Return the limit as far as the steps tell, during the test or at its end."""
    return find_limit(scale.steps, spec.slo, spec.axis, scale.stopped)


def with_findings(
    spec: KroScaleTestSpec,
    scale: ScaleRecord,
    tests: Sequence[TestRecord],  # noqa: ARG001 - curves are made of them
) -> ScaleRecord:
    """Return the record of a test that has ended with its limit."""
    return scale.model_copy(update={"limit": limit_so_far(spec, scale)})
