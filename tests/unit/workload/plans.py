"""Plans of suites with one test, as the tests here need them."""

from typing import Any

from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.testplan import plan_tests

RUN = RunRef(RunKind.BENCHMARK, "default", "my.benchmark", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")


def suite(**changes: Any) -> KroBenchmarkSpec:
    test: dict[str, Any] = {"name": "a", "workload": {"scenario": "single", "instances": 10}}
    return KroBenchmarkSpec.model_validate({"tests": [test | changes.pop("test", {})]} | changes)


def first_plan(workload: dict[str, Any]) -> IterationPlan:
    return plan_iteration(RUN, plan_tests(suite(test={"workload": workload}))[0], 0)
