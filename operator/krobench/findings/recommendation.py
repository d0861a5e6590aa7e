"""What to change, with the evidence it rests on."""

from enum import StrEnum

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.api.specs.kro import Variant
from krobench.findings.bottleneck import BottleneckKind, Evidence
from krobench.findings.comparison import MetricVerdict


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


class Setting(ApiModel):
    """A setting to be changed."""

    name: str
    """The flag, environment variable or resource, such as
    --dynamic-controller-concurrent-reconciles or limits.memory."""
    helm_value: str | None = None
    """The same in kro's chart, such as config.dynamicControllerConcurrentReconciles."""
    current: str | None = None
    """None where it is not known."""
    advised: str


class Verification(ApiModel):
    """What became of a recommendation that was tried."""

    verdict: MetricVerdict | None
    """None where it could not be tried."""
    metric: str
    ratio: float | None = None
    """With the recommendation over without it."""
    low: float | None = None
    high: float | None = None
    message: str


class Recommendation(ApiModel):
    """Something to be changed."""

    title: str
    """In the imperative, such as 'Give kro more instance workers'."""
    area: Area
    bottleneck: BottleneckKind | None = None
    """What it acts against."""
    settings: list[Setting] = Field(default_factory=list)
    expected_effect: str
    """With numbers where there are any."""
    confidence: Confidence
    source: str
    """What it rests on: a measurement of this run, or a page of the documentation."""
    evidence: list[Evidence] = Field(default_factory=list)
    variant: Variant | None = None
    """The same as a variant of kro, where it can be tried in a run."""
    verification: Verification | None = None
    """None where it was not tried."""
