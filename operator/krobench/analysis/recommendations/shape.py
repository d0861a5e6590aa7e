"""Rules on the shape of RGDs: what an author can do."""

from krobench.analysis.krosettings import KEPT_REVISIONS
from krobench.analysis.recommendations.case import (
    MEASURED_BEFORE,
    Case,
    Finding,
    against,
    evidence,
    evidence_of,
)
from krobench.api import units
from krobench.api.specs.load import Operation
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.recommendation import Area, Confidence, Recommendation

_MANY_RECONCILES = 5.0
"""An instance whose resources do not wait for each other takes two or three."""
_MANY_REQUESTS = 30.0
"""2N + 2 + G for an RGD of N resources of G kinds: from 14 resources on."""
_MUCH_CEL = 0.2
_LARGE_GRAPH_BYTES = 2 * 2**20
_FEW_REVISIONS = 2


def shorter_chains(case: Case) -> Finding | None:
    """Fewer levels, where resources wait for each other reconcile by reconcile."""
    reconciles = case.metric("kro_reconciles_per_instance")
    mean = case.metric("kro_instance_reconcile_mean_seconds")
    demand = case.demand_seconds
    if reconciles is None or mean is None or demand is None or reconciles < _MANY_RECONCILES:
        return None
    return Finding(
        Recommendation(
            title="Let fewer resources wait for others: flatten the RGD's chains",
            area=Area.RGD_SHAPE,
            expected_effect=(
                "Each level less saves about one reconcile of every instance: "
                f"{units.seconds(mean)} of the {units.seconds(demand)} that an instance takes "
                "workers. What a value needs from the spec alone does not have to be read from "
                "another resource."
            ),
            confidence=Confidence.MEDIUM,
            source=f"{case.source}; docs/reference/workloads.md",
            evidence=[
                evidence("reconciles for an instance", reconciles, "number", "two or three"),
                evidence("time of a reconcile, mean", mean, "seconds"),
            ],
        ),
        weight=0.4 * (1 - 2 / reconciles),
    )


def narrower_rgds(case: Case) -> Finding | None:
    """Fewer resources for an instance, where a reconcile is a long row of requests."""
    requests = case.metric("kro_api_requests_per_instance")
    reconciles = case.metric("kro_reconciles_per_instance")
    demand = case.demand_seconds
    if not requests or not reconciles or demand is None:
        return None
    each = requests / reconciles
    if each < _MANY_REQUESTS:
        return None
    return Finding(
        Recommendation(
            title="Have each instance make fewer resources: merge small ones, or split the RGD",
            area=Area.RGD_SHAPE,
            expected_effect=(
                f"Each resource less saves two requests in each of the {reconciles:.2g} reconciles "
                f"of an instance, which makes {units.number(requests)} in all. Split in two, an "
                "update of one part leaves the other alone, and two workers can do them side by "
                "side."
            ),
            confidence=Confidence.MEDIUM,
            source=f"{case.source}; docs/reference/usage.md, requests for each reconcile",
            evidence=[
                evidence("requests in a reconcile", each, "number", "below 30"),
                evidence("requests for an instance", requests, "number"),
                evidence("time of a worker for an instance", demand, "seconds"),
            ],
        ),
        weight=0.3,
    )


def cheaper_cel(case: Case) -> Finding | None:
    """Cheaper expressions, where evaluating them is much of a reconcile."""
    count = case.metric("kro_cel_evaluations")
    mean = case.metric("kro_cel_eval_mean_seconds")
    reconciles = case.metric("kro_instance_reconciles")
    work = case.metric("kro_instance_reconcile_mean_seconds")
    if not count or not mean or not reconciles or not work:
        return None
    share = count * mean / (reconciles * work)
    if share < _MUCH_CEL:
        return None
    return Finding(
        Recommendation(
            title="Make the RGD's expressions cheaper: above all, those that go over long lists",
            area=Area.RGD_SHAPE,
            expected_effect=(
                f"Up to {units.percent(min(1.0, share))} of the time of a reconcile. A "
                "comprehension takes some 0.3 µs for each element; equal texts are evaluated "
                "once in a reconcile; cel.bind says a long part once."
            ),
            confidence=Confidence.MEDIUM,
            source=f"{case.source}; docs/explanation/cel.md",
            evidence=[
                evidence(
                    "time for CEL, over that of all reconciles", min(1.0, share), "ratio", "20 %"
                ),
                evidence("evaluation of an expression, mean", mean, "seconds"),
                evidence("evaluations in a reconcile", count / reconciles, "number"),
            ],
        ),
        weight=min(1.0, share),
    )


def fewer_revisions(case: Case) -> Finding | None:
    """Fewer kept revisions, where a compiled graph is large and there are many."""
    each = case.heap_of_an_rgd
    kept = case.settings.number(KEPT_REVISIONS)
    if each is None or kept is None or each < _LARGE_GRAPH_BYTES or kept <= _FEW_REVISIONS:
        return None
    saved = each * (kept - _FEW_REVISIONS)
    updates = Operation.UPDATE_RGD in case.test.phases
    memory = case.bottleneck(BottleneckKind.KRO_MEMORY)
    return Finding(
        Recommendation(
            title=f"Keep {_FEW_REVISIONS} revisions of an RGD instead of {kept}",
            area=Area.KRO_FLAG,
            bottleneck=BottleneckKind.KRO_MEMORY if memory is not None else None,
            settings=[case.settings.change(KEPT_REVISIONS, str(_FEW_REVISIONS))],
            expected_effect=(
                f"Up to {units.size(saved)} less for each RGD of this shape that was updated "
                f"{kept - 1} times or more: kro keeps the compiled graph of each revision, here "
                f"of {units.size(each)}. None for RGDs that are never updated. Deployments and "
                "other kinds of large schemas are what makes a graph large."
            ),
            confidence=Confidence.MEDIUM if updates else Confidence.LOW,
            source=f"{case.source}; {MEASURED_BEFORE}",
            evidence=[
                evidence("live heap of an RGD", each, "bytes", "below 2 MiB"),
                *evidence_of(memory),
            ],
        ),
        weight=0.5 * memory.score if memory is not None else 0.1,
    )


def mend_poisoned(case: Case) -> Finding | None:
    """Mending or deleting an RGD that holds the others."""
    found = case.bottleneck(BottleneckKind.POISONED_RGD)
    if found is None:
        return None
    subject = found.subject or "RGD that holds others"
    name = f"the {subject}" if subject.startswith("RGD") else f"the RGD of {subject}"
    return against(
        found,
        f"Mend or delete {name}",
        Area.RGD_SHAPE,
        f"kro's workers are no longer kept by it, which took about "
        f"{units.percent(found.score)} of the time. What fails is tried again for ever, "
        "with growing pauses.",
        Confidence.HIGH,
        f"{case.source}; https://github.com/kubernetes-sigs/kro/issues/886",
    )
