import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from krobench.api.notation import duration_seconds, flag_values, flags
from krobench.api.yaml import dump


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("250ms", 0.25), ("1.5s", 1.5)],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "-1s", "1 s", "1d", "ten minutes"])
def test_an_invalid_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        duration_seconds(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_parts_of_a_duration_add_up(hours: int, minutes: int, seconds: int) -> None:
    text = f"{hours}h{minutes}m{seconds}s"
    assert duration_seconds(text) == hours * 3600 + minutes * 60 + seconds


def test_a_flag_has_its_value_in_the_same_word_or_in_the_next() -> None:
    words = ["run", "--a=1", "-b", "2", "--on", "--c", "3", "--last"]
    assert list(flags(words)) == [
        ["run"], ["--a=1"], ["-b", "2"], ["--on"], ["--c", "3"], ["--last"],
    ]  # fmt: skip
    assert flag_values(words) == {"a": "1", "b": "2", "on": None, "c": "3", "last": None}


def test_the_last_of_several_values_counts() -> None:
    assert flag_values(["--a=1", "-a", "2", "--b="]) == {"a": "2", "b": ""}


@pytest.mark.parametrize("text", ["0189", "027138049824", "1e5", "12E4", "0o17", "1_0", "y", "N"])
def test_strings_that_kubectl_would_take_for_something_else_are_quoted(text: str) -> None:
    assert dump({"a": text}) == f"a: '{text}'\n"


def test_everything_else_stays_as_it_is() -> None:
    data = {"b": 3, "a": 1.5, "duration": "10m", "word": "yard", "yes": True, "none": None}
    text = dump(data)
    assert text.startswith("b: 3\na: 1.5\nduration: 10m\nword: yard\n")
    assert yaml.safe_load(text) == data


def test_equal_parts_are_written_out_in_full() -> None:
    part = {"x": [1]}
    assert "&" not in dump({"a": part, "b": part})
