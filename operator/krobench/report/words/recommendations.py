"""What to change, in words: title (imperative), expected effect, and what it is based on."""

from typing import assert_never

from krobench.analysis.profiling import packagegroups as groups
from krobench.api import units
from krobench.findings.bottleneck import SubjectKind
from krobench.findings.comparison import MetricVerdict, Replicates
from krobench.findings.finding import Quoted
from krobench.findings.recommendation import (
    Advice,
    AnyUntried,
    BudgetTooShort,
    CheaperCEL,
    CheaperCode,
    FailingReconciles,
    FasterEtcd,
    FewerRevisions,
    HigherCPULimit,
    HigherGoMemoryLimit,
    HigherMemoryLimit,
    HigherMemoryRequest,
    MetricMissing,
    MoreInstanceWorkers,
    MoreNodeCPU,
    MoreRGDWorkers,
    MoreShards,
    NarrowerAdmission,
    NarrowerRGDs,
    NoWatchList,
    OwnPriorityLevel,
    QuotedAdvice,
    Recommendation,
    RelieveAPIServer,
    RepairRGD,
    ShorterChains,
    ShorterRequeues,
    TrialFailed,
    TrialStopped,
    Verification,
)
from krobench.report.intervals import spanned_ratio
from krobench.report.words.bottlenecks import subject_name
from krobench.report.words.comparison import inconclusive_line, refusal_line
from krobench.report.words.scaling import stop_line

_MEASURED_BEFORE = "docs/explanation/recommendations.md, measured with kro 0.9.3"
_LAW = "the utilisation law"
_REFERENCES = {
    "MoreInstanceWorkers": _LAW,
    "MoreRGDWorkers": _MEASURED_BEFORE,
    "NoWatchList": _MEASURED_BEFORE,
    "ShorterRequeues": _MEASURED_BEFORE,
    "HigherGoMemoryLimit": "https://tip.golang.org/doc/gc-guide#Memory_limit",
    "HigherMemoryRequest": (
        "https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/"
    ),
    "HigherCPULimit": _LAW,
    "ShorterChains": "docs/reference/workloads.md",
    "NarrowerRGDs": "docs/reference/usage.md, requests for each reconcile",
    "CheaperCEL": "docs/explanation/cel.md",
    "FewerRevisions": _MEASURED_BEFORE,
    "RepairRGD": "https://github.com/kubernetes-sigs/kro/issues/886",
    "OwnPriorityLevel": (
        "https://kubernetes.io/docs/concepts/cluster-administration/flow-control/"
    ),
    "RelieveAPIServer": (
        "https://kubernetes.io/docs/concepts/cluster-administration/flow-control/"
    ),
    "NarrowerAdmission": (
        "https://kubernetes.io/docs/concepts/cluster-administration/"
        "admission-webhooks-good-practices/"
    ),
    "FasterEtcd": "https://etcd.io/docs/latest/tuning/",
    "MoreShards": "docs/how-to/shards.md",
    "CheaperCode": "docs/how-to/profiles.md",
}
"""What a recommendation is based on, beside the measurements of the run."""

_CODE_TITLES = {
    ("CPU", groups.CEL): "Spend less CPU time in cel-go: compile once, and share environments",
    ("CPU", groups.ENCODING): "Encode and decode less JSON: read what is needed from caches",
    ("CPU", groups.GC): "Allocate less: garbage collection takes much of kro's CPU time",
    ("CPU", groups.HTTP): "Send fewer requests: read from informers, and apply only what differs",
    ("CPU", groups.GRAPH): "Build graphs once: kro builds that of an RGD in two controllers",
    ("Allocations", groups.CEL): "Allocate less in cel-go",
    ("Allocations", groups.ENCODING): "Allocate less when encoding and decoding JSON",
}
_METRICS = {
    "throughput.instancesPerSecond": "Instances per second",
    "latency.instanceReady.p50": "Median time until ready",
    "latency.rgdReady.max": "Time until the last RGD is ready",
}


def recommendation_line(recommendation: Recommendation) -> str:
    """Return what to change and what it brings, in a line."""
    return f"{title(recommendation.advice)}: {effect(recommendation.advice)}"


