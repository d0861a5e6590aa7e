from typing import Any

import pytest

from krobench.kube import client as client_module
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError, ApiUnreachableError

BUSY = ApiError(429, "TooManyRequests", "later")
NO_ANSWER = ApiUnreachableError("reset")
FORBIDDEN = ApiError(403, "Forbidden", "no")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_BACKOFF_SECONDS", 0.0)


class Request:
    """Fails as told, and then gives an answer."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def client() -> KubeClient:
    return KubeClient(ClientConfig("http://nowhere", None, lambda: None))


async def test_a_request_is_repeated_while_its_failure_may_pass() -> None:
    assert await client().patiently(Request(BUSY, NO_ANSWER, BUSY)) == "answer"


async def test_patience_has_an_end() -> None:
    request = Request(BUSY, BUSY, BUSY, BUSY)
    with pytest.raises(ApiError, match="later"):
        await client().patiently(request, 2)
    assert len(request.errors) == 1


async def test_a_request_that_was_refused_for_good_is_not_repeated() -> None:
    request = Request(FORBIDDEN, BUSY)
    with pytest.raises(ApiError, match="Forbidden"):
        await client().patiently(request)
    assert request.errors == [BUSY]


class Recording(KubeClient):
    """Keeps the bodies of its requests."""

    def __init__(self) -> None:
        super().__init__(ClientConfig("http://nowhere", None, lambda: None))
        self.bodies: list[Any] = []

    async def _request(self, method: str, path: str, **options: Any) -> bytes:
        self.bodies.append(options["body"])
        return b"{}"


async def test_a_deletion_says_which_object_is_meant_where_it_is_told() -> None:
    recording = Recording()
    await recording.delete("/a")
    await recording.delete("/a", propagation="Background", uid="1")
    told = {"propagationPolicy": "Background", "preconditions": {"uid": "1"}}
    assert recording.bodies == [None, told]
