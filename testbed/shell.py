"""Running other programs, with errors that show what was run and what it said."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.errors import SetupError

_TAIL_LINES = 25


Words = Sequence[str | Path]
"""A command line; no shell takes part, so that nothing needs quotes."""


def run(
    argv: Words,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout_seconds: float | None = None,
) -> str:
    """Run a command to its end and return its stdout.

    ``env`` is added to this process's environment. Raises SetupError with the command, its
    exit code and the tail of its output where it fails.
    """
    command = [str(word) for word in argv]
    try:
        finished = subprocess.run(
            command,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError:
        raise SetupError(f"program {command[0]} not found: install it") from None
    except subprocess.TimeoutExpired:
        raise SetupError(
            f"{shlex.join(command)} did not finish within {timeout_seconds:.0f} s"
        ) from None
    if finished.returncode != 0:
        output = tail(finished.stderr or finished.stdout)
        raise SetupError(
            f"{shlex.join(command)} ended with exit code {finished.returncode}:\n{output}"
        )
    return finished.stdout


def stream(argv: Words, *, env: Mapping[str, str] | None = None) -> None:
    """Run a command whose progress the user should see."""
    command = [str(word) for word in argv]
    try:
        # Its stdout would mix with this command's result.
        code = subprocess.run(
            command, env={**os.environ, **(env or {})}, stdout=2, check=False
        ).returncode
    except FileNotFoundError:
        raise SetupError(f"program {command[0]} not found: install it") from None
    if code != 0:
        raise SetupError(f"{shlex.join(command)} ended with exit code {code}")


def succeeds(argv: Words, *, timeout_seconds: float) -> bool:
    """Whether a command exists and ends with 0 in time."""
    try:
        finished = subprocess.run(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return finished.returncode == 0


def which(program: str) -> str | None:
    """Where on PATH a program is."""
    return shutil.which(program)


def is_installed(program: str) -> bool:
    """Whether a program is on PATH."""
    return which(program) is not None


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of a text, indented below the sentence they explain."""
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-lines:])


def tail_of_file(path: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log."""
    if not path.exists():
        return f"    ({path} is not there)"
    return tail(path.read_text(errors="replace"), lines)