def title(advice: Advice) -> str:  # noqa: C901, PLR0911, PLR0912 - one title each
    """Return what to change, in the imperative."""
    match advice:
        case QuotedAdvice():
            return advice.title
        case MoreInstanceWorkers():
            return f"Give kro {advice.wanted} workers for instances instead of {advice.workers}"
        case MoreRGDWorkers():
            revisions = advice.wanted_for_revisions
            return f"Give kro {advice.wanted} workers for RGDs, and {revisions} for their revisions"
        case NoWatchList():
            return "Switch off kro's watch-lists if you create many RGDs"
        case ShorterRequeues():
            return f"Let kro reconcile again after {advice.wanted} instead of {advice.interval}"
        case FailingReconciles():
            return "Find out why kro's reconciles of instances fail"
        case HigherMemoryLimit():
            return f"Raise kro's memory limit to {advice.wanted}"
        case HigherGoMemoryLimit():
            return f"Raise GOMEMLIMIT to {advice.wanted}, or remove it"
        case HigherMemoryRequest():
            return f"Raise kro's memory request to {advice.wanted}"
        case HigherCPULimit():
            return f"Raise kro's CPU limit to {advice.wanted}"
        case ShorterChains():
            return "Flatten the RGD's chains, so that fewer resources wait for others"
        case NarrowerRGDs():
            return "Let each instance create fewer resources: merge small ones, or split the RGD"
        case CheaperCEL():
            return "Make the RGD's expressions cheaper, above all loops over long lists"
        case FewerRevisions():
            return f"Keep {advice.wanted} revisions of an RGD instead of {advice.kept}"
        case RepairRGD():
            subject = subject_name(advice.subject) or "RGD that blocks others"
            of_instances = advice.subject and advice.subject.kind is SubjectKind.RESOURCE
            return f"Repair or delete the {f'RGD of {subject}' if of_instances else subject}"
        case OwnPriorityLevel():
            return "Give kro a priority level of its own at the API server"
        case RelieveAPIServer():
            return "Reduce the load on the API server, or give it more CPU"
        case MoreNodeCPU():
            return "Run kro on a node with more CPU, or leave it more of this one"
        case NarrowerAdmission():
            webhook = subject_name(advice.subject)
            who = f"the {webhook}" if webhook else "admission webhooks"
            return f"Narrow the rules of {who}, or let it answer sooner"
        case FasterEtcd():
            if advice.disk_is_fast:
                return "Give etcd more CPU time, or a node of its own"
            return "Give etcd a faster disk, or one of its own"
        case MoreShards():
            return f"Share the load among more pods than {advice.shards}: raise load.shards"
        case CheaperCode():
            return _CODE_TITLES[advice.of, advice.group]
        case _:
            assert_never(advice)


