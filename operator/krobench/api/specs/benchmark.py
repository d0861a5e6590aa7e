"""``KroBenchmark``: a suite of tests that runs once."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from krobench.api.annotations import Keyed
from krobench.api.common import DEFAULT_EMPTY, SpecModel
from krobench.api.rules import (
    Expression,
    Rule,
    choose,
    every,
    has,
    implies,
    one_of,
    size,
    some,
    this,
)
from krobench.api.specs.collect import Collect
from krobench.api.specs.decide import Decide
from krobench.api.specs.kro import Target, Variant
from krobench.api.specs.results import BASELINE_IS_KEPT, BaselineSource, Cleanup, Results
from krobench.api.specs.suite import (
    MIN_ITERATIONS,
    MINUS_RULES,
    Defaults,
    Order,
    Test,
    check_minus,
)
from krobench.api.specs.validity import ValiditySettings
from krobench.api.specs.webhook import Webhook

MAX_TESTS = 32
"""Most tests, times variants."""

_PRECISION_RULES = (
    Rule(
        every(
            this.tests,
            lambda test: implies(
                has(test.precision) | has(this.defaults.precision),
                choose(has(test.iterations), test.iterations, this.defaults.iterations)
                >= MIN_ITERATIONS,
            ),
        ),
        f"must be at least {MIN_ITERATIONS} with precision",
        field="tests[].iterations",
    ),
    Rule(
        every(
            this.tests,
            lambda test: implies(
                has(test.precision) | has(this.defaults.precision),
                choose(
                    has(test.precision),
                    test.precision.max_iterations,
                    this.defaults.precision.max_iterations,
                )
                >= choose(has(test.iterations), test.iterations, this.defaults.iterations),
            ),
        ),
        "must not be above precision.maxIterations",
        field="tests[].iterations",
    ),
)


def _has_phase(test: Expression, *operations: str) -> Expression:
    return has(test.phases) & some(test.phases, lambda phase: one_of(phase.operation, *operations))


_MANAGED_RULES = (
    Rule(
        implies(this.target.managed, ~(has(this.variants) & (size(this.variants) > 0))),
        "cannot be set with target.managed: the provider of the cluster configures its kro",
        field="variants",
    ),
    Rule(
        implies(
            this.target.managed,
            ~(has(this.collect.profiles) & (size(this.collect.profiles) > 0)),
        ),
        "cannot be set with target.managed: only a kro with a pod in the cluster can be profiled",
        field="collect.profiles",
    ),
    Rule(
        every(
            this.tests,
            lambda test: implies(
                choose(has(test.target), test.target.managed, this.target.managed),
                ~has(test.workload.cel),
            ),
        ),
        "cannot be set if kro is managed: the costs of expressions are read from kro's own metrics",
        field="tests[].workload.cel",
    ),
    Rule(
        every(
            this.tests,
            lambda test: implies(
                choose(has(test.target), test.target.managed, this.target.managed),
                ~_has_phase(test, "restart", "upgrade"),
            ),
        ),
        "cannot have operation restart or upgrade if kro is managed: krobench cannot replace its "
        "pods",
        field="tests[].phases",
    ),
    Rule(
        implies(
            has(this.collect.profiles) & (size(this.collect.profiles) > 0),
            every(this.tests, lambda test: ~_has_phase(test, "restart", "upgrade")),
        ),
        "leave out with a phase of operation restart or upgrade: a profile is one of a single "
        "process",
        field="collect.profiles",
    ),
)
_HAS_VARIANTS = has(this.variants) & (size(this.variants) > 0)
_VARIANT_RULES = (
    Rule(
        every(
            this.tests,
            lambda test: implies(_has_phase(test, "upgrade"), ~_HAS_VARIANTS & ~has(test.target)),
        ),
        "with operation upgrade, leave out target of the test and variants: it changes the image "
        "of the kro in spec.target",
        field="tests[].phases",
    ),
    Rule(
        implies(_HAS_VARIANTS, size(this.variants) > 1),
        "set at least two variants: the first is what the others are compared with, and may have "
        "only a name, for kro as it is",
        field="variants",
    ),
    Rule(
        implies(_HAS_VARIANTS, every(this.tests, lambda test: ~has(test.target))),
        "leave out target in tests with variants, which apply to spec.target",
        field="tests",
    ),
    Rule(
        implies(_HAS_VARIANTS, some(this.tests, lambda test: ~has(test.workload.cel))),
        "add a test without workload.cel: with variants, expressions are measured under each "
        "variant but not compared",
        field="tests",
    ),
    Rule(
        implies(has(this.decide), _HAS_VARIANTS),
        "set decide only with variants: it says when their comparison ends",
        field="decide",
    ),
    Rule(
        implies(_HAS_VARIANTS, size(this.tests) * size(this.variants) <= MAX_TESTS),
        f"the number of tests times the number of variants must not exceed {MAX_TESTS}",
        field="variants",
    ),
)


_ONE_ITERATION_TO_KEEP = Rule(
    every(
        this.tests,
        lambda test: implies(
            (this.cleanup == "Never") & has(test.workload.rgd),
            (choose(has(test.iterations), test.iterations, this.defaults.iterations) == 1)
            & (
                (has(test.warmup) & (test.warmup == 0))
                | (~has(test.warmup) & has(this.defaults.warmup) & (this.defaults.warmup == 0))
            ),
        ),
    ),
    "with cleanup Never and an RGD of your own, set this to 1 and warmup to 0: the kind of the "
    "first iteration is still there in the second",
    field="tests[].iterations",
)


class KroBenchmarkSpec(SpecModel):
    """What to measure."""

    suspend: bool = False
    """Whether the run waits until this is set to false, before it is queued. It can change only
    until the run has started."""
    target: Target = Field(default_factory=Target, json_schema_extra=DEFAULT_EMPTY)
    """The kro to measure."""
    defaults: Defaults = Field(default_factory=Defaults, json_schema_extra=DEFAULT_EMPTY)
    """Settings of all tests."""
    tests: Annotated[list[Test], Field(min_length=1, max_length=MAX_TESTS), Keyed()]
    """The tests, in the order in which they run."""
    order: Order = Order.SEQUENTIAL
    """In which order iterations run. Sequential: all iterations of a test, then those of the next
    test. Interleaved: the first iteration of each test, then the second of each in reverse order,
    and so on, so that a drift of the cluster affects all tests alike."""
    variants: Annotated[list[Variant], Field(max_length=8), Keyed()] = Field(default_factory=list)
    """Configurations of kro to compare; the first is what the others are compared with. The run
    changes kro's Deployment for each variant in turn and restores it at the end. Requires the chart
    value variants.enabled."""
    decide: Decide | None = None
    """Ends the comparison of variants as soon as it is decided. The number of iterations then
    follows from it: iterations and precision do not apply."""
    collect: Collect = Field(default_factory=Collect, json_schema_extra=DEFAULT_EMPTY)
    """How kro and the cluster are sampled."""
    results: Results = Field(default_factory=Results, json_schema_extra=DEFAULT_EMPTY)
    """Where results are stored."""
    validity: ValiditySettings = Field(
        default_factory=ValiditySettings, json_schema_extra=DEFAULT_EMPTY
    )
    """Thresholds beyond which the run is marked invalid."""
    baseline: BaselineSource | None = None
    """What to compare the run with when it ends."""
    webhook: Webhook | None = None
    """A URL that gets a CloudEvent when the run has ended."""
    cleanup: Cleanup = Cleanup.ALWAYS
    """When to delete the objects of an iteration: Always, OnSuccess (objects of a failed iteration
    stay for inspection) or Never."""

    rules = (
        *_PRECISION_RULES,
        Rule(
            every(
                this.tests,
                lambda test: implies(
                    (test.load.arrival == "closed") & ~has(test.concurrency),
                    test.load.shards <= this.defaults.concurrency,
                ),
            ),
            "must not exceed defaults.concurrency",
            field="tests[].load.shards",
        ),
        *MINUS_RULES,
        *_MANAGED_RULES,
        _ONE_ITERATION_TO_KEEP,
        *_VARIANT_RULES,
        BASELINE_IS_KEPT,
    )

    @model_validator(mode="after")
    def _check_minus(self) -> Self:
        check_minus(self.tests, self.defaults)
        return self
