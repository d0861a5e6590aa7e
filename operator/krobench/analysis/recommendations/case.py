"""What rules look at: a test, and the kro that it ran on.

The work that instances ask of a pool of workers is a *service demand*; with it, the utilisation law
(U = X * D / m, of throughput X, demand D and m workers) says how busy the pool was, and the bound
m / D how many instances a second it can do at most. Source: Denning and Buzen, The Operational
Analysis of Queueing Network Models, ACM Computing Surveys 10 (1978).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from krobench.analysis.bottlenecks.facts import MANY_RGDS
from krobench.analysis.bottlenecks.in_kro import CPU_NEAR_LIMIT, THROTTLED
from krobench.analysis.krosettings import INSTANCE_WORKERS, KroSettings
from krobench.analysis.resourcequantities import number_of
from krobench.api.specs.kro import Variant
from krobench.figures import catalogue
from krobench.figures.environment import NodeFingerprint
from krobench.figures.summaries import Figures, LatencySummary
from krobench.findings.bottleneck import Bottleneck, BottleneckKind, SubjectKind
from krobench.findings.evidence import Evidence
from krobench.findings.recommendation import Advice, Area, Confidence, Recommendation, Setting
from krobench.record.test import TestRecord, TestSummary

_NOT_NAMED = 0.3

CPUBound = Literal["CPULimit", "NodeCPU"]


@dataclass(frozen=True)
class Weighted:
    """A recommendation, and how much depends on it."""

    recommendation: Recommendation
    weight: float
    """About the share of the time or of the resource that it concerns, from 0 to 1. It only orders
    recommendations."""


@dataclass(frozen=True)
class Case:
    """A test and what is known of it."""

    test: TestRecord
    summary: TestSummary
    settings: KroSettings
    nodes: Sequence[NodeFingerprint]

    def bottleneck(self, kind: BottleneckKind, of: SubjectKind | None = None) -> Bottleneck | None:
        """Return what the test's attribution found of a cause; None if it did not find it."""
        found = self.test.attribution.bottlenecks if self.test.attribution is not None else []
        ofs = (each for each in found if each.kind is kind)
        return next(
            (each for each in ofs if of is None or (each.subject and each.subject.kind is of)), None
        )

    def weight_of(self, *found: Bottleneck | None, otherwise: float) -> float:
        """Return the weight of what acts against these causes: the largest score.

        ``otherwise`` counts little if the attribution found none of them, and in full without an
        attribution.
        """
        scores = [each.score for each in found if each is not None]
        if scores:
            return max(scores)
        return otherwise if self.test.attribution is None else _NOT_NAMED * otherwise

    def advise(
        self,
        advice: Advice,
        area: Area,
        confidence: Confidence,
        evidence: list[Evidence],
        weight: float,
        *,
        bottleneck: BottleneckKind | None = None,
        settings: Sequence[Setting] = (),
        variant: Variant | None = None,
    ) -> Weighted:
        """Return a recommendation that is based on this test."""
        recommendation = Recommendation(
            advice=advice,
            area=area,
            test=self.test.name,
            bottleneck=bottleneck,
            settings=list(settings),
            confidence=confidence,
            evidence=evidence,
            variant=variant,
        )
        return Weighted(recommendation, weight)

    def against(
        self, found: Bottleneck, advice: Advice, area: Area, confidence: Confidence
    ) -> Weighted:
        """Return a recommendation with the evidence and the weight of the bottleneck alone."""
        seen, weight = evidence_of(found), found.score
        return self.advise(advice, area, confidence, seen, weight, bottleneck=found.kind)

    @property
    def figures(self) -> Figures:
        """The medians of the iterations."""
        return self.summary.figures

    @property
    def rgd_ready(self) -> LatencySummary | None:
        """Time until RGDs were ready."""
        return self.summary.latency.rgd_ready

    @property
    def heap_of_an_rgd(self) -> float | None:
        """Live heap that an RGD takes; None of few, whose growth is smaller than what a collection
        has not yet freed of the iteration before."""
        known = self.figures[catalogue.KRO_LIVE_HEAP.per_rgd]
        return known if self.test.rgds >= MANY_RGDS else None

    @property
    def throughput(self) -> float | None:
        """Instances that became ready in a second."""
        return self.figures[catalogue.THROUGHPUT] or None

    @property
    def in_flight(self) -> int | None:
        """Instances created concurrently; None in an open loop, which does not bound them."""
        concurrency = self.test.concurrency
        return None if concurrency is None else min(concurrency, self.test.instances)

    @property
    def observed_instances(self) -> int:
        """Instances that the test's figures are based on, over all measured iterations."""
        ready = self.summary.latency.instance_ready
        return ready.n if ready is not None else 0

    @property
    def demand_seconds(self) -> float | None:
        """Time that an instance keeps workers busy, over all of its reconciles."""
        reconciles = self.figures[catalogue.KRO_RECONCILES.per_instance]
        mean = self.figures[catalogue.RECONCILE_MEAN_SECONDS]
        return reconciles * mean if reconciles and mean else None

    @property
    def workers(self) -> int | None:
        """Workers for instances."""
        return self.settings.number(INSTANCE_WORKERS)

    @property
    def utilisation(self) -> float | None:
        """How busy these workers were, by the utilisation law, from 0 to 1."""
        demand, rate, workers = self.demand_seconds, self.throughput, self.workers
        if demand is None or rate is None or not workers:
            return None
        return min(1.0, rate * demand / workers)

    @property
    def is_below_cpu_limit(self) -> bool:
        """Whether it is known that kro's CPU limit did not hold it back."""
        limit, cores = number_of(self.settings.limit("cpu")), self.figures[catalogue.KRO_CPU_CORES]
        throttled = self.figures[catalogue.KRO_THROTTLED_RATIO] or 0.0
        if not limit or cores is None:
            return False
        return cores / limit < CPU_NEAR_LIMIT and throttled < THROTTLED

    def cpu_bounds(self) -> dict[CPUBound, float]:
        """Return how many instances per second the CPU allows at most, by what limits it."""
        bounds: dict[CPUBound, float] = {}
        kro = self.figures[catalogue.KRO_CPU_SECONDS.per_instance]
        limit = number_of(self.settings.limit("cpu"))
        if kro and limit:
            bounds["CPULimit"] = limit / kro
        machine = self.machine_cpu_seconds
        cores = number_of(self.nodes[0].cpu) if len(self.nodes) == 1 else None
        if machine and cores:
            bounds["NodeCPU"] = cores / machine
        return bounds

    @property
    def machine_cpu_seconds(self) -> float | None:
        """CPU time of an instance on a cluster of one node: kro's, the API server's and our own."""
        kro = self.figures[catalogue.KRO_CPU_SECONDS.per_instance]
        api_server = self.figures[catalogue.API_SERVER_CPU_SECONDS.per_instance]
        if not kro or not api_server:
            return None
        own = self.figures[catalogue.LOAD_CPU_SECONDS]
        ready = self.summary.latency.instance_ready
        each = ready.n / max(1, self.summary.iterations) if ready is not None else 0
        etcd = self.figures[catalogue.ETCD_CPU_SECONDS.per_instance] or 0.0
        return kro + api_server + etcd + (own / each if own and each else 0.0)


Rule = Callable[[Case], Weighted | None]


def evidence_of(found: Bottleneck | None, most: int = 3) -> list[Evidence]:
    """Return the weightiest evidence of a bottleneck."""
    return list(found.evidence[:most]) if found is not None else []
