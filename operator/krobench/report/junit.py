"""A run as JUnit XML, for the test views of CI systems.

An invalid test has neither passed nor failed and must not look as if it had passed. A size of a
scale test that misses the SLOs has not failed: finding it is what the test is for. Whether the
limit is high enough is a test case of its own.
"""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from krobench.api import units
from krobench.api.common import ErrorInfo
from krobench.figures.catalogue import THROUGHPUT
from krobench.findings.comparison import Comparison, MetricVerdict
from krobench.findings.scaling import SizeRecord, SizeVerdict
from krobench.findings.validity import AnyCause
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord, TestState
from krobench.report import comparison as comparison_report
from krobench.report import scalecomparison, trackers
from krobench.report.scheduled import as_read
from krobench.report.status.base import WORSE
from krobench.report.words.evidence import measured
from krobench.report.words.scaling import (
    LIMIT_NOT_AVAILABLE,
    breaches_line,
    limit_line,
    shortfall,
)
from krobench.report.words.validity import cause_line, reasoned_line


def _new_case(run: RunRecord, name: str, duration_seconds: float | None = None) -> ET.Element:
    """Return a test case of a run that has passed so far."""
    return ET.Element(
        "testcase",
        classname=f"{run.namespace}.{run.name}",
        name=name,
        time=f"{duration_seconds or 0.0:.3f}",
    )


def _add_error(case: ET.Element, info: ErrorInfo, causes: Sequence[AnyCause]) -> None:
    """Add why it could not be measured, and what makes its _numbers doubtful besides."""
    error = ET.SubElement(case, "error", type=info.reason, message=info.message)
    error.text = "\n".join([info.message, *map(reasoned_line, causes)])


def _add_invalid(case: ET.Element, causes: Sequence[AnyCause]) -> None:
    """Add what makes its _numbers doubtful: it has neither passed nor failed."""
    skipped = ET.SubElement(case, "skipped", message=f"invalid: {reasoned_line(causes[0])}")
    skipped.text = "\n".join(map(reasoned_line, causes))


def _add_failure(case: ET.Element, reason: str, message: str, text: str) -> None:
    ET.SubElement(case, "failure", type=reason, message=message).text = text


def _numbers(test: TestRecord) -> str:
    """Return what was measured in a line; empty if nothing was."""
    if test.summary is None:
        return ""
    ready = test.summary.latency.instance_ready
    return (
        f"instances ready: {units.number(ready.n if ready else None)}; "
        f"p50 {units.seconds(ready.p50_seconds if ready else None)}; "
        f"p99 {units.seconds(ready.p99_seconds if ready else None)}; "
        f"{units.rate(test.summary.figures[THROUGHPUT])}"
    )


def scale_cases(run: RunRecord) -> list[ET.Element]:
    """Return the test cases of a scale test, finished or not."""
    scale = run.scale
    if scale is None:
        return []
    tests = {test.name: test for test in run.tests}
    sizes = sorted(scale.sizes, key=lambda size: size.size)
    return [*(_size(run, size, tests[size.test]) for size in sizes), _limit(run)]


def _size(run: RunRecord, size: SizeRecord, test: TestRecord) -> ET.Element:
    case = _new_case(run, size.test, test.duration_seconds)
    if test.error is not None:
        _add_error(case, test.error, test.validity.causes)
    elif size.verdict is None:
        ET.SubElement(case, "skipped", message="the run ended before this size")
    elif size.verdict is SizeVerdict.INVALID and test.validity.causes:
        _add_invalid(case, test.validity.causes)
    # The figures are those of the first iteration that missed the SLOs.
    breached = next((one.breached for one in size.iterations if one.breached), [])
    said = [size.verdict or "", breaches_line(breached), _numbers(test)]
    ET.SubElement(case, "system-out").text = "; ".join(filter(None, said))
    return case


def _limit(run: RunRecord) -> ET.Element:
    case = _new_case(run, "limit")
    limit = run.scale.limit if run.scale is not None else None
    short = shortfall(run)
    if run.error is not None:
        _add_error(case, run.error, [])
    elif run.validity is not None and not run.validity.valid:
        _add_invalid(case, run.validity.causes)
    elif short is not None and short.reason == LIMIT_NOT_AVAILABLE:
        _add_error(case, short, [])
    elif short is not None:
        _add_failure(case, short.reason, short.message, short.message)
    elif run.scale_comparison is not None and run.scale_comparison.failed:
        line = scalecomparison.summary(run.scale_comparison)
        _add_failure(case, WORSE, line, line)
    if run.scale_comparison is not None:
        _add_property(case, "comparison.limit", scalecomparison.summary(run.scale_comparison))
    if limit is not None and run.scale is not None:
        text = limit_line(limit, run.scale.axis, run.scale.stopped)
        ET.SubElement(case, "system-out").text = text
    return case


def render(run: RunRecord) -> str:
    """Return the XML: a test case for each test, with its thresholds as failures, and one more
    if the run was aborted, or is invalid as a whole. A scale test has one for each size, and one
    for the limit."""
    suite = ET.Element("testsuite", name=f"{run.namespace}/{run.name}", timestamp=run.start_time)
    if run.scale is not None:
        suite.extend(scale_cases(run))
    else:
        metrics = trackers.properties(run)
        suite.extend(_case(run, test, metrics.get(test.name, {})) for test in run.tests)
    if run.error is not None and run.scale is None:
        case = _new_case(run, "run")
        _add_error(case, run.error, [])
        suite.append(case)
    causes = run.validity.causes if run.validity is not None else []
    if of_run := [cause for cause in causes if cause in run.causes]:  # the others are its tests'
        case = _new_case(run, "validity")
        line = cause_line(of_run[0])
        error = ET.SubElement(case, "error", type=of_run[0].reason, message=line)
        error.text = "\n".join(map(reasoned_line, of_run))
        suite.append(case)
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
    return as_read(run, ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n")


def _case(run: RunRecord, test: TestRecord, metrics: Mapping[str, str]) -> ET.Element:
    case = _new_case(run, test.name, test.duration_seconds)
    if test.error is not None:
        _add_error(case, test.error, test.validity.causes)
    elif test.state in (TestState.PENDING, TestState.SKIPPED):
        ET.SubElement(case, "skipped", message="the run ended before this test")
    elif not test.validity.valid:
        _add_invalid(case, test.validity.causes)
    for result in test.thresholds:
        if test.validity.valid and not result.passed:
            text = f"{result.expression}: {measured(result)}"
            _add_failure(case, "ThresholdNotMet", result.expression, text)
    if run.comparison is not None:
        _add_comparison(case, run.comparison, test.name)
    for metric, value in metrics.items():
        _add_property(case, metric, value)
    if test.summary is not None:
        ET.SubElement(case, "system-out").text = _numbers(test)
    return case


def _add_comparison(case: ET.Element, comparison: Comparison, test: str) -> None:
    """Add what is worse: as a failure if it fails the run, otherwise as a property."""
    for metric in comparison.primary:
        if metric.test == test and metric.verdict is not None:
            line = comparison_report.line(metric)
            if comparison.failed and metric.verdict is MetricVerdict.WORSE:
                _add_failure(case, WORSE, line, line)
                continue
            _add_property(case, f"comparison.{metric.metric}", line)


def _add_property(case: ET.Element, name: str, value: str) -> None:
    found = case.find("properties")
    if found is None:
        found = ET.Element("properties")
        case.insert(0, found)  # where readers look for it
    ET.SubElement(found, "property", name=name, value=value)
