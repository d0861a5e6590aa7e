"""What a spec may not ask for, known before anything is created."""

from collections.abc import Iterable

from krobench.api.common import ErrorInfo
from krobench.workload.source import children
from krobench.workload.steps import peak_instances
from krobench.workload.testplan import TestPlan

DEFAULT_MAX_OBJECTS = 50_000

TOO_MANY_OBJECTS = "TooManyObjects"
INVALID_SPEC = "InvalidSpec"


def objects_at_once(test: TestPlan) -> int:
    """Return how many objects an iteration has at its peak.

    These are its RGDs, its instances, and what kro creates for each instance. A collection
    (forEach) in an RGD of the user's own counts as one object, as its size is not known.
    """
    workload = test.workload
    return peak_instances(test.steps) * (1 + children(workload)) + workload.rgds


def check_objects(tests: Iterable[TestPlan], max_objects: int) -> list[ErrorInfo]:
    """Return which tests would have more than ``max_objects`` objects at once."""
    return [
        ErrorInfo(
            reason=TOO_MANY_OBJECTS,
            message=f"test {test.name} would create {count} objects at once "
            f"({peak_instances(test.steps)} instances with {children(test.workload)} children "
            f"each, and {test.workload.rgds} RGDs), and {max_objects} are allowed: lower "
            f"spec.{test.field_prefix}workload.instances, or have the operator's chart value "
            "load.maxObjects raised",
        )
        for test in tests
        if (count := objects_at_once(test)) > max_objects
    ]


def check_schedules(tests: Iterable[TestPlan]) -> list[ErrorInfo]:
    """Return which open loops could not send all their requests within their test's timeout."""
    errors = []
    for test in tests:
        needed = sum(step.last_seconds() or 0.0 for step in test.steps)
        if needed >= test.timeout_seconds:
            operations = sum(len(step.operations) for step in test.steps)
            errors.append(
                ErrorInfo(
                    reason=INVALID_SPEC,
                    message=f"spec.{test.field_prefix}load: the last of {operations} "
                    f"operations would be sent after {needed:.4g}s, and the timeout is "
                    f"{test.timeout_seconds:g}s: raise spec.{test.field_prefix}timeout, or "
                    "ask for a higher rate or fewer instances",
                )
            )
    return errors
