from typing import Any

import pytest
from unit.analysis.recommendations.made import (
    MIB,
    a_test,
    attribution,
    kro,
    run,
    summary,
)
from unit.records import some_iteration

from krobench.analysis.recommendations.advise import advise
from krobench.api.specs.load import Load, Operation
from krobench.api.specs.validity import Cause
from krobench.figures.profile import Breakdown, FunctionCost, GroupShare, TestProfile
from krobench.figures.summaries import LatencySummary
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.recommendation import (
    Advice,
    Area,
    CheaperCode,
    Confidence,
    FailingReconciles,
    FasterEtcd,
    FewerRevisions,
    HigherCPULimit,
    MoreShards,
    Recommendation,
)
from krobench.findings.validity import QuotedCause, Validity


def only(record: Any) -> Recommendation:
    (found,) = advise(record)
    return found


def test_shortens_requeues_if_workers_are_idle() -> None:
    record = a_test(summary(), attribution=attribution(BottleneckKind.REQUEUE_WAIT))

    advice = only(run(record, kro=kro("--instance-requeue-interval", "3s")))

    assert advice.settings[0].advised == "500ms"
    assert advice.settings[0].helm_value == "config.instance.requeueInterval"
    assert advice.variant is not None


def test_shortens_requeues_if_deletions_wait_for_them() -> None:
    found = summary()
    found.latency.instance_gone = LatencySummary(n=100, p50_seconds=12.1)
    phases = [Operation.CREATE, Operation.DELETE]

    assert only(run(a_test(found, phases=phases), kro=kro())).advice.code == "ShorterRequeues"
    assert advise(run(a_test(found), kro=kro())) == []  # its cleanup was not measured


def test_leaves_a_short_interval_alone() -> None:
    record = a_test(summary(), attribution=attribution(BottleneckKind.REQUEUE_WAIT))

    assert advise(run(record, kro=kro("--instance-requeue-interval=300ms"))) == []


def test_asks_why_reconciles_fail() -> None:
    found = summary(measured={"kro.reconciles.failed": 60.0})

    advice = only(run(a_test(found), kro=kro()))

    assert advice.settings == []
    assert advice.advice == FailingReconciles(failed_ratio=0.3)


def test_raises_a_memory_limit_that_is_near() -> None:
    found = summary()
    found.figures.root["kro.memory.residentBytes.max"] = 800 * MIB
    found.figures.root["kro.memory.workingSetBytes.max"] = 700 * MIB

    limit, request = advise(run(a_test(found), kro=kro()))

    assert limit.settings[0].name == "limits.memory"
    assert limit.settings[0].advised == "1200Mi"
    assert limit.settings[0].helm_value == "deployment.resources.limits.memory"
    assert request.settings[0].advised == "800Mi"


def test_raises_a_memory_limit_at_which_kro_was_killed() -> None:
    # What was seen before the kill is less than the limit, and says nothing of what it takes.
    cause = QuotedCause(reason=Cause.KRO_OOM_KILLED, text="kro was killed")
    killed = some_iteration(validity=Validity.of([cause]))
    record = a_test(
        summary(), attribution=attribution(BottleneckKind.KRO_MEMORY), iterations=[killed]
    )

    assert only(run(record, kro=kro())).settings[0].advised == "1536Mi"


def test_leaves_a_distant_memory_limit_alone() -> None:
    # Garbage that is collected too often is no reason for more memory than is used.
    record = a_test(summary(), attribution=attribution(BottleneckKind.KRO_MEMORY))

    assert advise(run(record, kro=kro())) == []


def test_raises_a_gomemlimit_that_is_below_what_kro_uses() -> None:
    record = a_test(summary(), attribution=attribution(BottleneckKind.KRO_MEMORY))

    advice = only(run(record, kro=kro(env={"GOMEMLIMIT": "12MiB"})))

    setting = advice.settings[0]
    assert (setting.name, setting.current, setting.advised) == ("GOMEMLIMIT", "12MiB", "96MiB")
    assert advice.variant is not None
    assert advice.variant.env == {"GOMEMLIMIT": "96MiB"}


def test_leaves_a_gomemlimit_alone_that_leaves_room() -> None:
    record = a_test(summary(), attribution=attribution(BottleneckKind.KRO_MEMORY))

    assert advise(run(record, kro=kro(env={"GOMEMLIMIT": "900MiB"}))) == []


