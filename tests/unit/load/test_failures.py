import pytest
from unit.load.fakes import AnsweringApi, FakeObserver, plan, sender

from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.load.driver import (
    FAILURES_IN_A_ROW,
    ApiServerInDistressError,
    Breaker,
    ForbiddenError,
    explain,
)
from krobench.load.loops import RunClock, closed_loop

UNAVAILABLE = ApiError(503, "ServiceUnavailable", "etcd is away")
THROTTLED = ApiError(429, "TooManyRequests", "later")
UNREACHABLE = ApiUnreachableError("connection refused")
INVALID = ApiError(422, "Invalid", "no such field")


@pytest.mark.parametrize("error", [UNAVAILABLE, THROTTLED, UNREACHABLE])
def test_failures_in_a_row_trip_it(error: ApiError | ApiUnreachableError) -> None:
    breaker = Breaker()
    for _ in range(FAILURES_IN_A_ROW - 1):
        breaker.failed(error)
    with pytest.raises(ApiServerInDistressError, match=str(error)):
        breaker.failed(error)


@pytest.mark.parametrize("answered", [True, False])
def test_any_sign_of_a_server_at_work_starts_the_count_again(answered: bool) -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES_IN_A_ROW - 1):
            breaker.failed(UNAVAILABLE)
        if answered:
            breaker.succeeded()
        else:
            breaker.failed(INVALID)


async def test_a_load_ends_early_with_what_it_has() -> None:
    made, clock, observer = plan(50), RunClock(), FakeObserver()
    left = list(range(10))

    async def break_down(name: str) -> None:
        if not left:
            raise UNAVAILABLE
        left.pop()

    client = AnsweringApi(break_down)
    operations, send = made.test.phases[0].operations, sender(client, clock, made, observer)
    with pytest.raises(ApiServerInDistressError, match="etcd is away"):
        await closed_loop(send, operations, 1)
    lines = [followed.record for followed in observer.followed]
    assert len(lines) == 10 + FAILURES_IN_A_ROW
    assert sum(line.acknowledged_seconds is not None for line in lines) == 10
    assert all("etcd is away" in (line.error or "") for line in lines[10:])


RBAC = (
    'singles.load.bench.kro.run is forbidden: User "a" cannot create resource "singles" in API '
    'group "load.bench.kro.run" in the namespace "default"'
)
WEBHOOK = 'admission webhook "v.gatekeeper.sh" denied the request: [required-labels] no label team'
POLICY = "ValidatingAdmissionPolicy 'no-kb' with binding 'no-kb' denied request: by the portal"
QUOTA = "exceeded quota: small, requested: count/singles=1"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (RBAC, "Forbidden"),
        (WEBHOOK, "DeniedByPolicy"),
        (POLICY, "DeniedByPolicy"),
        (QUOTA, "DeniedByPolicy"),
    ],
)
def test_a_policy_that_denies_is_not_taken_for_a_missing_right(message: str, reason: str) -> None:
    info = explain(ForbiddenError(ApiError(403, "Forbidden", message)))
    assert info.reason == reason
    assert message in info.message
    assert ("load.extraGroups" in info.message) is (reason == "Forbidden")
