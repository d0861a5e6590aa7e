"""The tests of a ``KroBenchmark``: their settings, iterations, order and differences."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from krobench.api.annotations import Between
from krobench.api.common import Duration, Namespace, Percentage, SpecModel
from krobench.api.refusal import DNS_LABEL_PATTERN, FieldError
from krobench.api.rules import Rule, every, has, implies, one_of, size, some, this
from krobench.api.specs.kro import Target
from krobench.api.specs.load import Load, LoadPhase
from krobench.api.specs.workload import Workload

MIN_ITERATIONS = 3
"""Fewest iterations with a precision: the interval of two is 13 standard errors wide."""

ThresholdExpression = Annotated[str, StringConstraints(min_length=1, max_length=512)]
TestName = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=40)]
Iterations = Annotated[int, Field(ge=1, le=100)]
Warmup = Annotated[int, Field(ge=0, le=20)]
Concurrency = Annotated[int, Field(ge=1, le=1000)]
Timeout = Annotated[Duration, Between("1s", "24h")]


class Order(StrEnum):
    """In which order iterations run; ``krobench.workload.schedule`` lays them out."""

    SEQUENTIAL = "Sequential"
    INTERLEAVED = "Interleaved"


class Precision(SpecModel):
    """When a test has enough iterations. After the minimum (iterations), more follow until the 95%
    interval of the mean of the iterations' median times until ready is narrow enough."""

    target: Percentage = "5%"
    """How far the upper end of that interval is above the mean, relative to the mean."""
    max_iterations: Annotated[int, Field(ge=MIN_ITERATIONS, le=100)] = 20
    """Number of measured iterations after which the test ends even if it is not precise enough."""

    @property
    def target_ratio(self) -> float:
        """``target`` as a ratio."""
        return float(self.target.removesuffix("%")) / 100


class Defaults(SpecModel):
    """Settings of all tests. A test can override each of them."""

    iterations: Iterations = 3
    """Number of measured iterations of each test; with precision, the minimum."""
    precision: Precision | None = None
    """Adds iterations to each test until its main figure is precise enough."""
    warmup: Warmup | None = None
    """Number of iterations before the measured ones whose results are stored but not summarised.
    By default one, with decide of the first test only; in addition, measured iterations at the
    start that turn out not to be in the steady state count as warm-up, which takes at least 12
    iterations to detect."""
    concurrency: Concurrency = 10
    """Number of instances in progress at any time in a closed loop: a new instance is created when
    another one becomes ready. Ignored for open-loop tests (load.arrival)."""
    timeout: Timeout = "10m"
    """Time limit for the set-up and run of one iteration. A test that exceeds it fails."""
    namespace: Namespace | None = None
    """Namespace of the instances; by default, the run creates its own."""

    rules = (
        Rule(
            implies(has(this.precision), this.iterations >= MIN_ITERATIONS),
            f"must be at least {MIN_ITERATIONS} with precision",
            field="iterations",
        ),
        Rule(
            implies(has(this.precision), this.precision.max_iterations >= this.iterations),
            "must not be below iterations",
            field="precision.maxIterations",
        ),
    )


_SHARDED = this.load.shards > 1


