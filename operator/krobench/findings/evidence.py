"""Measured numbers that support a finding, or contradict it."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field

from krobench.api.common import ApiModel

EvidenceUnit = Literal["seconds", "bytes", "ratio", "number", "cores", "per_second"]


class EvidenceCode(StrEnum):
    """What was measured, and its unit; ``report/words/evidence.py`` has the words."""

    unit: EvidenceUnit

    def __new__(cls, value: str, unit: EvidenceUnit) -> Self:
        code = str.__new__(cls, value)
        code._value_ = value
        code.unit = unit
        return code

    # The load
    RATE_REQUESTED = "RateRequested", "per_second"
    RATE_ACHIEVED = "RateAchieved", "per_second"
    REQUESTS_MISSING = "RequestsMissing", "ratio"
    SEND_LAG_P99 = "SendLagP99", "seconds"
    LATE_SHARE = "LateShare", "ratio"
    CHILDREN_DELAY = "ChildrenDelay", "seconds"
    # kro's workers
    QUEUED_SHARE = "QueuedShare", "ratio"
    RGD_QUEUED_SHARE = "RGDQueuedShare", "ratio"
    WORKER_UTILISATION = "WorkerUtilisation", "ratio"
    WORKERS_FREE = "WorkersFree", "ratio"
    QUEUED_PER_WORK = "QueuedPerWork", "number"
    QUEUE_WAIT_MEAN = "QueueWaitMean", "seconds"
    WORKERS = "Workers", "number"
    RGD_WORKERS = "RGDWorkers", "number"
    WORK_PER_INSTANCE = "WorkPerInstance", "seconds"
    FEW_INSTANCES = "FewInstances", "number"
    SECONDS_PER_RGD = "SecondsPerRGD", "seconds"
    # kro's CPU
    KRO_CORES = "KroCores", "cores"
    CPU_OF_LIMIT = "CPUOfLimit", "ratio"
    CPU_OF_NODE = "CPUOfNode", "ratio"
    CPU_THROTTLED = "CPUThrottled", "ratio"
    NODE_CPU = "NodeCPU", "ratio"
    CPU_FOR_GC = "CPUForGC", "ratio"
    USE_OF_CPU_LIMIT = "UseOfCPULimit", "ratio"
    USE_OF_NODE_CPU = "UseOfNodeCPU", "ratio"
    # kro's memory
    OOM_KILLS = "OOMKills", "number"
    GC_SHARE = "GCShare", "ratio"
    ALLOCATED_PER_GC = "AllocatedPerGC", "ratio"
    MEMORY_OF_LIMIT = "MemoryOfLimit", "ratio"
    GO_MEMORY_LIMIT = "GoMemoryLimit", "bytes"
    LIVE_HEAP_OF_GO_LIMIT = "LiveHeapOfGoLimit", "ratio"
    MEMORY_MAX = "MemoryMax", "bytes"
    LIVE_HEAP_PER_RGD = "LiveHeapPerRGD", "bytes"
    # Waits for the next reconcile
    IDLE_SHARE = "IdleShare", "ratio"
    IDLE_PER_OPERATION = "IdlePerOperation", "seconds"
    DELAYED_REQUEUES = "DelayedRequeues", "ratio"
    DELETION_P50 = "DeletionP50", "seconds"
    FAILED_RECONCILES = "FailedReconciles", "ratio"
    # The API server, and what is behind it
    THROTTLED_REQUESTS = "ThrottledRequests", "number"
    REQUEST_MEAN = "RequestMean", "seconds"
    REJECTED_REQUESTS = "RejectedRequests", "number"
    QUEUED_AT_API_SERVER = "QueuedAtAPIServer", "seconds"
    REQUESTS_IN_FLIGHT = "RequestsInFlight", "number"
    THROTTLED_IN_SET_UP = "ThrottledInSetUp", "number"
    THROTTLED_PER_RGD = "ThrottledPerRGD", "number"
    SET_UP_PER_RGD = "SetUpPerRGD", "seconds"
    ADMISSION_MEAN = "AdmissionMean", "seconds"
    ADMISSION_OF_KRO = "AdmissionOfKro", "seconds"
    WEBHOOK_WAITS = "WebhookWaits", "seconds"
    ETCD_MEAN = "EtcdMean", "seconds"
    FSYNC_MEAN = "FsyncMean", "seconds"
    # Other RGDs
    OTHER_KIND_SHARE = "OtherKindShare", "ratio"
    OTHER_KIND_SECONDS = "OtherKindSeconds", "seconds"
    OWN_KINDS_SECONDS = "OwnKindsSeconds", "seconds"
    FAILED_BUILD_SHARE = "FailedBuildShare", "ratio"
    FAILED_BUILD_SECONDS = "FailedBuildSeconds", "seconds"
    FAILED_BUILDS = "FailedBuilds", "number"
    # The shape of RGDs
    RECONCILES_PER_INSTANCE = "ReconcilesPerInstance", "number"
    RECONCILE_MEAN = "ReconcileMean", "seconds"
    REQUESTS_PER_RECONCILE = "RequestsPerReconcile", "number"
    REQUESTS_PER_INSTANCE = "RequestsPerInstance", "number"
    CEL_SHARE = "CELShare", "ratio"
    CEL_MEAN = "CELMean", "seconds"
    CEL_PER_RECONCILE = "CELPerReconcile", "number"
    # Profiles
    CPU_PROFILE_SHARE = "CPUProfileShare", "ratio"
    ALLOCATION_SHARE = "AllocationShare", "ratio"
    PROFILE_MARGIN = "ProfileMargin", "ratio"
    FUNCTION_SHARE = "FunctionShare", "ratio"

    QUOTED = "Quoted", "number"
    """What an older krobench stored in words."""


class QuotedEvidence(ApiModel):
    """What an older krobench stored of a piece of evidence in words."""

    figure: str
    expected: str = ""


class Evidence(ApiModel):
    """A measured number that supports a finding, or contradicts it."""

    code: EvidenceCode
    value: float
    unit: EvidenceUnit
    bound: float | None = None
    """What the value is compared with, in the same unit."""
    subject: str | None = Field(default=None)
    """Whose number it is, such as a function or a kind."""
    supports: bool = True
    """Whether it supports the finding; otherwise it contradicts it."""
    quoted: QuotedEvidence | None = None


def evidence(
    code: EvidenceCode,
    value: float | None,
    bound: float | None = None,
    *,
    supports: bool = True,
    subject: str | None = None,
) -> list[Evidence]:
    """Return a figure as evidence, without noise digits; empty if it was not measured."""
    if value is None:
        return []
    return [
        Evidence(
            code=code,
            value=_rounded(value),
            unit=code.unit,
            bound=None if bound is None else _rounded(bound),
            supports=supports,
            subject=subject,
        )
    ]


def _rounded(value: float) -> float:
    return round(float(value), 6) if abs(value) >= 1 else float(f"{value:.6g}")