def test_raises_a_cpu_limit_if_the_node_has_more() -> None:
    found = summary()
    found.figures.root["kro.cpu.throttledPeriodsRatio"] = 0.4

    advice = only(run(a_test(found), kro=kro(), cpu="4"))

    assert advice.settings[0].advised == "2"
    assert isinstance(advice.advice, HigherCPULimit)
    assert advice.advice.instance_cpu_seconds == pytest.approx(0.01)
    assert (advice.advice.limit_cores, advice.advice.wanted_cores) == (1, 2)
    assert advise(run(a_test(found), kro=kro(), cpu="1")) == []


@pytest.mark.parametrize(
    ("measured", "code"),
    [
        ({"perInstance.kro.reconciles.total": 8.0}, "ShorterChains"),
        ({"perInstance.kro.requests.total": 120.0}, "NarrowerRGDs"),
        ({"kro.cel.evaluations": 40_000.0, "kro.cel.evaluationMeanSeconds": 1e-4}, "CheaperCEL"),
    ],
)
def test_finds_what_an_author_can_change(measured: dict[str, float | None], code: str) -> None:
    advice = only(run(a_test(summary(rate=1.0, measured=measured)), kro=kro()))

    assert advice.area is Area.RGD_SHAPE
    assert advice.advice.code == code


def test_keeps_fewer_revisions_of_large_graphs() -> None:
    found = summary()
    found.figures.root["perRgd.kro.memory.liveHeapBytes"] = 7.5 * MIB

    advice = only(run(a_test(found, rgds=10), kro=kro()))

    assert advice.settings[0].name == "--rgd-max-graph-revisions"
    assert advice.advice == FewerRevisions(kept=5, wanted=2, graph_bytes=7.5 * MIB)
    assert advise(run(a_test(found, rgds=10), kro=kro("--rgd-max-graph-revisions=2"))) == []


def test_ignores_the_heap_of_few_rgds() -> None:
    found = summary()
    found.figures.root["perRgd.kro.memory.liveHeapBytes"] = 7.5 * MIB

    assert advise(run(a_test(found, rgds=1), kro=kro())) == []


@pytest.mark.parametrize(
    ("kind", "area"),
    [
        (BottleneckKind.API_SERVER, Area.CLUSTER),
        (BottleneckKind.ADMISSION, Area.CLUSTER),
        (BottleneckKind.ETCD, Area.CLUSTER),
        (BottleneckKind.POISONED_RGD, Area.RGD_SHAPE),
        (BottleneckKind.GENERATOR, Area.LOAD),
    ],
)
def test_acts_against_the_bottleneck(kind: BottleneckKind, area: Area) -> None:
    advice = only(run(a_test(summary(), attribution=attribution(kind)), kro=kro()))

    assert (advice.bottleneck, advice.area) == (kind, area)
    assert advice.settings == []


@pytest.mark.parametrize(
    ("fsync", "disk_is_fast", "confidence"),
    [
        (0.05, False, Confidence.MEDIUM),
        (0.001, True, Confidence.MEDIUM),
        (None, False, Confidence.LOW),
    ],
)
def test_advises_a_faster_disk_unless_etcds_disk_is_known_to_be_fast(
    fsync: float | None, disk_is_fast: bool, confidence: Confidence
) -> None:
    found = summary()
    if fsync is not None:
        found.figures.root["etcd.fsyncMeanSeconds"] = fsync
    record = a_test(found, attribution=attribution(BottleneckKind.ETCD))

    advice = only(run(record, kro=kro()))

    assert isinstance(advice.advice, FasterEtcd)
    assert (advice.advice.disk_is_fast, advice.advice.fsync_seconds) == (disk_is_fast, fsync)
    assert advice.confidence is confidence


def test_advises_another_node_if_the_limit_is_all_of_this_one() -> None:
    record = a_test(summary(), attribution=attribution(BottleneckKind.KRO_CPU))

    assert only(run(record, kro=kro(), cpu="1")).area is Area.CLUSTER
    assert only(run(record, kro=kro(), cpu="4")).area is Area.KRO_RESOURCES


