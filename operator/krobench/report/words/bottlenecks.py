"""What held kro back, in words."""

from krobench.api import units
from krobench.findings.bottleneck import Bottleneck, BottleneckKind, Missing, Subject, SubjectKind
from krobench.findings.bottleneck import BottleneckCode as Code
from krobench.findings.evidence import EvidenceCode

KIND_NAMES = {
    BottleneckKind.GENERATOR: "load generator",
    BottleneckKind.SLOW_CHILDREN: "slow children",
    BottleneckKind.KRO_WORKERS: "kro's workers",
    BottleneckKind.KRO_CPU: "kro's CPU",
    BottleneckKind.KRO_MEMORY: "kro's memory",
    BottleneckKind.REQUEUE_WAIT: "waiting for the next reconcile",
    BottleneckKind.API_SERVER: "API server",
    BottleneckKind.WATCH_REINITIALISATION: "watches of new kinds",
    BottleneckKind.ADMISSION: "admission",
    BottleneckKind.ETCD: "etcd",
    BottleneckKind.POISONED_RGD: "another RGD",
}
_MISSING = {
    Missing.OPERATIONS: "no operation had its effect",
    Missing.RUN_SECONDS: "the length of the run phase is not available",
    Missing.SET_UP_SECONDS: "the length of the set-up is not available",
    Missing.WORK_SECONDS: "the time that kro's workers were busy is not available",
    Missing.WORK_BY_KIND: "the time that kro's workers were busy, by kind, is not available",
    Missing.QUEUE_SECONDS: "the time that instances were queued is not available",
    Missing.RGD_READY: "the time until RGDs are ready is not available",
    Missing.RGD_QUEUE_SECONDS: "the time that RGDs were queued is not available",
    Missing.FAILED_BUILD_SECONDS: "the time of failed builds is not available",
    Missing.KRO_CPU: "kro's CPU time is not available",
    Missing.CPU_LIMIT: "neither kro's CPU limit nor the cores of its node are available",
    Missing.REQUESTS: "the number of kro's requests is not available",
    Missing.REQUESTS_BY_CODE: "the number of kro's requests by status code is not available",
    Missing.REQUEST_SECONDS: "the time that requests take is not available",
    Missing.ADMISSION_SECONDS: "the time that admission takes is not available",
    Missing.ETCD_SECONDS: "the time that requests to etcd take is not available",
}


_SUBJECTS = {
    SubjectKind.INSTANCE_WORKERS: "instance workers",
    SubjectKind.RGD_WORKERS: "RGD workers",
    SubjectKind.GRAPH_REVISION_WORKERS: "GraphRevision workers",
    SubjectKind.RGD: "RGD {name}",
    SubjectKind.RESOURCE: "{name}",
    SubjectKind.FLOW_SCHEMA: "FlowSchema {name}",
    SubjectKind.PRIORITY_LEVEL: "priority level {name}",
    SubjectKind.WEBHOOK: "webhook {name}",
}


def subject_name(subject: Subject | None) -> str:
    """Return what exactly a bottleneck is; empty if that is not known."""
    return "" if subject is None else _SUBJECTS[subject.kind].format(name=subject.name)


def cause_name(bottleneck: Bottleneck) -> str:
    """Return the name of a cause, with what exactly it is."""
    name, subject = KIND_NAMES[bottleneck.kind], subject_name(bottleneck.subject)
    return f"{name}: {subject}" if subject else name


def missing_line(missing: Missing | str) -> str:
    """Return why a cause could be neither found nor ruled out."""
    return _MISSING[missing] if isinstance(missing, Missing) else missing


