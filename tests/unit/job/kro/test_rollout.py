import pytest
from unit.job.kro.cluster import KroCluster, enter_big, variants_of

from krobench.job.errors import AbortedError


async def test_a_variant_that_does_not_start_is_explained_in_kros_words() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "bad", "args": ["--nope=1"]})
    await variants.find()
    with pytest.raises(AbortedError) as raised:
        await variants.enter("bad")
    assert raised.value.info.reason == "VariantNotStarted"
    assert "CrashLoopBackOff: back-off 10s; its log says: flag provided but not defined: -nope" in (
        raised.value.info.message
    )
    assert await variants.leave() == []
    assert cluster.settled() == before


async def test_a_pod_that_was_evicted_does_not_count_as_one_of_kros() -> None:
    cluster = KroCluster()
    evicted = cluster.pods[0] | {
        "metadata": {"name": "kro-0"},
        "status": {"phase": "Failed", "reason": "Evicted"},
    }
    variants = await enter_big(cluster)
    await variants.leave()
    cluster.pods.insert(0, evicted)
    await variants.settle()


async def test_an_api_server_that_is_busy_for_a_while_costs_only_time() -> None:
    cluster = KroCluster()
    variants = await enter_big(cluster)
    cluster.busy_answers = 2
    await variants.check()
    assert await variants.leave() == []
    cluster.busy_answers = 3
    await variants.settle()
