"""What a scale test found, from its steps and their tests."""

from collections.abc import Sequence

from krobench.analysis.scaling.curves import measure_curves
from krobench.analysis.scaling.limit import find_limit
from krobench.analysis.scaling.nexttry import next_to_try
from krobench.analysis.scaling.prediction import predict
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.findings.scaling import Limit, ScaleRecord
from krobench.record.test import TestRecord


def limit_so_far(spec: KroScaleTestSpec, scale: ScaleRecord) -> Limit:
    """Return the limit as far as the steps tell, during the test or at its end."""
    return find_limit(scale.steps, spec.slo, spec.axis, scale.stopped)


def with_findings(
    spec: KroScaleTestSpec, scale: ScaleRecord, tests: Sequence[TestRecord]
) -> ScaleRecord:
    """Return the record of a test that has ended, with limit, curves and predictions.

    It takes some seconds where there are many steps.
    """
    limit = limit_so_far(spec, scale)
    predictions = predict(scale.steps, spec.slo, spec.axis, limit)
    return scale.model_copy(
        update={
            "limit": limit,
            "curves": measure_curves(spec.axis, scale.steps, tests, spec.slo),
            "predictions": predictions,
            "next_to_try": next_to_try(spec, scale, limit, predictions),
        }
    )
