import pytest

from krobench.analysis.krosettings import KroHabits

DEFAULTS = KroHabits(kept_revisions=5, echo_seconds=3.0)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rgd-max-graph-revisions=2", "--instance-requeue-interval=500ms", "--leader-elect"],
        ["--leader-elect", "--rgd-max-graph-revisions", "2", "--instance-requeue-interval", "0"],
    ],
)
def test_flags_are_read_in_both_of_their_forms(arguments: list[str]) -> None:
    assert KroHabits.from_arguments(arguments) == KroHabits(kept_revisions=2, echo_seconds=3.0)


def test_the_longer_delay_counts() -> None:
    arguments = ["--rgd-progress-requeue-delay", "1s", "--instance-requeue-interval=10s"]
    assert KroHabits.from_arguments(arguments).echo_seconds == 10.0


def test_without_flags_kros_defaults_stand() -> None:
    assert KroHabits.from_arguments([]) == DEFAULTS


@pytest.mark.parametrize("value", ["(from a reference)", "$(INTERVAL)", "1500us", ""])
def test_a_value_that_cannot_be_read_leaves_kros_default(value: str) -> None:
    arguments = [f"--rgd-max-graph-revisions={value}", f"--instance-requeue-interval={value}"]
    assert KroHabits.from_arguments(arguments) == DEFAULTS
