"""What a comparison of runs rests on, and what it gives, in the form in which both are stored."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from krobench.api.common import ApiModel, ErrorInfo
from krobench.api.specs.results import DifferenceKind
from krobench.figures.environment import Environment

BASELINE_SCHEMA: Literal["krobench.baseline/v1"] = "krobench.baseline/v1"


class Better(StrEnum):
    """Which way a metric is better."""

    LOWER = "Lower"
    HIGHER = "Higher"


class MetricVerdict(StrEnum):
    """What became of a metric, or of all primary ones."""

    BETTER = "Better"
    WORSE = "Worse"
    SAME = "Same"
    INCONCLUSIVE = "Inconclusive"


class Replicates(StrEnum):
    """What stands for one independent repetition."""

    RUNS = "Runs"
    RESTARTS = "Restarts"
    """Of kro, between visits to a variant within one run."""
    ITERATIONS = "Iterations"


class TestEstimates(ApiModel):
    """What a run says of one test."""

    __test__ = False  # pytest would collect a class of this name

    name: str
    workload: dict[str, str]
    """What was done, by the name of the setting: must be alike in runs that are compared."""
    iterations: list[dict[str, float | None]]
    """Of each measured iteration that went well, its numbers by name; never raw lines."""


class RunEstimates(ApiModel):
    """What a run says, as far as comparisons need it."""

    id: str
    """UID of the custom resource."""
    name: str
    namespace: str
    start_time: str
    environment: Environment
    unusable: ErrorInfo | None = None
    """Why the run must not be compared: it is invalid, or was given up."""
    tests: list[TestEstimates] = Field(default_factory=list)


class Baseline(ApiModel):
    """A file with runs to compare with, small enough to be committed."""

    schema_: Literal["krobench.baseline/v1"] = Field(default=BASELINE_SCHEMA, alias="schema")
    runs: list[RunEstimates]


class Difference(ApiModel):
    """Something in which the runs differ."""

    kind: DifferenceKind
    test: str | None = None
    """None: it is no matter of a single test."""
    what: str
    old: list[str]
    """All values on the old side."""
    new: list[str]
    allowed: bool


class MetricComparison(ApiModel):
    """One metric of one test, old against new."""

    test: str
    metric: str
    primary: bool
    better: Better
    old_replicates: int
    new_replicates: int
    old_median: float | None = None
    new_median: float | None = None
    ratio: float | None = None
    """New over old."""
    ratio_low: float | None = None
    """Lower end of the ratio's 95 % interval; None where there are too few values for one."""
    ratio_high: float | None = None
    p: float | None = None
    """Two-sided: of the exact Mann-Whitney test; with fewer than 4 replicates on one side and at
    least 4 on the other, of Student's t on logarithms."""
    adjusted_p: float | None = None
    """The same after Benjamini and Hochberg, over all primary metrics; None: exploratory."""
    verdict: MetricVerdict | None = None
    """None: exploratory, for which there are no verdicts."""
    more_needed: int | None = None
    """How many more replicates a side a verdict needs at least, as far as can be said."""
    note: str | None = None
    """Why there is no verdict, in words."""


class Comparison(ApiModel):
    """Runs against others."""

    old: str
    """What the old side is called."""
    new: str
    old_runs: list[str]
    """The runs that were compared, as namespace/name (UID)."""
    new_runs: list[str]
    replicates: Replicates | None = None
    minimum_effect: float
    """A change of less than this share is none."""
    fails_run: bool = False
    """Whether the run that was compared fails where a primary metric is worse."""
    refused: ErrorInfo | None = None
    """Why there is no comparison."""
    differences: list[Difference] = Field(default_factory=list)
    left_out: list[str] = Field(default_factory=list)
    """Runs and tests that were not compared, and why."""
    metrics: list[MetricComparison] = Field(default_factory=list)
    verdict: MetricVerdict | None = None
    """Worse if any primary metric is, else Better if any is, else Same if all are."""

    @property
    def failed(self) -> bool:
        """Whether the run fails by this comparison."""
        return self.fails_run and self.verdict is MetricVerdict.WORSE

    @property
    def undecided(self) -> bool:
        """Whether nothing can be said of some metric that a verdict was asked for."""
        return any(metric.verdict is MetricVerdict.INCONCLUSIVE for metric in self.primary)

    @property
    def primary(self) -> list[MetricComparison]:
        """Return the metrics that a verdict was asked for."""
        return [metric for metric in self.metrics if metric.primary]
