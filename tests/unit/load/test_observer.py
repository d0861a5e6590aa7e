from unit.records import some_line

from krobench.figures.rawdata import ObjectRecord
from krobench.load.observer import Followed, Pending


def line() -> ObjectRecord:
    return some_line(operation="update-instance")


async def test_an_update_is_done_when_its_generation_or_a_later_one_is_ready() -> None:
    followed = Followed(line())
    followed.became_ready(1, 1.0)
    second, third = Pending(line()), Pending(line())
    followed.expect(second, 2)
    followed.expect(third, 3)
    followed.became_ready(1, 1.5)
    assert not second.done.done()
    followed.became_ready(3, 2.0)
    assert (second.record.ready_seconds, third.record.ready_seconds) == (2.0, 2.0)
    assert followed.record.ready_seconds == 1.0


async def test_an_event_that_came_before_the_answer_counts_from_when_it_came() -> None:
    followed = Followed(line())
    followed.became_ready(2, 1.25)
    update = Pending(line())
    followed.expect(update, 2)
    assert update.done.done()
    assert update.record.ready_seconds == 1.25


async def test_a_failure_ends_all_waiting() -> None:
    followed, update = Followed(line()), Pending(line())
    followed.expect(update, 2)
    followed.fail(RuntimeError("the watch broke"))
    assert isinstance(update.done.exception(), RuntimeError)
    assert isinstance(followed.ready.exception(), RuntimeError)


async def test_waiting_for_a_deletion_works_after_the_object_is_gone() -> None:
    before, after = Followed(line()), Followed(line())
    waiting = before.when_gone()
    for followed in (before, after):
        followed.deletion = line()
        followed.became_gone(3.5)
        assert followed.deletion.gone_seconds == 3.5
    await waiting
    await after.when_gone()
