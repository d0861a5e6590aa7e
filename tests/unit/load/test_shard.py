import pytest
from unit.records import some_line

from krobench.load.shard import moved


def test_a_line_is_moved_as_a_whole() -> None:
    line = some_line(intended_seconds=1.0, sent_seconds=1.25, ready_seconds=3.5, retries=2)
    other = moved(line, 10.0)
    assert (other.intended_seconds, other.sent_seconds, other.ready_seconds) == (11.0, 11.25, 13.5)
    assert other.acknowledged_seconds is None
    assert other.retries == 2
    assert line.sent_seconds == pytest.approx(1.25)
