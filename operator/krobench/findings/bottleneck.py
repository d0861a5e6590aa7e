"""What held kro back in a test, ranked, with the evidence."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from krobench.api.common import ApiModel
from krobench.findings.evidence import Evidence, EvidenceCode
from krobench.findings.finding import Finding


class BottleneckKind(StrEnum):
    """What can hold a test back; ``docs/explanation/bottlenecks.md`` says how each is found."""

    GENERATOR = "Generator"
    SLOW_CHILDREN = "SlowChildren"
    KRO_WORKERS = "KroWorkers"
    KRO_CPU = "KroCPU"
    KRO_MEMORY = "KroMemory"
    REQUEUE_WAIT = "RequeueWait"
    API_SERVER = "APIServer"
    WATCH_REINITIALISATION = "WatchReinitialisation"
    ADMISSION = "Admission"
    ETCD = "Etcd"
    POISONED_RGD = "PoisonedRGD"


class BottleneckCode(StrEnum):
    """In which way a test is held back."""

    LOAD_NOT_SENT = "LoadNotSent"
    CHILDREN_AWAITED = "ChildrenAwaited"
    INSTANCES_QUEUE = "InstancesQueue"
    RGDS_QUEUE = "RGDsQueue"
    CPU_LIMITED = "CPULimited"
    NODE_FULL = "NodeFull"
    OOM_KILLED = "OOMKilled"
    COLLECTING_GARBAGE = "CollectingGarbage"
    NEAR_MEMORY_LIMIT = "NearMemoryLimit"
    WAITING_FOR_REQUEUE = "WaitingForRequeue"
    REQUESTS_REFUSED = "RequestsRefused"
    REQUESTS_SLOW = "RequestsSlow"
    WATCH_CACHES_NEW = "WatchCachesNew"
    ADMISSION_SLOW = "AdmissionSlow"
    ETCD_SLOW = "EtcdSlow"
    OTHER_KIND_WORKED_ON = "OtherKindWorkedOn"
    GRAPH_BUILDS_FAIL = "GraphBuildsFail"
    QUOTED = "Quoted"


class Missing(StrEnum):
    """What a cause cannot be judged without."""

    OPERATIONS = "Operations"
    RUN_SECONDS = "RunSeconds"
    SET_UP_SECONDS = "SetUpSeconds"
    WORK_SECONDS = "WorkSeconds"
    WORK_BY_KIND = "WorkByKind"
    QUEUE_SECONDS = "QueueSeconds"
    RGD_READY = "RGDReady"
    RGD_QUEUE_SECONDS = "RGDQueueSeconds"
    FAILED_BUILD_SECONDS = "FailedBuildSeconds"
    KRO_CPU = "KroCPU"
    CPU_LIMIT = "CPULimit"
    REQUESTS = "Requests"
    REQUESTS_BY_CODE = "RequestsByCode"
    REQUEST_SECONDS = "RequestSeconds"
    ADMISSION_SECONDS = "AdmissionSeconds"
    ETCD_SECONDS = "EtcdSeconds"


class SubjectKind(StrEnum):
    """What exactly a bottleneck is."""

    INSTANCE_WORKERS = "InstanceWorkers"
    RGD_WORKERS = "RGDWorkers"
    GRAPH_REVISION_WORKERS = "GraphRevisionWorkers"
    RGD = "RGD"
    RESOURCE = "Resource"
    """Instances of another RGD, by group/version/resource."""
    FLOW_SCHEMA = "FlowSchema"
    PRIORITY_LEVEL = "PriorityLevel"
    WEBHOOK = "Webhook"


class Subject(ApiModel):
    """What exactly a bottleneck is, and its name if there may be several."""

    model_config = ConfigDict(frozen=True)

    kind: SubjectKind
    name: str = ""


_STORED = {
    "RGD workers": SubjectKind.RGD_WORKERS,
    "instance workers": SubjectKind.INSTANCE_WORKERS,
    "GraphRevision workers": SubjectKind.GRAPH_REVISION_WORKERS,
    "RGD": SubjectKind.RGD,
    "FlowSchema": SubjectKind.FLOW_SCHEMA,
    "priority level": SubjectKind.PRIORITY_LEVEL,
    "webhook": SubjectKind.WEBHOOK,
}
"""What older versions stored, in this order, before the name."""


def _subject(stored: Any) -> Any:
    if not isinstance(stored, str):
        return stored
    for words, kind in _STORED.items():
        if stored == words or stored.startswith(f"{words} "):
            return Subject(kind=kind, name=stored.removeprefix(words).strip())
    return Subject(kind=SubjectKind.RESOURCE, name=stored)


AnySubject = Annotated[Subject, BeforeValidator(_subject)]
"""A subject, also as a record of an older version has it."""


class Bottleneck(Finding):
    """One of the causes that held kro back."""

    code: BottleneckCode
    kind: BottleneckKind
    subject: AnySubject | None = None
    score: float = Field(ge=0, le=1)
    """About the share of the time that it explains. It orders causes and is not a probability."""
    evidence: list[Evidence] = Field(default_factory=list)
    """Weightiest first."""
    text: str | None = None
    """The sentence that an older krobench stored."""

    def value(self, code: EvidenceCode) -> float | None:
        """Return the measured number of this code; None if it is not part of the evidence."""
        return next((item.value for item in self.evidence if item.code is code), None)

    def bound(self, code: EvidenceCode) -> float | None:
        """Return what the number of this code is compared with."""
        return next((item.bound for item in self.evidence if item.code is code), None)


class Attribution(ApiModel):
    """What held a test back."""

    bottlenecks: list[Bottleneck] = Field(default_factory=list)
    """Ranked, the first one first; empty if nothing stands out."""
    unavailable: dict[BottleneckKind, Missing | str] = Field(default_factory=dict)
    """Causes that could be neither found nor ruled out, and what is missing; a sentence if an older
    krobench stored it."""
