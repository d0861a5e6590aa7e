import pytest

from krobench.analysis.scaling.verdict import verdict_of_scale_test
from krobench.api.common import ErrorInfo
from krobench.api.verdict import Verdict
from krobench.findings.scaling import Limit, LimitState
from krobench.findings.validity import Validity

FOUND = Limit(state=LimitState.FOUND, size=100, last_met=95, first_breach=105)
NOT_REACHED = Limit(state=LimitState.NOT_REACHED, size=200, last_met=200)
BELOW = Limit(state=LimitState.BELOW_FIRST, first_breach=10)
STOPPED = Limit(state=LimitState.UNDECIDED, last_met=40)
NOTHING = Limit(state=LimitState.UNDECIDED)


@pytest.mark.parametrize(
    ("limit", "minimum", "verdict"),
    [
        (FOUND, None, Verdict.PASSED),
        (FOUND, 100, Verdict.PASSED),
        (FOUND, 101, Verdict.FAILED),
        (NOT_REACHED, None, Verdict.PASSED),
        (NOT_REACHED, 500, Verdict.FAILED),
        (BELOW, None, Verdict.FAILED),
        (STOPPED, None, Verdict.PASSED),
        (STOPPED, 40, Verdict.PASSED),
        (STOPPED, 41, Verdict.FAILED),
        (NOTHING, None, Verdict.FAILED),
        (None, None, Verdict.FAILED),
    ],
)
def test_a_scale_test_passes_where_the_slos_were_met_as_far_as_asked_for(
    limit: Limit | None, minimum: float | None, verdict: Verdict
) -> None:
    assert verdict_of_scale_test(limit, minimum, Validity()) is verdict


def test_a_limit_that_may_not_be_believed_has_neither_passed_nor_failed() -> None:
    invalid = Validity.of([ErrorInfo(reason="NodeBusy", message="why")])
    assert verdict_of_scale_test(FOUND, None, invalid) is Verdict.INVALID
