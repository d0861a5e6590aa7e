"""A long-running program of the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed import process, shell
from testbed.errors import SetupError
from testbed.paths import State
from testbed.process import ProcessRecord


@dataclass(frozen=True)
class Component:
    """What to start, and under which name its log and process record are kept."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def start(component: Component, state: State) -> None:
    """Start a component in the background."""
    process.spawn(
        component.name,
        component.argv,
        log=log_path(state, component.name),
        record=record_path(state, component.name),
        env=component.env,
    )


def stop(name: str, state: State, grace_seconds: float) -> None:
    """Stop a component and forget it; does nothing where it does not run."""
    path = record_path(state, name)
    record = ProcessRecord.load(path)
    if record:
        process.stop(record, grace_seconds)
    path.unlink(missing_ok=True)


def running_pid(name: str, state: State) -> int | None:
    """The pid of a component that runs."""
    record = ProcessRecord.load(record_path(state, name))
    return record.pid if record and record.is_alive() else None


def check_alive(name: str, state: State) -> None:
    """Raise SetupError with the tail of its log where a component has ended."""
    if running_pid(name, state) is None:
        log = log_path(state, name)
        raise SetupError(f"{name} exited; the end of {log}:\n{shell.tail_of_file(log)}")


def log_path(state: State, name: str) -> Path:
    """A component's log."""
    return state.log / f"{name}.log"


def record_path(state: State, name: str) -> Path:
    """A component's process record."""
    return state.pids / f"{name}.json"
