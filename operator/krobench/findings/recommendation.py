"""What to change, with the numbers that it is based on."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from krobench.api.common import ApiModel
from krobench.api.specs.kro import Variant
from krobench.findings.bottleneck import AnySubject, BottleneckKind
from krobench.findings.comparison import AnyInconclusive, MetricVerdict, Replicates
from krobench.findings.evidence import Evidence
from krobench.findings.finding import Finding, Quoted, quoted
from krobench.findings.incomparable import AnyRefusal
from krobench.findings.scaling import AnyStop


class Area(StrEnum):
    """Who has to change something, and where."""

    KRO_FLAG = "KroFlag"
    KRO_RESOURCES = "KroResources"
    RGD_SHAPE = "RGDShape"
    CLUSTER = "Cluster"
    KRO_CODE = "KroCode"
    LOAD = "Load"


class Confidence(StrEnum):
    """How sure a recommendation is."""

    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"


class MoreInstanceWorkers(Finding):
    """More workers for instances."""

    code: Literal["MoreInstanceWorkers"] = "MoreInstanceWorkers"
    workers: int
    wanted: int
    gain: float
    """At most so many times as many instances per second."""
    work_seconds: float
    """That an instance takes of a worker's time."""
    bounded_by: Literal["CPULimit", "NodeCPU"] | None
    """What limits the gain; None if the CPU's bounds are unknown."""
    bound_per_second: float | None


class MoreRGDWorkers(Finding):
    """More workers for RGDs and their revisions."""

    code: Literal["MoreRGDWorkers"] = "MoreRGDWorkers"
    wanted: int
    wanted_for_revisions: int
    gain: float
    seconds_per_rgd: float


class NoWatchList(Finding):
    """client-go's watch-lists switched off."""

    code: Literal["NoWatchList"] = "NoWatchList"
    seconds_per_rgd: float


class ShorterRequeues(Finding):
    """A shorter interval between two reconciles of an instance that is not ready."""

    code: Literal["ShorterRequeues"] = "ShorterRequeues"
    interval: str
    wanted: str
    factor: float
    """The interval over the wanted one."""


class FailingReconciles(Finding):
    """The cause of failing reconciles found and removed."""

    code: Literal["FailingReconciles"] = "FailingReconciles"
    failed_ratio: float


class HigherMemoryLimit(Finding):
    """A higher memory limit of kro."""

    code: Literal["HigherMemoryLimit"] = "HigherMemoryLimit"
    limit: str
    wanted: str
    killed: bool
    """Whether kro was OOM-killed; otherwise it came close to the limit."""


class HigherGoMemoryLimit(Finding):
    """A higher GOMEMLIMIT, or none."""

    code: Literal["HigherGoMemoryLimit"] = "HigherGoMemoryLimit"
    wanted: str


class HigherMemoryRequest(Finding):
    """A memory request of what kro uses."""

    code: Literal["HigherMemoryRequest"] = "HigherMemoryRequest"
    request: str
    wanted: str
    used_bytes: float


class HigherCPULimit(Finding):
    """A higher CPU limit of kro."""

    code: Literal["HigherCPULimit"] = "HigherCPULimit"
    wanted: str
    gain: float
    instance_cpu_seconds: float | None
    limit_cores: float
    wanted_cores: float


class ShorterChains(Finding):
    """Fewer levels of resources that wait for each other."""

    code: Literal["ShorterChains"] = "ShorterChains"
    reconcile_seconds: float
    work_seconds: float


class NarrowerRGDs(Finding):
    """Fewer resources per instance."""

    code: Literal["NarrowerRGDs"] = "NarrowerRGDs"
    reconciles: float
    requests: float


class CheaperCEL(Finding):
    """Cheaper CEL expressions."""

    code: Literal["CheaperCEL"] = "CheaperCEL"
    share: float


class FewerRevisions(Finding):
    """Fewer revisions of an RGD kept."""

    code: Literal["FewerRevisions"] = "FewerRevisions"
    kept: int
    wanted: int
    graph_bytes: float


class RepairRGD(Finding):
    """An RGD that blocks others repaired or deleted."""

    code: Literal["RepairRGD"] = "RepairRGD"
    subject: AnySubject | None
    share: float


class OwnPriorityLevel(Finding):
    """A priority level for kro at the API server."""

    code: Literal["OwnPriorityLevel"] = "OwnPriorityLevel"
    refused: float
    """Requests of kro in an iteration."""


class RelieveAPIServer(Finding):
    """Less load on the API server, or more CPU for it."""

    code: Literal["RelieveAPIServer"] = "RelieveAPIServer"
    requests_per_instance: float | None
    request_seconds: float | None


