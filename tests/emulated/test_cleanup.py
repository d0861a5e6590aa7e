"""The cleanup Job against an API server in memory."""

from collections.abc import Mapping

import pytest
from doubles.cluster import MemoryCluster

from krobench.api.common import RUN_LABEL
from krobench.api.kinds import object_prefix
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.load.lifecycle import CRDS_PATH, RGDS_PATH
from krobench.loadjob.main import restore

UID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
RGD = {
    "metadata": {"name": f"{object_prefix(UID)}x", "labels": {RUN_LABEL: UID}},
    "spec": {"schema": {"kind": "X", "group": "load.bench.kro.run", "apiVersion": "v1"}},
}


class NoDeployments(MemoryCluster):
    """Lets nobody see kro's Deployment."""

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if path.endswith("/deployments"):
            raise ApiError(403, "Forbidden", "deployments may not be listed")
        await super().admit(verb, path, body)


def rgds(cluster: MemoryCluster) -> Mapping[str, JsonObject]:
    return {path: item for path, item in cluster.objects.items() if path.startswith(RGDS_PATH)}


async def test_objects_are_deleted_even_if_kro_cannot_be_restored() -> None:
    cluster = NoDeployments()
    await cluster.create(RGDS_PATH, RGD)
    assert rgds(cluster)
    with pytest.raises(ApiError, match="deployments may not be listed"):
        await restore(cluster, UID, only_kro=False)
    assert not rgds(cluster)


async def test_instances_whose_rgd_somebody_deleted_go_with_their_config_maps() -> None:
    """kro would never let them go, and their CRD would hang on them."""
    cluster = MemoryCluster()
    await cluster.create(RGDS_PATH, RGD)
    [crd] = [path for path in cluster.objects if path.startswith(CRDS_PATH)]
    spec = cluster.objects[crd]["spec"]
    plural, version = spec["names"]["plural"], spec["versions"][0]["name"]
    instances = f"/apis/{spec['group']}/{version}/namespaces/ns/{plural}"
    for name, labels in (("ours", {RUN_LABEL: UID}), ("others", {})):
        metadata = {
            "name": name,
            "uid": name,
            "labels": labels,
            "finalizers": ["kro.run/finalizer"],
        }
        await cluster.create(instances, {"metadata": metadata})
        owned = {"kro.run/owned": "true", "kro.run/instance-id": name}
        child = {"metadata": {"name": name, "labels": owned}}
        await cluster.create("/api/v1/namespaces/ns/configmaps", child)
    [rgd] = rgds(cluster)
    await cluster.delete(rgd)
    await restore(cluster, UID, only_kro=False)
    left = [path.rpartition("/")[2] for path in cluster.objects if "/namespaces/ns/" in path]
    assert left == ["others"] * 2
    assert crd not in cluster.objects


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([RGD], "deleted 2 objects, the first was ResourceGraphDefinition/"),
        ([], "found no objects of this run"),
    ],
)
async def test_the_log_names_what_was_deleted(
    made: list[JsonObject], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = MemoryCluster()
    for rgd in made:
        await cluster.create(RGDS_PATH, rgd)
    with caplog.at_level("INFO"):
        await restore(cluster, UID, only_kro=False)
    assert words in caplog.text


async def test_nothing_is_deleted_if_only_kro_is_restored() -> None:
    cluster = MemoryCluster()
    await cluster.create(RGDS_PATH, RGD)
    await restore(cluster, UID, only_kro=True)
    assert rgds(cluster)