class Test(SpecModel):
    """A test of the benchmark."""

    __test__ = False  # pytest would collect a class of this name
    renamed: ClassVar[Mapping[str, str]] = {"steps": "phases"}

    name: TestName
    """Name of the test, unique in the benchmark."""
    workload: Workload
    """What is created."""
    load: Load = Field(default_factory=Load)
    """When it is created."""
    phases: Annotated[list[LoadPhase], Field(max_length=16)] = Field(default_factory=list)
    """The phases of the load, run one after another. If empty, all instances are created."""
    minus: TestName | None = None
    """Name of another test with the same size and load. The report shows the difference between
    this test and that one for every figure."""
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
    """CEL expressions over the results of this test. The test passes if all of them are true."""

    rules = (
        Rule(
            implies(has(this.concurrency), this.load.arrival == "closed"),
            "set concurrency only with load.arrival closed: an open loop follows its schedule",
            field="concurrency",
        ),
        Rule(
            implies(
                has(this.phases) & (size(this.phases) > 0), this.phases[0].operation == "create"
            ),
            "the first phase must have operation create: there are no instances before it",
            field="phases",
        ),
        Rule(
            implies(
                has(this.workload.rgd) & has(this.phases),
                every(
                    this.phases,
                    lambda phase: implies(
                        one_of(phase.operation, "update", "mix"), has(phase.values)
                    ),
                ),
            ),
            "with an RGD of your own, set values in every phase of operation update or mix: the "
            "fields of the spec that change",
            field="phases",
        ),
        Rule(
            implies(
                this.workload.keep_rgds & has(this.phases),
                every(this.phases, lambda phase: phase.operation != "update-rgd"),
            ),
            "leave it out with a phase of operation update-rgd: each iteration must begin with the "
            "same RGDs",
            field="workload.keepRgds",
        ),
        Rule(
            implies(_SHARDED, ~has(this.phases) | (size(this.phases) == 0)),
            "must be 1 with phases: only creation can be sharded",
            field="load.shards",
        ),
        Rule(
            (this.load.shards <= this.workload.instances)
            & implies(has(this.concurrency), this.load.shards <= this.concurrency),
            "must not exceed workload.instances or concurrency: a shard would have nothing to do",
            field="load.shards",
        ),
        Rule(
            implies(
                has(this.workload.cel),
                (this.load.arrival == "closed")
                & ~has(this.phases)
                & ~has(this.thresholds)
                & ~_SHARDED,
            ),
            "leave out load, phases and thresholds with workload.cel: how expressions are "
            "measured is fixed",
        ),
    )


MINUS_RULES = (
    Rule(
        every(
            this.tests,
            lambda test: implies(
                has(test.minus),
                some(
                    this.tests,
                    lambda other: (other.name == test.minus) & (other.name != test.name),
                ),
            ),
        ),
        "must name another test of this benchmark",
        field="tests[].minus",
    ),
    Rule(
        implies(some(this.tests, lambda test: has(test.minus)), this.order == "Interleaved"),
        "must be Interleaved if a test has minus: otherwise, a drift of the cluster between two "
        "tests would appear as their difference",
        field="order",
    ),
    Rule(
        every(
            this.tests,
            lambda test: implies(
                has(test.minus),
                every(
                    this.tests,
                    lambda other: (
                        (other.name != test.minus)
                        | (
                            ~has(other.workload.cel)
                            & ~has(test.workload.cel)
                            & (other.workload.instances == test.workload.instances)
                            & (other.workload.rgds == test.workload.rgds)
                        )
                    ),
                ),
            ),
        ),
        "must name a test with the same workload.instances and workload.rgds and without "
        "workload.cel: otherwise, the difference would be one of size, which the report shows as "
        "slopes",
        field="tests[].minus",
    ),
)


def check_minus(tests: Sequence[Test], defaults: Defaults) -> None:
    """Check that tests whose difference is wanted have the same load, which CEL cannot compare.

    Raises:
        FieldError: if they differ in more than their workloads.
    """
    by_name = {test.name: test for test in tests}
    for index, test in enumerate(tests):
        if test.minus is not None:
            other = by_name[test.minus]
            differing = ", ".join(_differing(test, other, defaults))
            if differing:
                raise FieldError(
                    f"tests[{index}].minus",
                    f"{test.name} and {other.name} differ in {differing}: use the same values in "
                    "both, so that the difference comes from their workloads",
                )


def _differing(test: Test, other: Test, defaults: Defaults) -> Iterator[str]:
    if test.load != other.load:
        yield "load"
    if (test.concurrency or defaults.concurrency) != (other.concurrency or defaults.concurrency):
        yield "concurrency"
    operations, others = (
        [phase.model_dump(exclude={"values"}) for phase in each.phases] for each in (test, other)
    )
    if operations != others:
        yield "phases"
    if test.target != other.target:
        yield "target"