class MoreNodeCPU(Finding):
    """A node with more CPU for kro."""

    code: Literal["MoreNodeCPU"] = "MoreNodeCPU"
    share: float


class NarrowerAdmission(Finding):
    """Webhooks that ignore kro's requests, or answer sooner."""

    code: Literal["NarrowerAdmission"] = "NarrowerAdmission"
    subject: AnySubject | None
    share: float


class FasterEtcd(Finding):
    """A faster disk for etcd, or more CPU."""

    code: Literal["FasterEtcd"] = "FasterEtcd"
    share: float
    fsync_seconds: float | None
    disk_is_fast: bool


class MoreShards(Finding):
    """More pods that send the load."""

    code: Literal["MoreShards"] = "MoreShards"
    shards: int


class CheaperCode(Finding):
    """Less CPU time or fewer allocations in a part of kro."""

    code: Literal["CheaperCode"] = "CheaperCode"
    of: Literal["CPU", "Allocations"]
    group: str
    """A group of packages in a profile."""
    share: float
    instance_cpu_seconds: float | None
    """kro's CPU time per instance; None of allocations, or if it is unknown."""


class QuotedAdvice(Finding):
    """A recommendation that an older krobench stored in words."""

    code: Literal["Quoted"] = "Quoted"
    title: str
    effect: str
    source: str


Advice = Annotated[
    MoreInstanceWorkers
    | MoreRGDWorkers
    | NoWatchList
    | ShorterRequeues
    | FailingReconciles
    | HigherMemoryLimit
    | HigherGoMemoryLimit
    | HigherMemoryRequest
    | HigherCPULimit
    | ShorterChains
    | NarrowerRGDs
    | CheaperCEL
    | FewerRevisions
    | RepairRGD
    | OwnPriorityLevel
    | RelieveAPIServer
    | MoreNodeCPU
    | NarrowerAdmission
    | FasterEtcd
    | MoreShards
    | CheaperCode
    | QuotedAdvice,
    Field(discriminator="code"),
]


class Setting(ApiModel):
    """A setting to be changed."""

    name: str
    """The flag, environment variable or resource, such as
    --dynamic-controller-concurrent-reconciles or limits.memory."""
    helm_value: str | None = None
    """The same in kro's chart, such as config.dynamicControllerConcurrentReconciles."""
    current: str | None = None
    """None if unknown."""
    advised: str


class BudgetTooShort(Finding):
    """A trial would take longer than what is left of the budget."""

    code: Literal["BudgetTooShort"] = "BudgetTooShort"
    expected_seconds: float
    left_seconds: float


class TrialStopped(Finding):
    """A trial ended before it was complete."""

    code: Literal["TrialStopped"] = "TrialStopped"
    stop: AnyStop


class TrialFailed(Finding):
    """kro must not or could not be changed, or an error ended the trial."""

    code: Literal["TrialFailed"] = "TrialFailed"
    detail: str


class MetricMissing(Finding):
    """A side has no value of the metric that a recommendation is judged by."""

    code: Literal["MetricMissing"] = "MetricMissing"
    metric: str


AnyUntried = Annotated[
    Annotated[
        BudgetTooShort | TrialStopped | TrialFailed | MetricMissing | Quoted,
        Field(discriminator="code"),
    ],
    BeforeValidator(quoted),
]
"""Why a recommendation could not be tried."""


class Verification(ApiModel):
    """The result of trying a recommendation."""

    verdict: MetricVerdict | None
    """None if it could not be tried."""
    metric: str
    old_median: float | None = None
    """Without the recommendation."""
    new_median: float | None = None
    ratio: float | None = None
    """With the recommendation over without it."""
    low: float | None = None
    high: float | None = None
    replicates: Replicates | None = None
    old_replicates: int = 0
    new_replicates: int = 0
    note: AnyInconclusive | None = None
    """Why the verdict is inconclusive."""
    refused: AnyRefusal | None = None
    """Why there is no comparison."""
    error: AnyUntried | None = None
    """Why it could not be tried."""
    text: str | None = None
    """What an older krobench stored."""


class Recommendation(ApiModel):
    """Something to change."""

    advice: Advice
    area: Area
    test: str | None = None
    """The test whose numbers it is based on."""
    bottleneck: BottleneckKind | None = None
    """What it acts against."""
    settings: list[Setting] = Field(default_factory=list)
    confidence: Confidence
    evidence: list[Evidence] = Field(default_factory=list)
    variant: Variant | None = None
    """The same as a variant of kro, if a run can try it."""
    verification: Verification | None = None
    """None if it was not tried."""
