"""``KroBenchmark``: a suite of tests that is run once."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from krobench.api.common import ApiModel, ConfigMapName, FieldError, map_keyed_by
from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import (
    MAX_TESTS,
    VARIANTS_CEL_RULE,
    VARIANTS_COUNT_RULE,
    VARIANTS_RULE,
    VARIANTS_TARGET_RULE,
    Target,
    Variant,
    check_variants,
)
from krobench.api.specs.results import RETENTION_RULE, BaselineSource, Retention, ValiditySettings
from krobench.api.specs.suite import (
    MINUS_NAME_RULE,
    MINUS_ORDER_RULE,
    MINUS_SIZE_RULE,
    Defaults,
    Order,
    Test,
    check_minus,
    check_precision,
)

# The API server then fills in the defaults of the fields inside.
_DEFAULT_EMPTY: JsonDict = {"default": {}}


class Cleanup(StrEnum):
    """When the objects of an iteration are deleted."""

    ALWAYS = "Always"
    ON_SUCCESS = "OnSuccess"
    NEVER = "Never"

    def keeps(self, *, success: bool) -> bool:
        """Whether what such an iteration, test or run has made is kept."""
        return self is Cleanup.NEVER or (self is Cleanup.ON_SUCCESS and not success)


class Results(ApiModel):
    """Where results are stored."""

    config_map_name: ConfigMapName | None = None
    """Name of the results ConfigMap; ``<name>-results`` when absent."""
    retention: Retention | None = None
    """Keeps results when the KroBenchmark is deleted; they go with it when absent."""


class KroBenchmarkSpec(ApiModel):
    """What to measure."""

    target: Target = Field(default_factory=Target, json_schema_extra=_DEFAULT_EMPTY)
    """The kro to be measured."""
    defaults: Defaults = Field(default_factory=Defaults, json_schema_extra=_DEFAULT_EMPTY)
    """Settings of the suite."""
    tests: Annotated[
        list[Test],
        Field(
            min_length=1,
            max_length=MAX_TESTS,
            json_schema_extra=map_keyed_by("name"),
        ),
    ]
    """The tests, run in this order."""
    order: Order = Order.SEQUENTIAL
    """Whose turn it is: Sequential (all iterations of a test, then those of the next), or
    Interleaved (the first iteration of each test, then the second of each in the opposite order,
    and so on), so that a drift of the cluster weighs on all tests alike."""
    variants: Annotated[
        list[Variant],
        Field(
            max_length=8,
            json_schema_extra=map_keyed_by("name"),
        ),
    ] = Field(default_factory=list)
    """Variants of kro to be compared with the first of them. kro's Deployment is changed for each
    in turns, and restored at the end; the chart must be installed with variants.enabled."""
    collect: Collect = Field(default_factory=Collect, json_schema_extra=_DEFAULT_EMPTY)
    """Sampling of kro and the cluster."""
    results: Results = Field(default_factory=Results, json_schema_extra=_DEFAULT_EMPTY)
    """Storage of the results."""
    validity: ValiditySettings = Field(
        default_factory=ValiditySettings, json_schema_extra=_DEFAULT_EMPTY
    )
    """From where on the run is invalid."""
    baseline: BaselineSource | None = None
    """What the run is compared with when it ends."""
    cleanup: Cleanup = Cleanup.ALWAYS
    """When the objects of an iteration are deleted: Always, OnSuccess (a failed iteration's
    objects stay for inspection), or Never."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for index, test in enumerate(self.tests):
            closed = test.concurrency is None and not test.load.arrival.open_loop
            if closed and test.load.shards > self.defaults.concurrency:
                raise FieldError(
                    f"tests[{index}].load.shards", "must not exceed defaults.concurrency"
                )
            self._check_precision(index, test)
        check_variants(
            [variant.name for variant in self.variants],
            len(self.tests),
            own_targets=any(test.target is not None for test in self.tests),
            only_expressions=all(test.workload.cel is not None for test in self.tests),
        )
        names = [test.name for test in self.tests]
        for name in names:
            if names.count(name) > 1:
                raise FieldError("tests", f"the name {name!r} is used more than once")
        check_minus(self.tests, self.defaults, self.order)
        kept = self.results.retention.runs if self.results.retention is not None else 0
        if self.baseline is not None and (self.baseline.previous_runs or 0) > kept:
            raise ValueError(RETENTION_RULE["message"])
        return self

    def _check_precision(self, index: int, test: Test) -> None:
        iterations = test.iterations or self.defaults.iterations
        try:
            check_precision(iterations, test.precision or self.defaults.precision)
        except ValueError as error:
            raise FieldError(f"tests[{index}]", str(error)) from error

    model_config = ApiModel.model_config | {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                RETENTION_RULE,
                MINUS_NAME_RULE,
                MINUS_ORDER_RULE,
                MINUS_SIZE_RULE,
                VARIANTS_RULE,
                VARIANTS_TARGET_RULE,
                VARIANTS_CEL_RULE,
                VARIANTS_COUNT_RULE,
            ]
        }
    }
