import asyncio

import pytest

from krobench.job.errors import AbortedError, info_of
from krobench.kube.errors import ApiError, ApiUnreachableError


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (AbortedError("KroNotFound", "no pod"), "KroNotFound", "no pod"),
        (ApiError(500, "InternalError", "etcd"), "InternalError", "500 InternalError: etcd"),
        (ApiUnreachableError("reset"), "ApiServerUnreachable", "reset"),
        (asyncio.CancelledError(), "Interrupted", "the load Job was stopped from outside"),
        (KeyError("x"), "KeyError", "'x'"),
        (RuntimeError(), "RuntimeError", "RuntimeError"),
        (ApiError(500, "R" * 99, ""), "R" * 64, f"500 {'R' * 99}: "),
    ],
)
def test_whatever_ended_a_run_has_a_reason(error: BaseException, reason: str, message: str) -> None:
    info = info_of(error)
    assert (info.reason, info.message) == (reason, message)