def effect(advice: Advice) -> str:  # noqa: C901, PLR0911, PLR0912 - one effect each
    """Return what the change brings at most."""
    match advice:
        case QuotedAdvice():
            return advice.effect
        case MoreInstanceWorkers():
            return _more_workers(advice)
        case MoreRGDWorkers():
            return (
                f"At most {advice.gain:.2g} times as many RGDs per second: one became ready every "
                f"{units.seconds(advice.seconds_per_rgd)}, and most of that is waiting, which "
                "more workers do concurrently. 30 RGDs took 36.3 s with one worker of each, and "
                "6.5 s with 8 and 4."
            )
        case NoWatchList():
            return (
                "About 1 s less for each new RGD, because the API server delays a watch-list of a "
                f"new kind; one became ready every {units.seconds(advice.seconds_per_rgd)}. 30 "
                "RGDs took 36.3 s with watch-lists, and 12.3 s without. Without them, lists of "
                "many large objects take more of the API server's memory."
            )
        case ShorterRequeues():
            return (
                f"Such waits become {units.number(advice.factor)} times shorter. Deleting an "
                "instance of 20 children took 57.9 s with 3 s, and 6.8 s with 300 ms. What waits "
                "for something else is reconciled as much more often, with all the requests of a "
                "reconcile."
            )
        case FailingReconciles():
            return (
                f"Up to {units.percent(advice.failed_ratio)} fewer reconciles, without the waits "
                "before retries (200 ms at first, doubled each time). Check kro's log and the "
                "conditions of the instances."
            )
        case HigherMemoryLimit():
            base = "the limit at which kro was killed" if advice.killed else "what this load used"
            return (
                f"kro is killed when it exceeds its limit of {advice.limit}, and compiles all RGDs "
                f"again. The new limit is 1.5 times {base}, which leaves room for that and for "
                "kept revisions."
            )
        case HigherGoMemoryLimit():
            return (
                "kro gets back the CPU time that early garbage collection takes. The new value is "
                "1.5 times the most memory that was seen."
            )
        case HigherMemoryRequest():
            return (
                "No effect on speed: a node that is short of memory first evicts pods that use "
                f"more than their request, and kro used {units.size(advice.used_bytes)} with a "
                f"request of {advice.request}."
            )
        case HigherCPULimit():
            each = advice.instance_cpu_seconds
            bounds = (
                f" At {units.seconds(each)} of CPU time per instance, the limit allows "
                f"{units.rate(advice.limit_cores / each)}, the new one "
                f"{units.rate(advice.wanted_cores / each)}."
                if each
                else ""
            )
            return (
                f"At most {advice.gain:.2g} times as many instances per second, unless something "
                f"else holds kro back.{bounds}"
            )
        case ShorterChains():
            return (
                "Each level less saves about one reconcile per instance: "
                f"{units.seconds(advice.reconcile_seconds)} of the "
                f"{units.seconds(advice.work_seconds)} of worker time that an instance takes. A "
                "value that needs only the spec does not have to be read from another resource."
            )
        case NarrowerRGDs():
            return (
                f"Each resource less saves two requests in each of the {advice.reconciles:.2g} "
                f"reconciles of an instance, of {units.number(advice.requests)} requests in all. "
                "If the RGD is split in two, an update of one part leaves the other alone, and two "
                "workers can reconcile them concurrently."
            )
        case CheaperCEL():
            return (
                f"Up to {units.percent(advice.share)} of the time of a reconcile. A comprehension "
                "takes about 0.3 µs per element; equal expressions are evaluated once in a "
                "reconcile; cel.bind evaluates a repeated part once."
            )
        case FewerRevisions():
            saved = advice.graph_bytes * (advice.kept - advice.wanted)
            return (
                f"Up to {units.size(saved)} less for each RGD of this shape that was updated "
                f"{advice.kept - 1} times or more: kro keeps the compiled graph of each revision, "
                f"here of {units.size(advice.graph_bytes)}. No effect for RGDs that are never "
                "updated. Deployments and other kinds with large schemas make a graph large."
            )
        case RepairRGD():
            return (
                "It no longer occupies kro's workers, which took about "
                f"{units.percent(advice.share)} of the time. What fails is retried forever, with "
                "growing pauses."
            )
        case OwnPriorityLevel():
            return (
                f"Up to {units.number(advice.refused)} fewer refusals (429) in an iteration, and "
                "none of the waits after them: with a FlowSchema for kro's ServiceAccount, others "
                "cannot use up its share."
            )
        case RelieveAPIServer():
            requests, mean = advice.requests_per_instance, advice.request_seconds
            if not requests or not mean:
                return "Unknown, because its response times are not available."
            return (
                f"Up to {units.seconds(requests * mean)} per instance: kro sent "
                f"{units.number(requests)} requests for one, and each took {units.seconds(mean)} "
                "on average."
            )
        case MoreNodeCPU():
            return (
                f"At most about {units.percent(advice.share)} of the time: reconciles wait for CPU "
                "that the node does not have, whatever kro's limit."
            )
        case NarrowerAdmission():
            return (
                f"About {units.percent(advice.share)} of the time, as far as kro's requests need "
                "no check: each write of kro waits for it. Exclude requests with matchConditions "
                "and namespaceSelector."
            )
        case FasterEtcd():
            return _faster_etcd(advice)
        case MoreShards():
            return (
                "None on kro: the generator was measured. With "
                f"{advice.shards * 2} shards, each sends half as much. If its requests wait for "
                "answers, and not for its CPU, raise load.maxInFlight instead."
            )
        case CheaperCode():
            half, each = advice.share / 2, advice.instance_cpu_seconds
            what = "kro's CPU time" if advice.of == "CPU" else "what kro allocates"
            per_instance = f", or {units.seconds(each * half)} per instance" if each else ""
            return f"Half of it would be {units.percent(half)} of {what}{per_instance}."
        case _:
            assert_never(advice)


