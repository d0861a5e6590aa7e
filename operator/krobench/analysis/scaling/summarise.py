"""What a scale test found, from its sizes and their tests, and whether that is valid."""

from collections.abc import Sequence

from krobench.analysis.scaling.curves import measure_curves
from krobench.analysis.scaling.limit import find_limit
from krobench.analysis.scaling.predictions import next_to_try, predict
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.specs.validity import Cause
from krobench.findings.finding import Quoted
from krobench.findings.scaling import (
    BudgetUsedUp,
    ScaleRecord,
    SizeRecord,
    SizeVerdict,
    SloUndecided,
)
from krobench.findings.validity import AnyCause, QuotedCause, SizeNotJudged, Validity
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord


def with_findings(
    spec: KroScaleTestSpec, scale: ScaleRecord, tests: Sequence[TestRecord]
) -> ScaleRecord:
    """Return the record of a test that has ended, with limit, curves and predictions.

    It takes some seconds if there are many sizes.
    """
    limit = find_limit(scale.sizes, spec.slo, scale.stopped)
    predictions = predict(scale.sizes, spec.slo, limit)
    return scale.model_copy(
        update={
            "limit": limit,
            "curves": measure_curves(spec.axis, scale.sizes, tests, spec.slo),
            "predictions": predictions,
            "next_to_try": next_to_try(spec, scale, limit, predictions),
        }
    )


def validity_of_scale_test(run: RunRecord, ignore: Sequence[Cause]) -> Validity:
    """Return what makes the run as a whole invalid, or a size that the limit depends on.

    Other invalid iterations were repeated, and other sizes do not change the limit.
    """
    tests = {test.name: test for test in run.tests}
    causes = [cause for cause in run.causes if cause.reason not in ignore]
    for size in run.scale.sizes if run.scale is not None else ():
        if size.verdict is SizeVerdict.INVALID and size.decisive:
            test = tests[size.test]
            found = test.validity.causes or list(_not_judged(size))
            causes += [cause.model_copy(update={"test": test.name}) for cause in found]
    return Validity.of(causes)


def _not_judged(size: SizeRecord) -> Sequence[AnyCause]:
    """Return why the last iteration of a size has no verdict, if its numbers are valid."""
    match size.iterations[-1].undecided if size.iterations else None:
        case SloUndecided(missing=missing):
            return [SizeNotJudged(missing=missing)]
        case BudgetUsedUp(duration=duration):
            return [SizeNotJudged(budget=duration)]
        case Quoted(text=text):
            return [QuotedCause(reason=Cause.SAMPLES_MISSING, text=text)]
    return []
