"""What goes on in a run, while one waits for its end: a bar on a terminal, lines elsewhere."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Show = Callable[[Mapping[str, Any]], None]
"""Takes the status of a run."""


@contextmanager
def progress_display(console: Console) -> Iterator[Show]:
    """Yield what shows a status; the console is the terminal, or the log of a pipeline."""
    if console.is_terminal:
        with _bar(console) as show:
            yield show
    else:
        yield _lines(console)


def _lines(console: Console) -> Show:
    """Print a line whenever something has changed."""
    last = ""

    def show(status: Mapping[str, Any]) -> None:
        nonlocal last
        place = f"size {status['size']}:" if status.get("size") else status.get("progress")
        parts = (status.get("phase"), place, status.get("message"))
        line = " ".join(str(part) for part in parts if part)
        if line and line != last:
            last = line
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    return show


@contextmanager
def _bar(console: Console) -> Iterator[Show]:
    """Keep a bar up to date, with the tests or sizes that have ended printed above it."""
    columns = (
        TextColumn("{task.fields[phase]}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    ended: set[str] = set()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, phase="Pending")

        def show(status: Mapping[str, Any]) -> None:
            done, _, planned = str(status.get("progress") or "").partition("/")
            progress.update(
                task,
                completed=int(done) if planned else None,
                total=int(planned) if planned else None,
                description=str(status.get("message") or ""),
                phase=status.get("phase") or "Pending",
            )
            for line in _ended_tests(status) + _ended_sizes(status):
                if line not in ended:
                    ended.add(line)
                    console.print(line, markup=False, highlight=False)

        yield show


def _ended_tests(status: Mapping[str, Any]) -> list[str]:
    tests = status.get("tests") or []
    return [_ended_test(test) for test in tests if test["phase"] in ("Succeeded", "Failed")]


def _ended_test(test: Mapping[str, Any]) -> str:
    median = test.get("instanceReadyP50Seconds")
    measured = f", ready p50 {median:g} s" if median is not None else ""
    why = f": {test['message']}" if test.get("message") else ""
    return f"{test['name']}: {test['phase']} after {test['iterations']} iterations{measured}{why}"


def _ended_sizes(status: Mapping[str, Any]) -> list[str]:
    sizes = status.get("sizes") or []
    return [_ended_size(size) for size in sizes if size["verdict"] != "Running"]


def _ended_size(size: Mapping[str, Any]) -> str:
    """Return a line about a size; it changes with each further iteration."""
    p99 = size.get("instanceReadyP99Seconds")
    measured = f", ready p99 {p99:g} s" if p99 is not None else ""
    why = f": {size['message']}" if size.get("message") else ""
    return f"{size['size']:g}: {size['verdict']} ({size['iterations']}){measured}{why}"
