"""The tests of a ``KroBenchmark``: their settings, iterations, order and differences."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from krobench.api.common import (
    DNS_LABEL_PATTERN,
    ApiModel,
    Duration,
    FieldError,
    Namespace,
    Percentage,
    duration_seconds,
)
from krobench.api.specs.kro import Target
from krobench.api.specs.load import Load, LoadPhase, Operation
from krobench.api.specs.workload import Workload


class Order(StrEnum):
    """Whose turn it is; ``krobench.program.order`` says how each is laid out."""

    SEQUENTIAL = "Sequential"
    INTERLEAVED = "Interleaved"


MIN_ITERATIONS = 3
"""Two replicates have an interval of 13 standard errors, and no use for it."""

_TOO_FEW = f"precision needs iterations of at least {MIN_ITERATIONS}"
_CROSSED = "precision.maxIterations must not be below iterations"

PRECISION_RULES: list[JsonDict] = [
    {
        "rule": f"!has(self.precision) || !has(self.iterations) "
        f"|| self.iterations >= {MIN_ITERATIONS}",
        "message": _TOO_FEW,
    },
    {
        "rule": "!has(self.precision) || !has(self.iterations) "
        "|| self.precision.maxIterations >= self.iterations",
        "message": _CROSSED,
    },
]


class Precision(ApiModel):
    """When a test has been repeated enough. ``iterations`` are the least; more follow until the
    95% interval of the mean of the iterations' median times until ready is narrow enough."""

    target: Percentage = "5%"
    """Half the width of that interval, as a share of the mean."""
    max_iterations: Annotated[int, Field(ge=MIN_ITERATIONS, le=100)] = 20
    """Measured iterations after which the test ends, precise or not."""

    @property
    def target_ratio(self) -> float:
        """``target`` as a ratio."""
        return float(self.target.removesuffix("%")) / 100


def check_precision(iterations: int, precision: Precision | None) -> None:
    """Check that the least iterations fit a precision.

    Raises:
        ValueError: if they do not.
    """
    if precision is None:
        return
    if iterations < MIN_ITERATIONS:
        raise ValueError(_TOO_FEW)
    if precision.max_iterations < iterations:
        raise ValueError(_CROSSED)


ThresholdExpression = Annotated[str, StringConstraints(min_length=1, max_length=512)]


_CEL_TEST_RULE: JsonDict = {
    "rule": "!has(self.workload.cel) || (self.load.arrival == 'closed' && !has(self.phases) "
    "&& !has(self.thresholds) && (!has(self.load.shards) || self.load.shards == 1))",
    "message": "leave out load, phases and thresholds with workload.cel: how expressions are "
    "measured is fixed",
}


TestName = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=40)]


Iterations = Annotated[int, Field(ge=1, le=100)]


Warmup = Annotated[int, Field(ge=0, le=20)]


Concurrency = Annotated[int, Field(ge=1, le=1000)]


_TIMEOUT_RULE = {
    "rule": "duration(self) >= duration('1s') && duration(self) <= duration('24h')",
    "message": "timeout must be between 1s and 24h",
}


Timeout = Annotated[
    Duration, Field(json_schema_extra={"x-kubernetes-validations": [_TIMEOUT_RULE]})
]


def _check_timeout(timeout: str | None) -> None:
    if timeout is not None and not 1.0 <= duration_seconds(timeout) <= 24 * 3600:
        raise ValueError("timeout must be between 1s and 24h")


