"""What a scale test found, from its sizes and their tests, and its verdict."""

from collections.abc import Sequence

from krobench.analysis.scaling.curves import measure_curves
from krobench.analysis.scaling.limit import find_limit
from krobench.analysis.scaling.predictions import next_to_try, predict
from krobench.api.specs.results import Cause
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.status import Verdict
from krobench.findings.scaling import Limit, ScaleRecord, ScaleStep, StepVerdict
from krobench.findings.validity import AnyCause, QuotedCause, Validity
from krobench.record.run import RunRecord
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


def validity_of_scale_test(run: RunRecord, ignore: Sequence[Cause]) -> Validity:
    """Return what speaks against the run as a whole, and against a step that the limit hangs on.

    A repetition that says nothing was made anew, and other steps do not change the limit.
    """
    tests = {test.name: test for test in run.tests}
    causes = [cause for cause in run.causes if cause.reason not in ignore]
    for step in run.scale.steps if run.scale is not None else ():
        if step.verdict is StepVerdict.INVALID and step.decisive:
            causes += _causes_of(step, tests[step.test])
    return Validity.of(causes)


def verdict_of_scale_test(
    limit: Limit | None, minimum: float | None, validity: Validity
) -> Verdict:
    """Return the verdict of a scale test that has come to its end.

    It has passed if kro has met the SLOs at some size, and at the ``minimum`` or a larger one
    where there is a minimum.
    """
    if not validity.valid:
        return Verdict.INVALID
    reached = None
    if limit is not None:
        reached = limit.size if limit.size is not None else limit.last_met
    if reached is None or (minimum is not None and reached < minimum):
        return Verdict.FAILED
    return Verdict.PASSED


def _causes_of(step: ScaleStep, test: TestRecord) -> list[AnyCause]:
    causes = test.validity.causes or [
        QuotedCause(reason=Cause.SAMPLES_MISSING, text=trial.message) for trial in step.trials[-1:]
    ]
    return [cause.model_copy(update={"test": test.name}) for cause in causes]
