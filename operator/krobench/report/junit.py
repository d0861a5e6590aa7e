"""A run as JUnit XML, for the test views of CI systems.

What is invalid has neither passed nor failed, and must not look as if it had passed.
"""

from xml.etree import ElementTree as ET

from krobench.api.common import ErrorInfo
from krobench.findings.comparison import Comparison, MetricVerdict
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord, TestState
from krobench.report import comparison as comparison_report
from krobench.report.junitcase import add_error, add_invalid, line_of, new_case, numbers
from krobench.report.junitscale import scale_cases
from krobench.report.measured import measured


def render(run: RunRecord) -> str:
    """Return the XML: a test case for each test, with its thresholds as failures, and one more
    where the run was given up, or something speaks against it as a whole. Of a scale test, there
    is one for each step, and one for the limit."""
    suite = ET.Element("testsuite", name=f"{run.namespace}/{run.name}", timestamp=run.start_time)
    suite.extend(scale_cases(run) if run.scale else [_case(run, test) for test in run.tests])
    if run.error is not None and run.scale is None:
        case = new_case(run, "run")
        add_error(case, run.error, [])
        suite.append(case)
    if causes := _causes_of_run(run):
        suite.append(_invalid_run(run, causes))
    suite.set("tests", str(len(suite)))
    for kind in ("failure", "error", "skipped"):
        plural = {"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]
        suite.set(plural, str(sum(case.find(kind) is not None for case in suite)))
    if run.comparison is not None:
        summary = comparison_report.summary(run.comparison)
        ET.SubElement(suite, "system-out").text = summary
    if run.error is not None:
        ET.SubElement(suite, "system-err").text = f"{run.error.reason}: {run.error.message}"
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _case(run: RunRecord, test: TestRecord) -> ET.Element:
    case = new_case(run, test.name, test.duration_seconds)
    if test.error is not None:
        add_error(case, test.error, test.validity.causes)
    elif test.state in (TestState.PENDING, TestState.SKIPPED):
        ET.SubElement(case, "skipped", message="the run ended before this test")
    elif not test.validity.valid:
        add_invalid(case, test.validity.causes)
    for result in test.thresholds:
        if test.validity.valid and not result.passed:
            failure = ET.SubElement(
                case, "failure", type="ThresholdNotMet", message=result.expression
            )
            failure.text = f"{result.expression}: {measured(result)}"
    if run.comparison is not None:
        _add_comparison(case, run.comparison, test.name)
    if test.summary is not None:
        ET.SubElement(case, "system-out").text = numbers(test)
    return case


def _causes_of_run(run: RunRecord) -> list[ErrorInfo]:
    """Return what makes the run invalid, apart from its tests."""
    causes = run.validity.causes if run.validity is not None else []
    return [cause for cause in causes if cause in run.causes]


def _invalid_run(run: RunRecord, causes: list[ErrorInfo]) -> ET.Element:
    case = new_case(run, "validity")
    error = ET.SubElement(case, "error", type=causes[0].reason, message=causes[0].message)
    error.text = "\n".join(map(line_of, causes))
    return case


def _add_comparison(case: ET.Element, comparison: Comparison, test: str) -> None:
    """Show what is worse: as a failure where that fails the run, else as a property."""
    for metric in comparison.primary:
        if metric.test == test and metric.verdict is not None:
            line = comparison_report.line(metric)
            if comparison.failed and metric.verdict is MetricVerdict.WORSE:
                failure = ET.SubElement(case, "failure", type="WorseThanBaseline", message=line)
                failure.text = line
            else:
                _properties(case).append(
                    ET.Element("property", name=f"comparison.{metric.metric}", value=line)
                )


def _properties(case: ET.Element) -> ET.Element:
    found = case.find("properties")
    if found is None:
        found = ET.Element("properties")
        case.insert(0, found)  # where readers look for it
    return found