def bottleneck_line(found: Bottleneck) -> str:  # noqa: C901, PLR0911, PLR0912 - one line each
    """Return in which way a test was held back."""
    number, percent = units.number, units.percent
    value, subject = found.value, subject_name(found.subject)

    def seconds(code: EvidenceCode) -> str:
        return units.seconds(value(code))

    match found.code:
        case Code.QUOTED:
            return found.text or ""
        case Code.LOAD_NOT_SENT:
            asked, sent = value(EvidenceCode.RATE_REQUESTED), value(EvidenceCode.RATE_ACHIEVED)
            rates = f" ({units.rate(sent)} of {units.rate(asked)})" if asked and sent else ""
            return (
                f"the load generator could not send the load{rates}, so everything else was found "
                "under a different load"
            )
        case Code.CHILDREN_AWAITED:
            ready = units.seconds(found.bound(EvidenceCode.CHILDREN_DELAY))
            return (
                f"an instance waited {seconds(EvidenceCode.CHILDREN_DELAY)} of {ready} for "
                "simulated cloud resources, as the workload asks for"
            )
        case Code.INSTANCES_QUEUE:
            share = value(EvidenceCode.QUEUED_SHARE)
            return (
                f"instances waited for {_workers(found)} in {percent(share)} of the time until "
                "they were done"
            )
        case Code.RGDS_QUEUE:
            share = value(EvidenceCode.RGD_QUEUED_SHARE)
            return (
                f"RGDs waited for {_workers(found)} ({subject}) in {percent(share)} of the "
                "time until they were ready"
            )
        case Code.CPU_LIMITED:
            cores = number(value(EvidenceCode.KRO_CORES))
            of_limit, of_node = value(EvidenceCode.CPU_OF_LIMIT), value(EvidenceCode.CPU_OF_NODE)
            whose = "its limit" if of_limit is not None else "its node's CPU"
            used = of_node if of_limit is None else of_limit
            return (
                f"kro used {cores} cores, {percent(used)} of {whose}: reconciles waited for CPU "
                "time"
            )
        case Code.NODE_FULL:
            busy = percent(value(EvidenceCode.NODE_CPU))
            return f"{busy} of the CPU of kro's node was in use: kro waited for a core"
        case Code.OOM_KILLED:
            return "kro was OOM-killed"
        case Code.COLLECTING_GARBAGE:
            limit = value(EvidenceCode.GO_MEMORY_LIMIT)
            below = f" to stay below GOMEMLIMIT ({units.size(limit)})" if limit else ""
            share = value(EvidenceCode.GC_SHARE)
            return f"garbage collection took {percent(share)} of kro's CPU time{below}"
        case Code.NEAR_MEMORY_LIMIT:
            return "kro is close to its memory limit"
        case Code.WAITING_FOR_REQUEUE:
            interval = units.seconds(found.bound(EvidenceCode.IDLE_PER_OPERATION))
            return (
                f"each operation waited {seconds(EvidenceCode.IDLE_PER_OPERATION)} without being "
                f"queued or reconciled: kro reconciles again after {interval} what is not ready"
            )
        case Code.REQUESTS_REFUSED:
            refuses = found.subject and found.subject.kind is SubjectKind.FLOW_SCHEMA
            by = f" (by {subject})" if refuses else ""
            refused = number(value(EvidenceCode.THROTTLED_REQUESTS))
            return (
                f"the API server refused {refused} of kro's requests with 429{by}; kro pauses for "
                "1 s after each"
            )
        case Code.REQUESTS_SLOW:
            return f"a request of kro took {seconds(EvidenceCode.REQUEST_MEAN)} on average"
        case Code.WATCH_CACHES_NEW:
            refused = number(value(EvidenceCode.THROTTLED_IN_SET_UP))
            return (
                f"the API server refused {refused} of kro's requests in the set-up with 429, "
                "because its watch caches of the new kinds were not initialised; each blocks a "
                "worker for RGDs for 1 s"
            )
        case Code.ADMISSION_SLOW:
            most = f", most of it in {subject}" if subject else ""
            return (
                f"admission of a write took {seconds(EvidenceCode.ADMISSION_MEAN)} on average{most}"
            )
        case Code.ETCD_SLOW:
            return (
                "a request of the API server to etcd took "
                f"{seconds(EvidenceCode.ETCD_MEAN)} on average"
            )
        case Code.OTHER_KIND_WORKED_ON:
            return (
                f"kro's instance workers spent {seconds(EvidenceCode.OTHER_KIND_SECONDS)} on "
                f"instances of {subject}, and {seconds(EvidenceCode.OWN_KINDS_SECONDS)} on "
                "those of this test"
            )
        case Code.GRAPH_BUILDS_FAIL:
            set_up = units.seconds(found.bound(EvidenceCode.FAILED_BUILD_SECONDS))
            return (
                f"the graph of the {subject} failed to build "
                f"{number(value(EvidenceCode.FAILED_BUILDS))} times in the set-up, which took a "
                f"worker for RGDs {seconds(EvidenceCode.FAILED_BUILD_SECONDS)} of {set_up}"
            )


def _workers(found: Bottleneck) -> str:
    workers = found.value(EvidenceCode.WORKERS) or 1
    return "kro's only worker" if workers == 1 else f"one of kro's {units.number(workers)} workers"
