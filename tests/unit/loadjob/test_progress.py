"""How long a run still takes, from what it has measured so far."""

import pytest
from unit.records import some_iteration, some_test

from krobench.loadjob.progress import remaining_seconds
from krobench.record.test import IterationRecord, Teardown


def done(seconds: float, cleanup: float = 0.0) -> IterationRecord:
    teardown = Teardown(done=True, duration_seconds=cleanup)
    return some_iteration(duration_seconds=seconds, teardown=teardown)


def test_it_is_unknown_before_the_first_iteration_has_ended() -> None:
    assert remaining_seconds([some_test(planned_iterations=3)], 3, 5.0) is None


def test_iterations_to_come_take_as_long_as_those_of_their_test_did() -> None:
    fast = some_test(planned_iterations=3, planned_warmup=1, iterations=[done(8.0, 2.0)])
    assert remaining_seconds([fast], 3, 0.0) == pytest.approx(30.0)


def test_a_test_that_has_not_begun_is_expected_to_be_like_the_others() -> None:
    ended = some_test(planned_iterations=2, iterations=[done(4.0), done(6.0)], success=True)
    assert remaining_seconds([ended, some_test(planned_iterations=4)], 4, 0.0) == pytest.approx(
        20.0
    )


def test_the_iteration_that_is_running_counts_with_its_rest() -> None:
    test = some_test(planned_iterations=2, iterations=[done(10.0)])
    assert remaining_seconds([test], 1, 4.0) == pytest.approx(6.0)
    assert remaining_seconds([test], 1, 40.0) == 0.0


def test_a_profiled_iteration_is_expected_to_be_like_the_others() -> None:
    test = some_test(planned_iterations=1, iterations=[done(10.0)], success=True)
    assert remaining_seconds([test], 2, 0.0) == pytest.approx(20.0)
