"""Measured numbers in words: those that decided a threshold, and those that support a finding."""

from collections.abc import Mapping
from functools import partial

from krobench.api import units
from krobench.figures.reasons.base import Reason
from krobench.findings.evidence import Evidence
from krobench.findings.evidence import EvidenceCode as Code
from krobench.record.test import Margin, ThresholdResult
from krobench.report.words.figures import show
from krobench.report.words.reasons import reason_line

_SHOW = {
    "seconds": units.seconds,
    "bytes": units.size,
    "ratio": units.percent,
    "number": units.number,
    "cores": units.number,
    "per_second": units.rate,
}

_WORDS: dict[Code, tuple[str, str]] = {
    Code.RATE_REQUESTED: ("requested rate", ""),
    Code.RATE_ACHIEVED: ("achieved rate", ""),
    Code.REQUESTS_MISSING: ("requests that were not sent in time", "above {bound}"),
    Code.SEND_LAG_P99: ("p99 send lag", "above maxSendLag, {bound}"),
    Code.LATE_SHARE: ("share of the latency before the request was sent", ""),
    Code.CHILDREN_DELAY: (
        "delay of the simulated cloud resources of an instance",
        "of {bound} until it was ready",
    ),
    Code.QUEUED_SHARE: ("share of the latency spent in the queue", ""),
    Code.RGD_QUEUED_SHARE: ("share of the RGDs' latency spent in the queue", ""),
    Code.WORKER_UTILISATION: ("utilisation of the workers", "above {bound}"),
    Code.WORKERS_FREE: ("utilisation of the instance workers", "below {bound}"),
    Code.QUEUED_PER_WORK: ("seconds queued per second of work", "above {bound}"),
    Code.QUEUE_WAIT_MEAN: (
        "mean wait in the queue before a reconcile",
        "above {bound}, the reconcile itself",
    ),
    Code.WORKERS: ("workers", ""),
    Code.RGD_WORKERS: ("workers for RGDs", ""),
    Code.WORK_PER_INSTANCE: ("worker time per instance", ""),
    Code.FEW_INSTANCES: ("instances that this is based on", "at least {bound} are needed"),
    Code.SECONDS_PER_RGD: ("time until the last RGD was ready, per RGD", "at least {bound}"),
    Code.KRO_CORES: ("kro's CPU use in cores", ""),
    Code.CPU_OF_LIMIT: ("kro's CPU use over its limit", "above {bound}"),
    Code.CPU_OF_NODE: ("kro's CPU use over its node's cores", "above {bound}"),
    Code.CPU_THROTTLED: ("CPU periods in which kro was throttled", "above {bound}"),
    Code.NODE_CPU: ("CPU use of everything on kro's node, over its cores", "above {bound}"),
    Code.CPU_FOR_GC: (
        "CPU time spent on more garbage collection than usual",
        "memory is scarce, not CPU",
    ),
    Code.USE_OF_CPU_LIMIT: ("use of kro's CPU limit", "below {bound}"),
    Code.USE_OF_NODE_CPU: ("use of the node's CPU", "below {bound}"),
    Code.OOM_KILLS: ("OOM kills", "above {bound}"),
    Code.GC_SHARE: (
        "garbage collection's share of kro's CPU time (Go's estimate)",
        "above {bound}",
    ),
    Code.ALLOCATED_PER_GC: (
        "allocated between two collections, over the live heap",
        "below {bound}",
    ),
    Code.MEMORY_OF_LIMIT: ("kro's memory over its limit", "above {bound}"),
    Code.GO_MEMORY_LIMIT: ("GOMEMLIMIT", ""),
    Code.LIVE_HEAP_OF_GO_LIMIT: ("live heap over GOMEMLIMIT", "above {bound}"),
    Code.MEMORY_MAX: ("kro's memory, maximum", "above {bound}, its request"),
    Code.LIVE_HEAP_PER_RGD: ("live heap per RGD", "at least {bound}"),
    Code.IDLE_SHARE: ("share of the latency without queueing and work", ""),
    Code.IDLE_PER_OPERATION: (
        "the same per operation",
        "{bound} is the requeue interval",
    ),
    Code.DELAYED_REQUEUES: ("reconciles that asked for a delayed requeue", ""),
    Code.DELETION_P50: ("time until an instance is gone, p50", "above {bound}, two intervals"),
    Code.FAILED_RECONCILES: ("share of reconciles that failed", "at least {bound}"),
    Code.THROTTLED_REQUESTS: (
        "answers to kro with 429",
        "above {bound}; kro pauses for 1 s after each",
    ),
    Code.REQUEST_MEAN: (
        "mean time of a request (kro's or the server's measurement, the lower one)",
        "above {bound}",
    ),
    Code.REJECTED_REQUESTS: ("requests rejected by priority and fairness", "above {bound}"),
    Code.QUEUED_AT_API_SERVER: (
        "time that kro's requests waited in the API server's queues",
        "of {bound} of work",
    ),
    Code.REQUESTS_IN_FLIGHT: ("mean requests in flight in the API server", ""),
    Code.THROTTLED_IN_SET_UP: ("answers to kro with 429 in the set-up", ""),
    Code.THROTTLED_PER_RGD: ("the same per RGD", "about 1"),
    Code.SET_UP_PER_RGD: ("set-up time per RGD", "above {bound}"),
    Code.ADMISSION_MEAN: ("mean time to admit a write, of all clients", "above {bound}"),
    Code.ADMISSION_OF_KRO: ("admission of kro's writes beyond the usual", "of {bound} of work"),
    Code.WEBHOOK_WAITS: ("time that requests waited for webhooks", ""),
    Code.ETCD_MEAN: ("mean time of a request to etcd", "above {bound}"),
    Code.FSYNC_MEAN: ("mean time of a write to etcd's log", "above {bound}"),
    Code.OTHER_KIND_SHARE: ("share of the work spent on {subject}", ""),
    Code.OTHER_KIND_SECONDS: ("work on {subject}", ""),
    Code.OWN_KINDS_SECONDS: ("work on this test's kinds", ""),
    Code.FAILED_BUILD_SHARE: ("time of failed builds, over that of the workers for RGDs", ""),
    Code.FAILED_BUILD_SECONDS: ("time of failed builds", "of {bound} of set-up"),
    Code.FAILED_BUILDS: ("failed builds in the set-up", "above {bound}: kro retries"),
    Code.RECONCILES_PER_INSTANCE: ("reconciles per instance", "at least {bound}; 2 or 3 are usual"),
    Code.RECONCILE_MEAN: ("mean time of a reconcile", ""),
    Code.REQUESTS_PER_RECONCILE: ("requests per reconcile", "at least {bound}"),
    Code.REQUESTS_PER_INSTANCE: ("requests per instance", ""),
    Code.CEL_SHARE: ("share of reconcile time spent on CEL", "at least {bound}"),
    Code.CEL_MEAN: ("mean time to evaluate an expression", ""),
    Code.CEL_PER_RECONCILE: ("evaluations per reconcile", ""),
    Code.CPU_PROFILE_SHARE: ("share of {subject} in kro's CPU time", "at least {bound}"),
    Code.ALLOCATION_SHARE: ("share of {subject} in kro's allocations", "at least {bound}"),
    Code.PROFILE_MARGIN: ("half of the 95 % interval of this share", ""),
    Code.FUNCTION_SHARE: ("{subject}, with callees", ""),
}
"""What was measured, and the comparison that supports the finding."""


