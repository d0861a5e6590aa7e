"""Whether kro met what was asked of it."""

from krobench.api.status import Verdict
from krobench.record.run import RunRecord


def verdict_of_run(run: RunRecord) -> Verdict:
    """Return the verdict of a run that has come to its end, once its validity is known."""
    if run.validity is not None and not run.validity.valid:
        return Verdict.INVALID
    succeeded = all(test.success for test in run.tests)
    met = all(threshold.passed for test in run.tests for threshold in test.thresholds)
    worse = run.comparison is not None and run.comparison.failed
    return Verdict.PASSED if succeeded and met and not worse else Verdict.FAILED
