import pytest

from krobench.api.specs.scaletest import Axis
from krobench.report.words.sizes import growing, one_more, sized


@pytest.mark.parametrize("axis", Axis)
def test_each_axis_has_words_for_its_sizes(axis: Axis) -> None:
    assert one_more(axis) not in ("", axis.value)
    assert sized(7, axis).startswith("7 ")
    assert growing(axis).startswith("the ")