def figure(item: Evidence) -> str:
    """Return what was measured."""
    if item.quoted is not None:
        return item.quoted.figure
    return _WORDS[item.code][0].format(subject=item.subject)


def value(item: Evidence) -> str:
    """Return what was measured, in its unit."""
    return _SHOW[item.unit](item.value)


def compared_with(item: Evidence) -> str:
    """Return what would support the finding; empty without a comparison."""
    if item.quoted is not None:
        return item.quoted.expected
    template = _WORDS[item.code][1]
    if "{bound}" not in template:
        return template
    return "" if item.bound is None else template.format(bound=_SHOW[item.unit](item.bound))


def evidence_line(item: Evidence) -> str:
    """Return a piece of evidence in a line."""
    compared = compared_with(item)
    against = "" if item.supports else "; contradicts it"
    return f"{figure(item)}: {value(item)}{f' ({compared})' if compared else ''}{against}"


_MANY_TIMES = 5.0
"""A bound: beyond, a percentage is harder to read than a factor."""


def measured(result: ThresholdResult) -> str:
    """Return the values that a threshold was decided by and how far it was missed, or why not."""
    if result.text is not None:
        return result.text
    if result.error is not None:
        return f"cannot be evaluated: {result.error}"
    if result.missing:
        return f"not available in this run: {missing_line(result.missing)}"
    named = {margin.names[0] for margin in result.margins if len(margin.names) == 1}
    values = [
        f"{name} = {show(name, value)}"
        for name, value in result.values.items()
        if name not in named
    ]
    return ", ".join(values + [_margin(margin, result.values) for margin in result.margins])


def missing_line(missing: Mapping[str, Reason | None]) -> str:
    """Return which metrics are not available, and why."""
    return "; ".join(
        f"{name} ({reason_line(why)})" if why else name for name, why in missing.items()
    )


def _margin(margin: Margin, values: Mapping[str, float | None]) -> str:
    # What an expression has calculated has no known unit.
    [name] = margin.names if len(margin.names) == 1 else [""]
    shown = partial(show, name) if values.get(name) == margin.value else units.number
    distance, bound = abs(margin.value - margin.bound), f"the bound {shown(margin.bound)}"
    what = f"{' and '.join(margin.names) or 'the value'} is {shown(margin.value)}"
    if distance == 0:
        return f"{what}, which is {bound}"
    side = "above" if margin.value > margin.bound else "below"
    if not margin.bound:
        return f"{what}, {side} {bound}"
    if margin.value / margin.bound > _MANY_TIMES:
        times = float(f"{margin.value / margin.bound:.3g}")
        return f"{what}, {units.number(times)} times {bound}"
    share = units.percent(distance / abs(margin.bound), 2)
    return f"{what}, {shown(distance)} ({share}) {side} {bound}"
