from typing import Any, cast

import pytest

from krobench.api.specs.kro import Target
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError
from krobench.kube.kro import kro_leader

TARGET = Target()


class FakeClient:
    def __init__(self, lease: dict[str, Any] | ApiError) -> None:
        self.lease = lease

    async def get(self, path: str) -> dict[str, Any]:
        assert path.endswith("/namespaces/kro-system/leases/controller.kro.run")
        if isinstance(self.lease, ApiError):
            raise self.lease
        return self.lease


def client(lease: dict[str, Any] | ApiError) -> KubeClient:
    return cast("KubeClient", FakeClient(lease))


async def test_the_leader_is_who_holds_the_lease() -> None:
    held = client({"spec": {"holderIdentity": "kro-1_x"}})
    assert await kro_leader(held, TARGET) == "kro-1_x"
    assert await kro_leader(client({"spec": {}}), TARGET) is None


async def test_without_a_lease_or_the_right_to_read_it_there_is_none() -> None:
    for status, reason in ((404, "NotFound"), (403, "Forbidden")):
        assert await kro_leader(client(ApiError(status, reason, "no")), TARGET) is None
    with pytest.raises(ApiError):
        await kro_leader(client(ApiError(500, "InternalError", "etcd is away")), TARGET)
