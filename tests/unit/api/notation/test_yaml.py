import pytest
import yaml

from krobench.api.notation.yaml import dump


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
