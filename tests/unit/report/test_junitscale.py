from xml.etree import ElementTree as ET

import pytest
from unit.controller.world import scale_record

from krobench.api.common import ErrorInfo
from krobench.api.status import Verdict
from krobench.findings.scaling import Limit, LimitState, SizeVerdict
from krobench.findings.validity import RequestsNotSent, Validity
from krobench.record.run import RunRecord, RunState
from krobench.report.junit import render


def suite(run: RunRecord) -> ET.Element:
    return ET.fromstring(render(run))


def ended(limit: Limit | None = None, **changes: object) -> RunRecord:
    run = scale_record(RunState.COMPLETED, **changes)
    assert run.scale is not None
    if limit is not None:
        run.scale.limit = limit
    return run


def test_a_breach_is_what_was_looked_for_and_no_failure() -> None:
    root = suite(ended())
    assert [case.get("name") for case in root.iter("testcase")] == ["10", "20", "limit"]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "0", "0")
    breached, limit = (case.findtext("system-out") or "" for case in list(root)[1:])
    assert breached.startswith("Breached; latency.instanceReady.p99 < 5.0: it was 7.1")
    assert limit == "kro keeps the SLOs up to 14 instances"


@pytest.mark.parametrize(
    ("limit", "kind", "reason"),
    [
        (None, "failure", "MinimumNotReached"),
        (Limit(state=LimitState.BELOW_FIRST, first_breach=10), "failure", "SmallestSizeBreached"),
        (Limit(state=LimitState.UNDECIDED), "error", "LimitNotAvailable"),
    ],
)
def test_a_limit_that_falls_short_says_in_what(limit: Limit | None, kind: str, reason: str) -> None:
    root = suite(ended(limit, verdict=Verdict.FAILED))
    [found] = root.iter(kind)
    assert found.get("type") == reason


def test_a_size_that_could_not_be_measured_is_an_error_and_the_rest_is_skipped() -> None:
    run = scale_record()
    run.tests[0].error = ErrorInfo(reason="RGDRejected", message="no such field")
    run.error = ErrorInfo(reason="LeaseLost", message="another load runs")
    root = suite(run)
    assert [error.get("type") for error in root.iter("error")] == ["RGDRejected", "LeaseLost"]
    assert root.get("skipped") == "1"


def test_an_invalid_size_and_its_limit_have_neither_passed_nor_failed() -> None:
    validity = Validity.of([RequestsNotSent(sent=3, due=5)])
    run = ended(validity=validity, verdict=Verdict.INVALID)
    assert run.scale is not None
    run.scale.sizes[1].verdict = SizeVerdict.INVALID
    run.tests[1].validity = validity
    assert suite(run).get("skipped") == "2"
