"""Comparing two kros by one command."""

from pathlib import Path
from typing import Any

import pytest
from unit.controller.world import record

from krobench.api.common import ErrorInfo
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.cli.ab import USUAL, exit_code, image_of, manifest, usual_tests
from krobench.cli.errors import CliError
from krobench.cli.run import ExitCode
from krobench.findings.comparison import Comparison, MetricVerdict
from krobench.findings.validity import LeftoverObjects, Validity
from krobench.record.run import RunRecord, RunState
from krobench.report import pullrequest

SIDES = ("registry.example.com/kro:1", "registry.example.com/kro:2")


def compared(verdict: MetricVerdict | None, **changes: Any) -> RunRecord:
    comparison = Comparison(
        old="old", new="new", old_runs=[], new_runs=[], minimum_effect=0.05, verdict=verdict
    )
    return record(RunState.COMPLETED, variant_comparisons=[comparison]).model_copy(update=changes)


def test_a_longer_budget_has_more_tests_and_a_short_one_the_first() -> None:
    counts = [len(usual_tests(60.0 * minutes)) for minutes in (1, 5, 10, 20, 40, 120)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, len(USUAL))
    assert list(usual_tests(600)) == list(USUAL[: counts[2]])


@pytest.mark.parametrize("budget", ["7m", "20m", "2h"])
def test_the_benchmark_is_one_that_the_api_server_takes(budget: str) -> None:
    made = manifest("ab", "default", SIDES, "10%", budget)
    spec = KroBenchmarkSpec.model_validate(made["spec"])
    assert [variant.image for variant in spec.variants] == list(SIDES)


def test_a_budget_for_no_test_is_refused() -> None:
    with pytest.raises(CliError, match="1m"):
        manifest("ab", "default", SIDES, "10%", "1m")


def test_a_version_means_the_published_image() -> None:
    assert image_of("v0.9.4") == image_of("0.9.4") == "registry.k8s.io/kro/kro:v0.9.4"
    assert image_of(SIDES[0]) == SIDES[0]


def test_what_is_no_image_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="kro-image --source"):
        image_of(str(tmp_path))
    with pytest.raises(CliError, match="main"):
        image_of("main")


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (compared(MetricVerdict.NO_SLOWDOWN), ExitCode.PASSED),
        (compared(MetricVerdict.BETTER), ExitCode.PASSED),
        (compared(MetricVerdict.WORSE), ExitCode.FAILED),
        (compared(MetricVerdict.MIXED), ExitCode.FAILED),
        (compared(MetricVerdict.INCONCLUSIVE), ExitCode.INVALID),
        (compared(None), ExitCode.INVALID),
        (
            compared(
                MetricVerdict.WORSE,
                validity=Validity.of([LeftoverObjects(runs=[], first="RGD/a", count=1)]),
            ),
            ExitCode.INVALID,
        ),
        (compared(None, error=ErrorInfo(reason="KroNotFound", message="")), ExitCode.ERROR),
    ],
)
def test_the_exit_code_says_whether_the_new_one_is_slower(run: RunRecord, code: ExitCode) -> None:
    assert exit_code(run) is code


def test_a_comment_names_both_images_and_folds_the_figures() -> None:
    spec = {"variants": [{"name": "old", "image": SIDES[0]}, {"name": "new", "image": SIDES[1]}]}
    comment = pullrequest.render(compared(MetricVerdict.WORSE, spec=spec))
    assert all(image in comment for image in SIDES)
    assert comment.index("</details>") > comment.index("<details>") > comment.index("Worse")
