import pytest
from unit.analysis.validity.moments import moment

from krobench.analysis.validity.clock import clock_jumps


@pytest.mark.parametrize("jump", [1.0, -1.0, -3600.0])
def test_a_wall_clock_that_was_set_is_found_with_its_size(jump: float) -> None:
    [cause] = clock_jumps([moment(0.0), moment(3.0), moment(6.0, wall=1e9 + jump)])
    assert cause.reason == "ClockJumped"
    assert f"{jump:+.3f}s" in cause.message
    assert "between 3.0s and 6.0s" in cause.message


def test_a_clock_that_ntp_pulls_along_is_none() -> None:
    pulled = [moment(t, wall=1e9 + 4e-4 * t) for t in (0.0, 3.0, 6.0, 3600.0)]
    assert clock_jumps(pulled) == []
