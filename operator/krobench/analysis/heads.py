"""From a run record to its head."""

from typing import Any

from krobench.analysis.comparison.estimates import condense
from krobench.record.head import RunHead
from krobench.record.run import RunRecord


def head_of(run: RunRecord) -> RunHead:
    """Return the head of a run that has ended; its iterations must not be left out."""
    tests = [
        test.model_copy(
            update={
                "iterations": [],
                "thresholds": [],
                "profile": None,
                "cel": None,
                "attribution": None,
            }
        )
        for test in run.tests
    ]
    short: dict[str, Any] = {
        "spec": {name: run.spec[name] for name in ("baseline",) if name in run.spec},
        "tests": tests,
        "slopes": [],
        "differences": [],
        "recommendations": [],
        "comparison": None,
        "scale_comparison": None,
        "variant_comparisons": [],
    }
    return RunHead(run=run.model_copy(update=short), estimates=condense(run))
