import pytest
from unit.loadjob.kro.cluster import BIG, OWNER, PATH, KroCluster, enter_big, variants_of

from krobench.api.common import RUN_LABEL
from krobench.api.kinds import RunKind, RunRef
from krobench.api.podmessages import VARIANT_ANNOTATION
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.kro.deployment import UnreadableChangeError, change_on, restore, restore_all


async def test_what_was_changed_is_noted_by_the_request_that_changes_it() -> None:
    cluster = KroCluster()
    variants = variants_of(cluster, {"name": "big", "resources": {"limits": {"cpu": "2000m"}}})
    await variants.find()
    await variants.enter("big")
    [written] = cluster.written
    change = change_on(written)
    assert change is not None
    assert change.generation == written["metadata"]["generation"]
    assert (change.run, change.benchmark, change.variant) == (OWNER.uid, "default/bench", "big")
    after = {item.field: item.after for item in change.changes}
    assert after["resources"] == {"limits": {"cpu": "2"}}, "as the API server has it"


async def test_a_stranger_who_finds_the_note_can_undo_the_change() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "big", "resources": {"limits": {"cpu": "2000m"}}})
    await variants.find()
    await variants.enter("big")
    client = cluster
    assert await restore_all(client, "another") == []
    assert cluster.settled() != before
    assert await restore_all(client, OWNER.uid) == []
    assert cluster.settled() == before
    writes = len(cluster.written)
    assert await restore_all(client, OWNER.uid) == []
    assert len(cluster.written) == writes


async def test_a_note_that_is_lost_does_not_lose_the_way_back() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = await enter_big(cluster)
    del cluster.deployment["metadata"]["annotations"][VARIANT_ANNOTATION]
    del cluster.deployment["metadata"]["labels"][RUN_LABEL]
    assert await variants.leave() == []
    assert cluster.settled() == before


async def test_kro_that_another_run_has_changed_is_not_touched() -> None:
    cluster = KroCluster()
    await enter_big(cluster)
    other = variants_of(cluster, BIG)
    other._owner = RunRef(RunKind.BENCHMARK, "default", "other", "ffff")
    with pytest.raises(AbortedError) as raised:
        await other.find()
    assert f"krobench cleanup --run {OWNER.uid}" in raised.value.info.message
    assert await restore(cluster, PATH, "ffff") == []


async def test_a_change_whose_answer_was_lost_is_undone_too() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, BIG)
    await variants.find()
    cluster.lost_answers = 1
    with pytest.raises(ApiUnreachableError):
        await variants.enter("big")
    assert cluster.settled() != before
    cluster.lost_answers = 1
    assert await variants.leave() == []
    assert cluster.settled() == before


async def test_nothing_of_kro_is_marked_as_ours_afterwards() -> None:
    cluster = KroCluster()
    variants = await enter_big(cluster)
    ours, helm = {"manager": "krobench"}, {"manager": "helm"}
    cluster.deployment["metadata"]["managedFields"] = [ours, helm]
    assert await variants.leave() == []
    assert cluster.deployment["metadata"]["managedFields"] == [helm]


async def test_nothing_is_marked_as_ours_although_the_controller_writes_in_between() -> None:
    cluster = ControllerIsQuick()
    variants = await enter_big(cluster)
    ours, helm = {"manager": "krobench"}, {"manager": "helm"}
    cluster.deployment["metadata"]["managedFields"] = [ours, helm]
    cluster.conflicts = 1
    assert await variants.leave() == []
    assert cluster.conflicts == 0
    assert cluster.deployment["metadata"]["managedFields"] == [helm]


class ControllerIsQuick(KroCluster):
    """Refuses writes that would only give up fields, as often as it is asked to."""

    conflicts = 0

    def _update(self, path: str, item: JsonObject, *, dry_run: bool = False) -> JsonObject:
        gives_up = item["metadata"].get("managedFields") == [{"manager": "helm"}]
        if path == PATH and gives_up and self.conflicts:
            self.conflicts -= 1
            raise ApiError(409, "Conflict", "the object has been modified")
        return super()._update(path, item, dry_run=dry_run)


async def test_a_note_that_cannot_be_read_is_named_and_not_taken_for_none() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = await enter_big(cluster)
    cluster.deployment["metadata"]["annotations"][VARIANT_ANNOTATION] = "{}"
    with pytest.raises(UnreadableChangeError, match=f"{VARIANT_ANNOTATION} is not valid"):
        await restore_all(cluster, OWNER.uid)
    with pytest.raises(AbortedError, match="KroChanged"):
        await variants_of(cluster, {"name": "big"}).find()
    assert await variants.leave() == [], "the run itself still knows"
    assert cluster.settled() == before


async def test_a_variant_that_was_there_before_is_never_taken_for_kros_own_settings() -> None:
    cluster = KroCluster()
    await enter_big(cluster)
    again = variants_of(cluster, BIG)
    with pytest.raises(AbortedError) as raised:
        await again.find()
    assert raised.value.info.reason == "KroChanged"
    assert f"krobench cleanup --run {OWNER.uid}" in raised.value.info.message
