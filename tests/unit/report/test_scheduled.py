from collections.abc import Callable

import pytest
from unit.records import some_run
from unit.report.scales import scale_run

from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunKind
from krobench.findings.scaling import NextStep, NextToTry
from krobench.record.run import RunRecord
from krobench.report import junit, markdown, terminal
from krobench.report.html.run import Raw
from krobench.report.html.run import render as page
from krobench.report.scheduled import in_template, of_template

WRONG = ErrorInfo(reason="BaselineNotFound", message="spec.baseline: ConfigMap a/b does not exist")
REPORTS: list[Callable[[RunRecord], str]] = [
    terminal.render,
    markdown.render,
    junit.render,
    lambda run: page(run, Raw(), None),
]


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        ("raise spec.iterations above 3", "raise spec.scaleTestTemplate.spec.iterations above 3"),
        ("spec.slo[0]: bad", "spec.scaleTestTemplate.spec.slo[0]: bad"),
        ("${schema.spec.iterations}", "${schema.spec.iterations}"),
        ("Deployment: spec.template is wrong", "Deployment: spec.template is wrong"),
        ("inspec.iterations", "inspec.iterations"),
    ],
)
def test_fields_of_ours_are_named_as_those_of_the_template(text: str, renamed: str) -> None:
    assert of_template(text, RunKind.SCALE_TEST) == renamed
    assert of_template(renamed, RunKind.SCALE_TEST) == renamed
    assert in_template({"a": [text, 1, None]}, RunKind.SCALE_TEST) == {"a": [renamed, 1, None]}


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_names_what_its_readers_can_change(report: Callable[[RunRecord], str]) -> None:
    alone = some_run(error=WRONG)
    scheduled = alone.model_copy(update={"schedule": "nightly"})
    assert "spec.benchmarkTemplate.spec.baseline" in report(scheduled)
    assert "Template" not in report(alone)


@pytest.mark.parametrize("report", [REPORTS[1], REPORTS[3]])
def test_what_to_try_next_is_a_field_of_the_schedule(report: Callable[[RunRecord], str]) -> None:
    run = scale_run()
    assert run.scale is not None
    run.scale.next_to_try = NextToTry(step=NextStep.REPEAT, iterations=3)
    run.schedule = "weekly"
    text = report(run)
    assert "spec.scaleTestTemplate.spec.iterations" in text
    assert "set spec.iterations" not in text
