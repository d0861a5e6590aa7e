from krobench.api.notation.flags import flag_values, flags


def test_a_flag_has_its_value_in_the_same_word_or_in_the_next() -> None:
    words = ["run", "--a=1", "-b", "2", "--on", "--c", "3", "--last"]
    assert list(flags(words)) == [
        ["run"], ["--a=1"], ["-b", "2"], ["--on"], ["--c", "3"], ["--last"],
    ]  # fmt: skip
    assert flag_values(words) == {"a": "1", "b": "2", "on": None, "c": "3", "last": None}


def test_the_last_of_several_values_counts() -> None:
    assert flag_values(["--a=1", "-a", "2", "--b="]) == {"a": "2", "b": ""}
