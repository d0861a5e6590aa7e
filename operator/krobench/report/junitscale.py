"""A scale test as test cases of JUnit XML: one for each step, and one for the limit.

A step that breaches the SLOs has not failed: to find it is what the test is for. Whether the
limit is what was asked for is the case of the limit.
"""

from xml.etree import ElementTree as ET

from krobench.api.common import ErrorInfo
from krobench.findings.scaling import ScaleStep, StepVerdict
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord
from krobench.report.junitcase import add_error, add_invalid, new_case, numbers
from krobench.report.limit import LIMIT_NOT_AVAILABLE, limit_text, shortfall


def scale_cases(run: RunRecord) -> list[ET.Element]:
    """Return the test cases of a scale test, finished or not."""
    scale = run.scale
    if scale is None:
        return []
    tests = {test.name: test for test in run.tests}
    steps = sorted(scale.steps, key=lambda step: step.size)
    return [*(_step(run, step, tests[step.test]) for step in steps), _limit(run)]


def _step(run: RunRecord, step: ScaleStep, test: TestRecord) -> ET.Element:
    case = new_case(run, step.test, test.duration_seconds)
    if test.error is not None:
        add_error(case, test.error, test.validity.causes)
    elif step.verdict is None:
        ET.SubElement(case, "skipped", message="the run ended before this step")
    elif step.verdict is StepVerdict.INVALID and test.validity.causes:
        add_invalid(case, test.validity.causes)
    said = [step.verdict or "", *_breaches(step), numbers(test)]
    ET.SubElement(case, "system-out").text = "; ".join(filter(None, said))
    return case


def _breaches(step: ScaleStep) -> list[str]:
    """Return the SLOs that a step breached, as the first repetition that did so measured them."""
    return next((trial.breached for trial in step.trials if trial.breached), [])


def _limit(run: RunRecord) -> ET.Element:
    case = new_case(run, "limit")
    limit = run.scale.limit if run.scale is not None else None
    short = shortfall(run)
    if run.error is not None:
        add_error(case, run.error, [])
    elif run.validity is not None and not run.validity.valid:
        add_invalid(case, run.validity.causes)
    elif short is not None and short.reason == LIMIT_NOT_AVAILABLE:
        add_error(case, short, [])
    elif short is not None:
        _fail(case, short)
    if limit is not None and run.scale is not None:
        text = limit.message or limit_text(limit, run.scale.axis)
        ET.SubElement(case, "system-out").text = text
    return case


def _fail(case: ET.Element, why: ErrorInfo) -> None:
    failure = ET.SubElement(case, "failure", type=why.reason, message=why.message)
    failure.text = why.message