class Defaults(ApiModel):
    """Settings of the suite, which a single test overrides field by field."""

    iterations: Iterations = 3
    """Measured repetitions of each test; with a precision, the least of them."""
    precision: Precision | None = None
    """Repeats each test until its headline figure is known well enough."""
    warmup: Warmup | None = None
    """Repetitions before these whose results are kept apart and not summarised. When absent:
    one, and afterwards as many of the measured as turn out not to be of the steady state, which
    takes 12 of them to tell."""
    concurrency: Concurrency = 10
    """Instances that are under way at once: a new one is created when one became ready. Tests
    in an open loop (load.arrival) take no notice of it."""
    timeout: Timeout = "10m"
    """Time for the set-up and run of one iteration; what is unfinished then fails the test."""
    namespace: Namespace | None = None
    """Namespace of the instances; a namespace of the run's own when absent."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_timeout(self.timeout)
        check_precision(self.iterations, self.precision)
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [*PRECISION_RULES]}
    }


_CONCURRENCY_RULE: JsonDict = {
    "rule": "!has(self.concurrency) || self.load.arrival == 'closed'",
    "message": "concurrency applies to load.arrival closed only: an open loop sends by its times",
}


_FIRST_PHASE_RULE: JsonDict = {
    "rule": "!has(self.phases) || self.phases.size() == 0 || self.phases[0].operation == 'create'",
    "message": "the first phase must have operation create: there are no instances before it",
}


_VALUES_RULE: JsonDict = {
    "rule": "!has(self.workload.rgd) || !has(self.phases) || self.phases.all(phase, "
    "!(phase.operation in ['update', 'mix']) || has(phase.values))",
    "message": "with an RGD of your own, a phase of operation update or mix needs values: "
    "which fields of the spec change",
}


_SHARDED_PHASES_RULE: JsonDict = {
    "rule": "!has(self.phases) || self.phases.size() == 0 || !has(self.load.shards) "
    "|| self.load.shards == 1",
    "message": "load.shards must be 1 with phases: only creation can be sharded",
}


_SHARDS_RULE: JsonDict = {
    "rule": "!has(self.load.shards) || (self.load.shards <= self.workload.instances "
    "&& (!has(self.concurrency) || self.load.shards <= self.concurrency))",
    "message": "load.shards must exceed neither workload.instances nor concurrency: a shard would "
    "have nothing to do",
}


class Test(ApiModel):
    """One test of the suite."""

    __test__ = False  # pytest would collect a class of this name
    renamed: ClassVar[Mapping[str, str]] = {"steps": "phases"}

    name: TestName
    """Name of the test, unique in the suite."""
    workload: Workload
    """What is created."""
    load: Load = Field(
        default_factory=Load,
        # Written out: an API server checks a default by the rules before it fills in defaults.
        json_schema_extra={"default": {"arrival": "closed"}},
    )
    """When it is created."""
    phases: Annotated[list[LoadPhase], Field(max_length=16)] = Field(default_factory=list)
    """The phases of the load, run one after another; if empty, all instances are created."""
    minus: TestName | None = None
    """Name of another test of the suite, of equal size and load: what this one costs beyond that
    one is then told, figure by figure."""
    iterations: Iterations | None = None
    """Overrides defaults.iterations."""
    precision: Precision | None = None
    """Overrides defaults.precision."""
    warmup: Warmup | None = None
    """Overrides defaults.warmup."""
    concurrency: Concurrency | None = None
    """Overrides defaults.concurrency."""
    timeout: Timeout | None = None
    """Overrides defaults.timeout."""
    namespace: Namespace | None = None
    """Overrides defaults.namespace."""
    target: Target | None = None
    """Overrides spec.target."""
    thresholds: Annotated[list[ThresholdExpression], Field(max_length=16)] = Field(
        default_factory=list
    )
    """CEL expressions over this test's results; the test passes when all are true."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_timeout(self.timeout)
        if self.iterations is not None:
            check_precision(self.iterations, self.precision)
        if self.concurrency is not None and self.load.arrival.open_loop:
            raise ValueError(_CONCURRENCY_RULE["message"])
        if self.phases and self.phases[0].operation is not Operation.CREATE:
            raise ValueError(_FIRST_PHASE_RULE["message"])
        if self.workload.rgd is not None and any(phase.needs_values for phase in self.phases):
            raise ValueError(_VALUES_RULE["message"])
        shards = self.load.shards
        if self.phases and shards > 1:
            raise ValueError(_SHARDED_PHASES_RULE["message"])
        if shards > min(self.workload.instances, self.concurrency or shards):
            raise ValueError(_SHARDS_RULE["message"])
        plain = not (self.load.arrival.open_loop or self.phases or self.thresholds or shards > 1)
        if self.workload.cel is not None and not plain:
            raise ValueError(_CEL_TEST_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                _CONCURRENCY_RULE,
                _FIRST_PHASE_RULE,
                _VALUES_RULE,
                _SHARDED_PHASES_RULE,
                _SHARDS_RULE,
                _CEL_TEST_RULE,
                *PRECISION_RULES,
            ]
        }
    }


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
