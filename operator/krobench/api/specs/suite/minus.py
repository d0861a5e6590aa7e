"""``minus`` of a test: what it costs beyond another test of the suite."""

from collections.abc import Iterable, Sequence

from pydantic.config import JsonDict

from krobench.api.common import FieldError
from krobench.api.specs.suite.order import Order
from krobench.api.specs.suite.test import Defaults, Test

MINUS_ORDER_RULE: JsonDict = {
    "rule": "!self.tests.exists(t, has(t.minus)) || self.order == 'Interleaved'",
    "message": "order must be Interleaved with tests[].minus: a drift of the cluster between two "
    "tests would pass for their difference",
}


MINUS_NAME_RULE: JsonDict = {
    "rule": "self.tests.all(t, !has(t.minus) || self.tests.exists(o, o.name == t.minus "
    "&& o.name != t.name))",
    "message": "tests[].minus must name another test of the suite",
}


MINUS_SIZE_RULE: JsonDict = {
    "rule": "self.tests.all(t, !has(t.minus) || self.tests.all(o, o.name != t.minus "
    "|| (!has(o.workload.cel) && !has(t.workload.cel) "
    "&& o.workload.instances == t.workload.instances && o.workload.rgds == t.workload.rgds)))",
    "message": "a test and the one that its minus names must have as many workload.instances and "
    "workload.rgds, and no workload.cel: else their difference is one of size, which the slopes "
    "of the report tell",
}


def check_minus(tests: Sequence[Test], defaults: Defaults, order: Order) -> None:
    """Check that each test that is to be compared with another can be.

    Raises:
        ValueError: if it makes no sense; the message names the field.
    """
    by_name = {test.name: test for test in tests}
    for index, test in enumerate(tests):
        if test.minus is None:
            continue
        other = by_name.get(test.minus)
        if other is None or other is test:
            raise FieldError(
                f"tests[{index}].minus",
                f"{test.minus!r} is no other test of the suite: "
                f"{', '.join(name for name in by_name if name != test.name) or 'there is none'}",
            )
        if order is not Order.INTERLEAVED:
            raise ValueError(MINUS_ORDER_RULE["message"])
        apart = list(_apart(test, other, defaults))
        if apart:
            raise FieldError(
                f"tests[{index}].minus",
                f"{test.name} and {other.name} differ in "
                f"{', '.join(apart)}: give both the same, so that their difference is that of "
                "their workloads",
            )


def _apart(test: Test, other: Test, defaults: Defaults) -> Iterable[str]:
    """Yield what two tests may not differ in, and do."""
    if test.workload.cel is not None or other.workload.cel is not None:
        yield "workload.cel, whose costs are measured in another way"
    if test.workload.instances != other.workload.instances:
        yield f"workload.instances ({test.workload.instances} and {other.workload.instances})"
    if test.workload.rgds != other.workload.rgds:
        yield f"workload.rgds ({test.workload.rgds} and {other.workload.rgds})"
    if test.load != other.load:
        yield "load"
    if (test.concurrency or defaults.concurrency) != (other.concurrency or defaults.concurrency):
        yield "concurrency"
    if [phase.model_dump(exclude={"values"}) for phase in test.phases] != [
        phase.model_dump(exclude={"values"}) for phase in other.phases
    ]:
        yield "phases"
    if test.target != other.target:
        yield "target"