def source(recommendation: Recommendation) -> str:
    """Return what a recommendation is based on."""
    advice = recommendation.advice
    if isinstance(advice, QuotedAdvice):
        return advice.source
    what = "a profile of kro" if isinstance(advice, CheaperCode) else "measurements"
    measured = f"{what} in test {recommendation.test}"
    reference = _REFERENCES.get(advice.code)
    return f"{measured}; {reference}" if reference else measured


def untried_line(found: AnyUntried) -> str:
    """Return why a recommendation could not be tried."""
    match found:
        case Quoted():
            return found.text
        case BudgetTooShort():
            return (
                f"it would take about {units.seconds(found.expected_seconds)}, but only "
                f"{units.seconds(found.left_seconds)} of budget.duration are left"
            )
        case TrialStopped():
            return stop_line(found.stop)
        case TrialFailed():
            return found.detail
        case MetricMissing():
            return f"{found.metric} is not available on both sides"
        case _:
            assert_never(found)


_UNITS: dict[Replicates | None, str] = {
    Replicates.RESTARTS: "restarts of kro",
    Replicates.BLOCKS: "blocks",
}


def verification_paragraph(found: Verification) -> str:
    """Return what came of trying a recommendation."""
    if found.text is not None:
        return found.text
    if found.refused is not None:
        return refusal_line(found.refused)
    if found.error is not None:
        return untried_line(found.error)
    show = units.rate if found.metric == "throughput.instancesPerSecond" else units.seconds
    times, ends = units.NOT_AVAILABLE, ""
    if found.ratio is not None:
        times, ends = spanned_ratio(found.ratio, found.low, found.high)
    interval = f" (95 % interval {ends})" if ends else ""
    unit = _UNITS.get(found.replicates, "iterations")
    match found.verdict:
        case MetricVerdict.BETTER:
            outcome = "The gain is real"
        case MetricVerdict.WORSE:
            outcome = "It made things worse"
        case MetricVerdict.SAME:
            outcome = "It made no difference"
        case MetricVerdict.NO_SLOWDOWN:
            outcome = "It made nothing slower, and a gain was not shown"
        case _:
            outcome = "A gain was neither shown nor ruled out"
            outcome += f": {inconclusive_line(found.note)}" if found.note else ""
    return (
        f"{_METRICS.get(found.metric, found.metric)}: {show(found.old_median)} without it, "
        f"{show(found.new_median)} with it, {times} times{interval}; "
        f"{found.old_replicates} and {found.new_replicates} {unit}. {outcome}."
    )


def _more_workers(advice: MoreInstanceWorkers) -> str:
    workers, wanted = advice.workers, advice.wanted
    match advice.bounded_by:
        case "CPULimit":
            bound = f"kro's CPU limit allows {units.rate(advice.bound_per_second)} at most"
        case "NodeCPU":
            bound = f"the node's CPU allows {units.rate(advice.bound_per_second)} at most"
        case _:
            bound = "it is unknown how many the CPU allows"
    return (
        f"At most {advice.gain:.2g} times as many instances per second: "
        f"{units.counted(workers, 'worker')} can do {units.rate(workers / advice.work_seconds)}, "
        f"because an instance takes {units.seconds(advice.work_seconds)} of a worker's time; "
        f"{wanted} can do {units.rate(wanted / advice.work_seconds)}, and {bound}. Expect less, "
        "because the workers share the API server."
    )


def _faster_etcd(advice: FasterEtcd) -> str:
    share = f"At most about {units.percent(advice.share)} of the time"
    if advice.disk_is_fast:
        return (
            f"{share}. Its disk is fast: a write to its log took "
            f"{units.seconds(advice.fsync_seconds)} on average."
        )
    text = f"{share}: each write of kro waits until etcd has it on disk."
    if advice.fsync_seconds is None:
        return f"{text} Set collect.etcd.url to measure whether its disk is slow."
    return text
