import io
from typing import Any

from rich.console import Console

from krobench.cli.progress import progress_display

STATUS: dict[str, Any] = {
    "phase": "Running",
    "progress": "2/4",
    "message": "web: iteration 3 of 4",
    "tests": [
        {"name": "web", "phase": "Running", "iterations": "1/3"},
        {"name": "wide", "phase": "Succeeded", "iterations": "3/3", "instanceReadyP50Seconds": 1.5},
    ],
}

SCALE_STATUS: dict[str, Any] = {
    "phase": "Running",
    "progress": "4/9",
    "size": "1/3 (20)",
    "message": "instances-20: repetition 1",
    "sizes": [
        {"size": 10, "verdict": "Met", "iterations": "1/1", "instanceReadyP99Seconds": 1.5},
        {"size": 20, "verdict": "Running", "iterations": "0/0"},
    ],
}


def shown(*, terminal: bool, status: dict[str, Any] = STATUS) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with progress_display(console) as show:
        show({})
        show(status)
        show(status)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_pipeline_gets_a_line_for_each_change() -> None:
    assert shown(terminal=False).splitlines() == ["Running 2/4 web: iteration 3 of 4"]


def test_a_terminal_gets_a_bar_and_the_tests_that_have_ended() -> None:
    text = shown(terminal=True)
    assert "2/4" in text
    assert text.count("wide: Succeeded after 3/3 iterations, ready p50 1.5 s") == 1


def test_of_a_scale_test_the_sizes_are_shown() -> None:
    lines = shown(terminal=False, status=SCALE_STATUS).splitlines()
    assert lines == ["Running size 1/3 (20): instances-20: repetition 1"]
    text = shown(terminal=True, status=SCALE_STATUS)
    assert text.count("10: Met (1/1), ready p99 1.5 s") == 1
    assert "20: Running" not in text
