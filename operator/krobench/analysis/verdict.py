"""Whether kro met what was asked of it."""

from krobench.api.status import Verdict
from krobench.findings.scale_comparison import ScaleComparison
from krobench.findings.scaling import Limit
from krobench.findings.validity import Validity
from krobench.record.run import RunRecord


def verdict_of_run(run: RunRecord) -> Verdict:
    """Return the verdict of a KroBenchmark that has ended; its validity must be known."""
    if run.validity is not None and not run.validity.valid:
        return Verdict.INVALID
    succeeded = all(test.success for test in run.tests)
    met = all(threshold.passed for test in run.tests for threshold in test.thresholds)
    worse = run.comparison is not None and run.comparison.failed
    return Verdict.PASSED if succeeded and met and not worse else Verdict.FAILED


def verdict_of_scale_test(
    limit: Limit | None,
    minimum: float | None,
    validity: Validity,
    comparison: ScaleComparison | None = None,
) -> Verdict:
    """Return the verdict of a scale test that has ended.

    It has passed if kro met the SLOs at some size, and if there is a ``minimum``, at that or a
    larger one, unless it fails by the ``comparison`` with its baseline.
    """
    if not validity.valid:
        return Verdict.INVALID
    if comparison is not None and comparison.failed:
        return Verdict.FAILED
    reached = None
    if limit is not None:
        reached = limit.size if limit.size is not None else limit.last_met
    if reached is None or (minimum is not None and reached < minimum):
        return Verdict.FAILED
    return Verdict.PASSED
