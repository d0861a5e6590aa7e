"""``krobench ab``: is one kro slower than another? A run of blocks over a usual set of tests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from krobench.api.common import API_GROUP, API_VERSION
from krobench.api.kinds import RunKind
from krobench.api.notation import duration_seconds
from krobench.cli.errors import CliError
from krobench.cli.run import ExitCode
from krobench.findings.comparison import MetricVerdict
from krobench.record.run import RunRecord

PUBLISHED = "registry.k8s.io/kro/kro"
"""Where kro's releases are."""
OLD, NEW = "old", "new"

_VERSION = re.compile(r"v?(\d+\.\d+\.\d+[-.\w]*)")
_RESTART_SECONDS = 13.0
"""What a variant takes beside its iterations: deleting all objects, starting kro, and the pause
after new kinds."""
_FEWEST_BLOCKS = 8
"""Until the first look at which a comparison can be decided."""
_SIDES = 2


@dataclass(frozen=True)
class UsualTest:
    """A test of the usual set."""

    spec: dict[str, Any]
    seconds: float
    """About how long an iteration takes with its set-up, on two cores."""


def _create(scenario: str, instances: int, seconds: float, **workload: Any) -> UsualTest:
    source = {"scenario": scenario, "instances": instances} | workload
    return UsualTest({"name": scenario, "workload": source}, seconds)


USUAL = (
    _create("single", 20, 5.0),
    _create("wide", 10, 6.0),
    _create("chain", 10, 7.0),
    UsualTest(
        {
            "name": "update",
            "workload": {"scenario": "single", "instances": 20},
            "phases": [{"operation": "create"}, {"operation": "update"}],
        },
        8.5,
    ),
    _create("for-each", 10, 6.0),
    UsualTest(
        {"name": "rgds", "workload": {"scenario": "single", "instances": 10, "rgds": 10}}, 15.5
    ),
    _create("cel-heavy", 10, 5.0),
)
"""In the order of what they say about a change of kro; a short budget has the first ones only."""


def usual_tests(budget_seconds: float) -> Sequence[UsualTest]:
    """Return the tests of which so many blocks fit that the comparison can be decided."""
    chosen: list[UsualTest] = []
    for test in USUAL:
        # Only the first one has a warm-up.
        seconds = sum(each.seconds for each in (USUAL[0], *chosen, test))
        if _FEWEST_BLOCKS * _SIDES * (_RESTART_SECONDS + seconds) > budget_seconds:
            break
        chosen.append(test)
    return chosen


def image_of(side: str) -> str:
    """Return the image that a side of a comparison means: its own name, or that of a release.

    Raises:
        CliError: if it is neither.
    """
    if Path(side).is_dir():
        raise CliError(
            f"{side} is a directory: build an image of it first, such as with python3 -m testbed "
            f"kro-image --source {side}, or use make ab in krobench's source tree"
        )
    if version := _VERSION.fullmatch(side):
        return f"{PUBLISHED}:v{version[1]}"
    if "/" not in side or ":" not in side:
        raise CliError(
            f"{side} is neither a version of kro, such as 0.9.4, nor an image with a tag"
        )
    return side


def manifest(
    name: str, namespace: str, sides: tuple[str, str], effect: str, budget: str
) -> dict[str, Any]:
    """Return the KroBenchmark that compares two images of kro.

    Raises:
        CliError: if the budget is too short for any test.
    """
    tests = usual_tests(duration_seconds(budget))
    if not tests:
        raise CliError(f"a budget of {budget} is too short for a comparison: use at least 7m")
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": RunKind.BENCHMARK.value,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "decide": {"minimumEffect": effect, "maxDuration": budget},
            "variants": [
                {"name": side, "image": image}
                for side, image in zip((OLD, NEW), sides, strict=True)
            ],
            "tests": [test.spec for test in tests],
        },
    }


def exit_code(run: RunRecord) -> ExitCode:
    """Return how ``krobench ab`` ends: by what the comparison has shown, not by thresholds."""
    if run.error is not None:
        return ExitCode.ERROR
    shown = [each.verdict for each in run.variant_comparisons]
    if not shown or (run.validity is not None and not run.validity.valid):
        return ExitCode.INVALID
    if any(each.worse for each in run.variant_comparisons):
        return ExitCode.FAILED
    decided = {MetricVerdict.BETTER, MetricVerdict.SAME, MetricVerdict.NO_SLOWDOWN}
    return ExitCode.PASSED if decided.issuperset(shown) else ExitCode.INVALID
