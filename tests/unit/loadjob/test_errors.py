import asyncio

import pytest

from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.kropods import KroNotFoundError
from krobench.loadjob.errors import AbortedError, info_of


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (AbortedError("KroNotFound", "no pod"), "KroNotFound", "no pod"),
        (ApiError(500, "InternalError", "etcd"), "InternalError", "500 InternalError: etcd"),
        (ApiUnreachableError("reset"), "ApiServerUnreachable", "reset"),
        (asyncio.CancelledError(), "Interrupted", "the load Job was stopped; start the run again"),
        (KroNotFoundError("no kro"), "KroNotFound", "no kro"),
        (ApiError(500, "R" * 99, ""), "R" * 64, f"500 {'R' * 99}: "),
    ],
)
def test_whatever_ended_a_run_has_a_reason(error: BaseException, reason: str, message: str) -> None:
    info = info_of(error)
    assert (info.reason, info.message) == (reason, message)


@pytest.mark.parametrize(
    ("error", "said"), [(KeyError("x"), "(KeyError: 'x')"), (RuntimeError(), "(RuntimeError)")]
)
def test_an_internal_error_says_so_and_what_to_do(error: Exception, said: str) -> None:
    info = info_of(error)
    assert info.reason == "KrobenchFailed"
    assert said in info.message
    assert "not in kro or your spec" in info.message
    assert "report it with the log of the load Job's pod" in info.message
