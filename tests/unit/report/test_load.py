from typing import Any

import pytest
from unit.records import some_iteration, some_run, some_test

from krobench.api.specs.load import Load
from krobench.api.status import Verdict
from krobench.figures.summaries import Counts, LoadGenerator
from krobench.findings.validity import RequestsNotSent, Validity
from krobench.record.test import TestRecord
from krobench.report.markdown import render
from krobench.report.tests import arrivals

LATE = RequestsNotSent(sent=3, due=9)


def record(load: dict[str, Any], **changes: Any) -> TestRecord:
    return some_test(instances=9, load=Load.model_validate(load), concurrency=None).model_copy(
        update=changes
    )


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ({"arrival": "constant", "rate": 5}, "arriving at 5/s"),
        ({"arrival": "poisson", "rate": 0.5}, "arriving at random, 0.5/s on average"),
        (
            {"arrival": "burst", "burst": {"size": 7, "interval": "2s"}},
            "arriving 7 at once every 2s",
        ),
        (
            {"arrival": "ramp", "rate": 1, "toRate": 10, "rampDuration": "1m"},
            "arriving at 1/s to 10/s within 1m",
        ),
    ],
)
def test_arrivals_have_words(load: dict[str, Any], words: str) -> None:
    assert arrivals(record(load)) == words


def test_an_invalid_run_is_marked_before_any_number() -> None:
    iteration = some_iteration(
        validity=Validity.of([LATE]),
        counts=Counts(requested=9, sent=3, late=2, retried=4, throttled=3, server_errors=1),
        generator=LoadGenerator(requested_per_second=10, achieved_per_second=2.5),
    )
    test = record(
        {"arrival": "constant", "rate": 10}, iterations=[iteration], validity=Validity.of([LATE])
    )
    run = some_run(test, verdict=Verdict.INVALID, validity=Validity.of([LATE]))
    text = render(run)
    assert "# default/bench: Invalid" in text
    assert text.index("## This run is invalid") < text.index("## Overview")
    assert "- **GeneratorLate**: only 3 of 9" in text
    assert "4 (429: 3, 5xx: 1)" in text
    assert "**missed**" in text
    assert "None at a time" not in text
