"""The variants of one run, each compared with the first.

The replicates are visits to a variant: iterations of one visit share a kro, with its caches and its
heap, while each visit begins with a restart. Visits of both sides alternate, so that a drift of the
cluster weighs on both alike.
"""

from collections.abc import Mapping, Sequence

from krobench.analysis.comparison.compare import overall
from krobench.analysis.comparison.estimates import numbers_of
from krobench.analysis.comparison.metrics import Measured, judge_all, measure
from krobench.analysis.comparison.rules import Rules
from krobench.api.common import ErrorInfo
from krobench.findings.comparison import Comparison, Replicates
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord

Visits = Sequence[Sequence[Mapping[str, float | None]]]
"""Of each visit, the numbers of its measured iterations."""


def compare_variants(run: RunRecord, rules: Rules) -> list[Comparison]:
    """Return the comparison of each variant with the first; none for a run without variants.

    Only primary metrics are compared: with several variants, the others would outgrow the record.
    """
    names = list(dict.fromkeys(test.variant for test in run.tests if test.variant is not None))
    return [_compare(run, names[0], name, rules) for name in names[1:]]


def _compare(run: RunRecord, first: str, variant: str, rules: Rules) -> Comparison:
    old, new = (_visits_of(run, name) for name in (first, variant))
    tests = [test for test in old if old[test] and new.get(test)]
    comparison = Comparison(
        old=first,
        new=variant,
        old_runs=_labels(first, old, tests),
        new_runs=_labels(variant, new, tests),
        minimum_effect=rules.minimum_effect,
        left_out=[f"test {test}: has no result of both" for test in old if test not in tests],
    )
    refused = _refusal(run, tests)
    if refused is not None:
        return comparison.model_copy(update={"refused": refused})
    fewest = min(len(side[test]) for side in (old, new) for test in tests)
    replicates = Replicates.RESTARTS if fewest > 1 else Replicates.ITERATIONS
    measured: list[Measured] = []
    for test in tests:
        measured += (
            found
            for found in measure(test, old[test], new[test], rules)
            if rules.is_primary(found.metric)
        )
    metrics = judge_all(measured, rules, replicates)
    verdict = overall([metric.verdict for metric in metrics if metric.verdict is not None])
    changes = {"replicates": replicates, "metrics": metrics, "verdict": verdict}
    return comparison.model_copy(update=changes)


def _refusal(run: RunRecord, tests: Sequence[str]) -> ErrorInfo | None:
    if run.validity is not None and not run.validity.valid:
        return ErrorInfo(reason="Invalid", message="the run is invalid: its numbers mean nothing")
    if not tests:
        return ErrorInfo(reason="NoCommonTest", message="no test has a result of both variants")
    return None


def _visits_of(run: RunRecord, variant: str) -> dict[str, Visits]:
    """Return the visits of each test under a variant; none where the test failed."""
    return {test.spec_name: _visits(test) for test in run.tests if test.variant == variant}


def _visits(test: TestRecord) -> Visits:
    if not test.success:
        return []
    good = [item for item in test.iterations if item.success and not item.warmup]
    numbers = sorted({item.visit for item in good})
    return [[numbers_of(item) for item in good if item.visit == number] for number in numbers]


def _labels(variant: str, visits: Mapping[str, Visits], tests: Sequence[str]) -> list[str]:
    most = max((len(visits[test]) for test in tests), default=0)
    return [f"{variant}, visit {number + 1}" for number in range(most)]
