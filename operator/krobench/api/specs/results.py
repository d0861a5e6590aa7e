"""How results are stored and compared."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from krobench.api.common import ConfigMapName, Percentage, SpecModel
from krobench.api.rules import Rule, has, implies, this

MAX_KEPT_RUNS = 100
FEWEST_PREVIOUS_RUNS = 20
"""Earlier runs from which a verdict may follow: fewer do not show how much days differ."""

PrimaryMetric = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.]+(:(Lower|Higher))?$", max_length=128)
]


Moment = Annotated[
    str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$", max_length=20)
]
"""A time as in a run's startTime."""


class Cleanup(StrEnum):
    """When the objects of an iteration are deleted."""

    ALWAYS = "Always"
    ON_SUCCESS = "OnSuccess"
    NEVER = "Never"

    def keeps(self, *, success: bool) -> bool:
        """Whether the objects of an iteration, test or run with this outcome are kept."""
        return self is Cleanup.NEVER or (self is Cleanup.ON_SUCCESS and not success)


class Retention(SpecModel):
    """How long results outlive their run."""

    runs: Annotated[int, Field(ge=1, le=MAX_KEPT_RUNS)]
    """Number of completed runs whose results are kept, each in a ConfigMap <name>-run-<id>. Older
    ones are deleted. Runs of the same kind and name count together, and all runs of a schedule."""


class Results(SpecModel):
    """Where results are stored."""

    config_map_name: ConfigMapName | None = None
    """Name of the results ConfigMap; by default ``<name>-results``."""
    retention: Retention | None = None
    """Keeps results after the run's resource is deleted. By default they are deleted with it."""


class DifferenceKind(StrEnum):
    """What may differ between runs and make their comparison misleading."""

    WORKLOAD = "Workload"
    KRO_VERSION = "KroVersion"
    KRO_FLAGS = "KroFlags"
    KRO_ENV = "KroEnv"
    KRO_RESOURCES = "KroResources"
    KUBERNETES = "Kubernetes"
    NODES = "Nodes"
    KROBENCH = "Krobench"


class BaselineRef(SpecModel):
    """A ConfigMap in the namespace of the run."""

    name: ConfigMapName
    """Name of the ConfigMap."""
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] | None = (
        None
    )
    """Key in its data; by default baseline.json or, if there is none, run.json."""


class BaselineSource(SpecModel):
    """What a run is compared with when it ends."""

    config_map_ref: BaselineRef | None = None
    """A baseline written by krobench baseline export, or the results of a run; of the same kind as
    the run."""
    previous_runs: Annotated[int, Field(ge=1, le=MAX_KEPT_RUNS)] | None = None
    """Number of previous runs to compare with: the first ones with this name, or of the same
    schedule, whose results are kept. The baseline then stays as it is until you change since, so
    that a regression does not become part of it. A verdict of better or worse takes 20."""
    since: Moment | None = None
    """With previousRuns, only runs that started then or later belong to the baseline. Set it to the
    start of the first run after a change that you accept."""
    allow_different: Annotated[list[DifferenceKind], Field(max_length=8)] = Field(
        default_factory=list
    )
    """What may differ between the runs. If anything else that matters differs, they are not
    compared."""
    minimum_effect: Percentage = "5%"
    """Smallest relative change that matters. Smaller changes count as the same."""
    primary: Annotated[list[PrimaryMetric], Field(max_length=16)] = Field(default_factory=list)
    """Metrics that get a verdict, named as in thresholds, with :Lower or :Higher for the direction
    that is better. If empty: latency, throughput, and kro's CPU, memory and requests. Not for a
    KroScaleTest, which is compared by its limit."""
    fail_when_worse: bool = False
    """Whether the run fails if a primary metric is worse."""

    rules = (
        Rule(
            has(this.config_map_ref) != has(this.previous_runs),
            "set exactly one of configMapRef and previousRuns",
        ),
        Rule(
            implies(has(this.since), has(this.previous_runs)),
            "set since only with previousRuns",
            field="since",
        ),
        Rule(
            implies(
                this.fail_when_worse & has(this.previous_runs),
                this.previous_runs >= FEWEST_PREVIOUS_RUNS,
            ),
            f"must be at least {FEWEST_PREVIOUS_RUNS} with failWhenWorse: fewer earlier runs give "
            "no verdict of worse",
            field="previousRuns",
        ),
    )


BASELINE_IS_KEPT = Rule(
    implies(
        has(this.baseline) & has(this.baseline.previous_runs),
        has(this.results.retention) & (this.results.retention.runs >= this.baseline.previous_runs),
    ),
    "set results.retention.runs to at least as many: only kept results can be compared",
    field="baseline.previousRuns",
)
"""Of specs with a ``baseline`` and ``results``."""
