import asyncio
import time
from collections.abc import Sequence

import pytest
from unit.load.fakes import AnsweringApi, FakeObserver, plan, sender

from krobench.kube.errors import ApiError
from krobench.load.loops import (
    RunClock,
    closed_loop,
    from_now,
    open_loop,
    repeating,
    run_together,
)
from krobench.workload.iterationplan import IterationPlan
from krobench.workload.phases import PlannedOperation


def operations(made: IterationPlan) -> Sequence[PlannedOperation]:
    return made.test.phases[0].operations


async def at_once(name: str) -> None:
    pass


def soon(clock: RunClock, count: int, gap_seconds: float = 0.001) -> list[float]:
    return [clock.now() + position * gap_seconds for position in range(count)]


async def test_requests_are_sent_on_time_even_if_others_are_unanswered() -> None:
    made, clock, observer = plan(10), RunClock(), FakeObserver(ready=False)
    all_sent = asyncio.Event()

    async def never(name: str) -> None:
        if len(client.created) == 10:
            all_sent.set()
        await asyncio.Event().wait()

    client = AnsweringApi(never)
    times = soon(clock, 10)
    work = asyncio.create_task(
        open_loop(sender(client, clock, made, observer), operations(made), times, clock, 100)
    )
    await all_sent.wait()
    lines = [followed.record for followed in observer.followed]
    # Not in order: timers a millisecond apart may fire together.
    assert {line.intended_seconds for line in lines} == set(times)
    assert all(line.sent_seconds >= line.start_seconds for line in lines)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_a_request_beyond_those_in_flight_waits_and_its_lag_shows_it() -> None:
    made, clock, observer = plan(3), RunClock(), FakeObserver()
    flying = most = 0

    async def slowly(name: str) -> None:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.005)
        flying -= 1

    times = [clock.now()] * 3
    await open_loop(
        sender(AnsweringApi(slowly), clock, made, observer), operations(made), times, clock, 2
    )
    assert most == 2
    last = observer.followed[-1].record
    assert last.sent_seconds - last.start_seconds >= 0.004


async def test_a_generator_that_stalls_sends_late_and_counts_from_the_intended_time() -> None:
    made, clock, observer = plan(5), RunClock(), FakeObserver()
    times = soon(clock, 5)

    async def stall(name: str) -> None:
        if name.endswith("00000"):
            time.sleep(0.03)  # noqa: ASYNC251 - the loop stands still, as on a busy machine

    await open_loop(
        sender(AnsweringApi(stall), clock, made, observer), operations(made), times, clock, 10
    )
    last = observer.followed[-1].record
    assert last.start_seconds == times[-1]
    assert last.sent_seconds - last.start_seconds > 0.02


async def test_a_refused_instance_is_recorded_and_the_schedule_goes_on() -> None:
    made, clock, observer = plan(4), RunClock(), FakeObserver(ready=False)

    async def refuse(name: str) -> None:
        raise ApiError(422, "Invalid", "no such field")

    await open_loop(
        sender(AnsweringApi(refuse), clock, made, observer),
        operations(made),
        soon(clock, 4),
        clock,
        10,
    )
    assert len(observer.followed) == 4
    assert all("no such field" in (f.record.error or "") for f in observer.followed)


async def test_the_closed_loop_respects_its_concurrency() -> None:
    made, clock, observer = plan(20), RunClock(), FakeObserver()
    client = AnsweringApi(at_once)
    await closed_loop(sender(client, clock, made, observer), operations(made), 3)
    assert len(client.created) == 20
    assert all(f.record.intended_seconds is None for f in observer.followed)


@pytest.mark.parametrize(("status", "throttled", "errors"), [(429, 2, 0), (503, 0, 2)])
async def test_throttled_and_failed_answers_are_counted_separately(
    status: int, throttled: int, errors: int
) -> None:
    made, clock, observer = plan(1), RunClock(), FakeObserver()
    left = [ApiError(status, "Busy", "later")] * 2

    async def busy(name: str) -> None:
        if left:
            raise left.pop()

    await closed_loop(sender(AnsweringApi(busy), clock, made, observer), operations(made), 1)
    [record] = [followed.record for followed in observer.followed]
    assert (record.retries, record.throttled, record.server_errors) == (2, throttled, errors)
    assert record.acknowledged_seconds is not None


def test_a_schedule_begins_late_enough_to_be_prepared() -> None:
    clock = RunClock()
    times = from_now((0.0, 1.0), clock)
    assert times[0] > clock.now()
    assert times[1] - times[0] == pytest.approx(1.0)


async def test_the_first_error_ends_the_others_and_is_raised_as_it_is() -> None:
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        await run_together([wait(), fail()])
    assert ended.is_set()


async def test_a_timeout_after_a_failure_is_not_a_cancellation() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("failed before")

    with pytest.raises(ValueError, match="failed before"):
        await run_together([fail()])
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await run_together([asyncio.sleep(60)])


async def test_what_fails_beside_a_run_is_tried_again_and_never_fails_the_run() -> None:
    errors = iter([ApiError(500, "", "away"), ValueError("a bug")])
    third = asyncio.Event()

    async def look() -> None:
        for error in errors:
            raise error
        third.set()

    async with repeating(0, look), asyncio.timeout(5):
        await third.wait()