def test_advises_another_node_if_kro_is_far_below_its_limit() -> None:
    found = summary()
    found.figures.root["kro.cpu.meanCores"] = 0.17
    record = a_test(found, attribution=attribution(BottleneckKind.KRO_CPU))

    assert only(run(record, kro=kro(), cpu="2")).area is Area.CLUSTER


def test_an_invalid_test_gives_advice_on_the_load_only() -> None:
    causes = [QuotedCause(reason=Cause.GENERATOR_LATE, text="late")]
    record = a_test(
        summary(rate=9.9),
        attribution=attribution(BottleneckKind.GENERATOR),
        load=Load(shards=2),
        validity=Validity(valid=False, causes=causes),
    )

    advice = only(run(record, kro=kro()))

    assert advice.area is Area.LOAD
    assert advice.advice == MoreShards(shards=2)


def profile(group: str, share: float, margin: float, samples: int = 900) -> TestProfile:
    cost = FunctionCost(function="github.com/google/cel-go/cel.NewEnv", flat=0.1, cumulative=3.0)
    cpu = Breakdown(
        unit="seconds",
        total=9.0,
        samples=samples,
        groups=[GroupShare(group=group, value=9 * share, share=share, margin=margin)],
        top_cumulative=[cost],
    )
    return TestProfile(cpu=cpu)


def test_a_large_share_of_a_profile_is_advice_for_maintainers() -> None:
    record = a_test(summary(), profile=profile("cel-go", 0.4, 0.03))

    advice = only(run(record, kro=kro()))

    assert advice.area is Area.KRO_CODE
    assert advice.advice == CheaperCode(
        of="CPU", group="cel-go", share=0.4, instance_cpu_seconds=0.01
    )
    assert any("cel.NewEnv" in (each.subject or "") for each in advice.evidence)


def test_the_costliest_function_of_a_group_is_evidence_even_if_its_callers_come_first() -> None:
    taken = profile("cel-go", 0.4, 0.03)
    assert taken.cpu is not None
    reconcile = FunctionCost(function="kro/pkg/controller.Reconcile", flat=0.0, cumulative=8.0)
    properties = FunctionCost(function="pkg/cel/openapi.Properties", flat=3.0, cumulative=3.3)
    taken.cpu.top_cumulative, taken.cpu.top_flat = [reconcile], [properties]

    advice = only(run(a_test(summary(), profile=taken), kro=kro()))

    shown = {each.subject: each.value for each in advice.evidence}
    assert shown["pkg/cel/openapi.Properties"] == pytest.approx(3.3 / 9.0, abs=1e-5)


def test_ignores_shares_that_may_be_chance() -> None:
    unsure = a_test(summary(), profile=profile("cel-go", 0.22, 0.03))
    few = a_test(summary(), profile=profile("cel-go", 0.6, 0.03, samples=40))

    assert advise(run(unsure, kro=kro())) == []
    assert advise(run(few, kro=kro())) == []


def test_ignores_shares_of_allocations_that_may_be_chance() -> None:
    def found(margin: float) -> list[Advice]:
        group = GroupShare(group="cel-go", value=15e6, share=0.35, margin=margin)
        allocated = Breakdown(unit="bytes", total=43e6, samples=45, groups=[group])
        record = a_test(summary(), profile=TestProfile(allocated=allocated))
        return [each.advice for each in advise(run(record, kro=kro()))]

    assert found(0.1) == []
    assert found(0.03) == [
        CheaperCode(of="Allocations", group="cel-go", share=0.35, instance_cpu_seconds=None)
    ]


def test_what_explains_most_comes_first() -> None:
    found = summary(rate=9.9, measured={"perInstance.kro.requests.total": 120.0})

    areas = [each.area for each in advise(run(a_test(found), kro=kro()))]

    assert areas == [Area.KRO_FLAG, Area.RGD_SHAPE]


def test_advice_from_several_tests_is_given_once() -> None:
    calm, busy = summary(rate=8.0), summary(rate=9.9)
    record = run(a_test(calm), a_test(busy, name="busy"), kro=kro())

    assert only(record).test == "busy"


def test_only_the_first_variant_counts() -> None:
    as_it_is = a_test(summary(rate=2.0), name="t.a", variant="a", kro=kro())
    slower = a_test(summary(rate=9.9), name="t.b", variant="b", kro=kro())

    assert advise(run(as_it_is, slower, kro=kro())) == []
