"""A comparison of runs: its verdicts, and why one has none."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.findings.estimates import Difference
from krobench.findings.finding import Finding, Quoted
from krobench.findings.incomparable import AnyOmission, AnyRefusal


class Better(StrEnum):
    """Which way a metric is better."""

    LOWER = "Lower"
    HIGHER = "Higher"


class MetricVerdict(StrEnum):
    """How a metric changed, or all primary ones together."""

    BETTER = "Better"
    WORSE = "Worse"
    MIXED = "Mixed"
    """Of several metrics: some are better, others worse."""
    NO_SLOWDOWN = "NoSlowdown"
    """Not worse by the minimum effect; whether it is better or the same is not shown."""
    SAME = "Same"
    INCONCLUSIVE = "Inconclusive"


class Replicates(StrEnum):
    """What counts as one independent observation."""

    RUNS = "Runs"
    RESTARTS = "Restarts"
    """Of kro, between visits to a variant within one run; stored by older versions."""
    BLOCKS = "Blocks"
    """One restart of kro with each variant, in random order, within one run."""
    ITERATIONS = "Iterations"


Side = Literal["old", "new"]


class NotMeasured(Finding):
    """A metric is not available on some side."""

    code: Literal["NotMeasured"] = "NotMeasured"
    sides: list[Side]


class NoRatio(Finding):
    """There is no ratio, because a value is zero or negative, and too few for a difference."""

    code: Literal["NoRatio"] = "NoRatio"


class MoreReplicates(Finding):
    """No verdict is possible with so few replicates."""

    code: Literal["MoreReplicates"] = "MoreReplicates"
    more: int
    of: Replicates
    side: Literal["each", "either", "smaller"]
    """Which side needs them. either: at least one of them. each: stored by older versions."""
    fewest: int
    """Replicates of the smaller side."""
    smallest_p: float | None = None
    """Stored by older versions, as are the next two."""
    needed_p: float | None = None
    tests: int | None = None


class Undecided(Finding):
    """The replicates show neither a change nor that there is none."""

    code: Literal["Undecided"] = "Undecided"
    of: Replicates
    detectable: float | None = None
    """The smallest change, as a share, that so many replicates with this scatter show in 9 of 10
    comparisons; None if there is no ratio."""


class OnlyIterations(Finding):
    """Each side is a single run, whose iterations do not show the drift between two runs."""

    code: Literal["OnlyIterations"] = "OnlyIterations"
    runs: int
    """Runs that at least one side needs."""


class TooFewBlocks(Finding):
    """So few blocks allow no verdict."""

    code: Literal["TooFewBlocks"] = "TooFewBlocks"
    had: int
    needed: int
    by_decide: bool = False
    """Whether ``spec.decide`` ended the run, not a number of iterations."""


class FewEarlierRuns(Finding):
    """Earlier runs show a change, but too few of them to know how much days differ."""

    code: Literal["FewEarlierRuns"] = "FewEarlierRuns"
    had: int
    needed: int


class TooClose(Finding):
    """Stored by older versions: no sensible number of replicates would give a verdict."""

    code: Literal["TooClose"] = "TooClose"
    of: Replicates
    most: int | None = None
    """The most that a spec allows."""


class MoreIterations(Finding):
    """Stored by older versions: the ratio of two limits needs more iterations."""

    code: Literal["MoreIterations"] = "MoreIterations"
    needed: int
    had: int


class LimitsUnknown(Finding):
    """Some limits of a side are not known with an interval."""

    code: Literal["LimitsUnknown"] = "LimitsUnknown"
    side: Side
    limits: int
    """Limits of the side."""
    above: int = 0
    """Those that are above all sizes tried."""
    below: int = 0
    bracketed: int = 0
    """Those that are only known to be between two sizes."""
    low: float | None = None
    """Of a single limit: the sizes that it lies between, above or below."""
    high: float | None = None


AnyInconclusive = Annotated[
    NotMeasured
    | NoRatio
    | MoreReplicates
    | Undecided
    | FewEarlierRuns
    | TooFewBlocks
    | OnlyIterations
    | TooClose
    | MoreIterations
    | LimitsUnknown
    | Quoted,
    Field(discriminator="code"),
]


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
    """Lower end of the ratio's 95 % interval; None if there are too few values for one."""
    ratio_high: float | None = None
    difference: float | None = None
    """New minus old, if a value is zero: then there is no ratio."""
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None
    """Two-sided: of the exact Mann-Whitney test; with fewer than 4 replicates on one side and at
    least 4 on the other, of Student's t on logarithms. None of blocks."""
    adjusted_p: float | None = None
    """Corrected for all primary metrics together; None: exploratory."""
    verdict: MetricVerdict | None = None
    """None: exploratory, without a verdict."""
    more_needed: int | None = None
    """Stored by older versions."""
    note: AnyInconclusive | None = None
    """Why there is no verdict."""


class Comparison(ApiModel):
    """Runs against others."""

    old: str
    """What the old side is called."""
    new: str
    old_runs: list[str]
    """The runs that were compared, as namespace/name (UID); of variants, the blocks, as
    variant/number."""
    new_runs: list[str]
    most_blocks: int | None = None
    """The most blocks that there could have been, if the run ended as soon as it was decided."""
    no_slowdown_of: float | None = None
    """Of blocks: the slow-down, as a share, that the verdict NoSlowdown rules out."""
    replicates: Replicates | None = None
    minimum_effect: float
    """A change of less than this share is none."""
    fails_run: bool = False
    """Whether the run that was compared fails if a primary metric is worse."""
    refused: AnyRefusal | None = None
    """Why there is no comparison."""
    differences: list[Difference] = Field(default_factory=list)
    left_out: list[AnyOmission] = Field(default_factory=list)
    """Runs and tests that were not compared, and why."""
    metrics: list[MetricComparison] = Field(default_factory=list)
    verdict: MetricVerdict | None = None
    """Of all primary metrics: Mixed if some are better and others worse, else Worse or Better if
    any is, else Same if all are."""

    @property
    def worse(self) -> bool:
        """Whether a primary metric is worse, whatever else is better."""
        return self.verdict in (MetricVerdict.WORSE, MetricVerdict.MIXED)

    @property
    def failed(self) -> bool:
        """Whether the run fails by this comparison."""
        return self.fails_run and self.worse

    @property
    def undecided(self) -> bool:
        """Whether some primary metric is inconclusive."""
        return any(metric.verdict is MetricVerdict.INCONCLUSIVE for metric in self.primary)

    @property
    def primary(self) -> list[MetricComparison]:
        return [metric for metric in self.metrics if metric.primary]
