from copy import deepcopy

import pytest
from unit.loadjob.kro.cluster import BIG, SURGE, KroCluster, variants_of

from krobench.api.podmessages import VARIANT_ANNOTATION
from krobench.loadjob.errors import AbortedError


async def test_variants_follow_one_another_and_kro_is_left_as_it_was() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(
        cluster,
        {"name": "big", "args": ["--workers=4"], "resources": {"limits": {"cpu": "2000m"}}},
    )
    await variants.find()
    assert await variants.enter("plain")
    assert cluster.container["args"] == ["--leader-elect", "--workers", "$(WORKERS)"]
    assert cluster.released == 1, "the Lease of a pod that is gone is released"
    assert await variants.enter("big")
    assert cluster.container["args"] == ["--leader-elect", "--workers=4"]
    assert not await variants.enter("big"), "what is in force needs no restart"
    assert await variants.enter("big", visit=1), "another visit does"
    assert not await variants.enter("big", visit=1)
    await variants.check()
    assert await variants.leave() == []
    await variants.settle()
    assert cluster.settled() == before


async def test_the_old_kro_goes_on_until_a_variant_has_led_once() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, BIG)
    await variants.find()
    for name, visit in (("plain", 0), ("big", 1), ("plain", 2), ("big", 3)):
        await variants.enter(name, visit)
    first, second, *later = (written["spec"]["strategy"] for written in cluster.written)
    assert first == second == SURGE, "an image may have to be pulled, or a flag be unknown"
    assert [each["rollingUpdate"]["maxSurge"] for each in later] == [0, 0]
    assert await variants.leave() == []
    assert cluster.deployment["spec"]["strategy"] == SURGE


async def test_a_strategy_that_somebody_else_has_set_meanwhile_is_kept_and_named() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, BIG)
    await variants.find()
    for name, visit in (("plain", 0), ("big", 1), ("plain", 2)):
        await variants.enter(name, visit)
    cluster.change("helm", strategy={"type": "Recreate"})
    [warning] = await variants.leave()
    assert "changed strategy" in warning
    assert cluster.deployment["spec"]["strategy"] == {"type": "Recreate"}


async def test_a_start_that_is_measured_replaces_pods_as_the_deployment_does() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, BIG, quick=False)
    await variants.find()
    for visit in (0, 1):
        await variants.enter("big", visit)
    assert all(written["spec"]["strategy"] == SURGE for written in cluster.written)


async def test_nothing_is_changed_if_the_leader_cannot_be_known() -> None:
    cluster = KroCluster()
    cluster.deployment["spec"]["template"]["spec"]["hostNetwork"] = True
    variants = variants_of(cluster, BIG)
    with pytest.raises(AbortedError, match="node's network") as raised:
        await variants.find()
    assert raised.value.info.reason == "LeaderUnknown"
    assert (cluster.written, cluster.released) == ([], 0)


async def test_a_variant_that_moves_the_lease_is_refused() -> None:
    cluster = KroCluster()
    moved = {"name": "moved", "args": ["--leader-election-namespace=other"]}
    with pytest.raises(AbortedError, match="in namespace other"):
        await variants_of(cluster, moved).find()
    assert cluster.written == []


async def test_a_change_by_somebody_else_ends_the_run_and_is_kept() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "big", "args": ["--workers=4"], "image": "kro:2"})
    await variants.find()
    await variants.enter("big")
    template = deepcopy(cluster.deployment["spec"]["template"])
    template["spec"]["containers"][0]["image"] = "kro:3"
    cluster.change("helm", template=template)
    with pytest.raises(AbortedError) as raised:
        await variants.check()
    assert raised.value.info.reason == "KroChanged"
    assert (
        "helm at 2026-01-31T10:00:00Z changed Deployment kro-system/kro while variant big"
        in raised.value.info.message
    )
    with pytest.raises(AbortedError):
        await variants.enter("plain")
    [warning] = await variants.leave()
    assert "helm at 2026-01-31T10:00:00Z changed image" in warning
    assert cluster.container["image"] == "kro:3"
    assert cluster.container["args"] == ["--leader-elect", "--workers", "$(WORKERS)"]
    assert VARIANT_ANNOTATION not in cluster.deployment["metadata"]["annotations"]


async def test_a_variant_that_the_api_server_refuses_changes_nothing() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "bad", "image": "x"})
    await variants.find()
    variants._variants["bad"].image = ""
    with pytest.raises(AbortedError) as raised:
        await variants.enter("bad")
    assert raised.value.info.reason == "VariantRefused"
    assert "image: Required value" in raised.value.info.message
    assert cluster.written == []
