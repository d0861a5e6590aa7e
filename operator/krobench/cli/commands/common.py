"""What the commands share: options, errors and the files that they write."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from krobench.cli.errors import CliError

ERROR = 4
INTERRUPTED = 130
"""As in shells after Ctrl-C."""

Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Default namespace of runs.")]


@contextmanager
def failing_with(code: int) -> Iterator[None]:
    """Turn errors for the user into a message and an exit code."""
    try:
        yield
    except CliError as error:
        fail(str(error), code)


def fail(message: str, code: int = ERROR) -> NoReturn:
    typer.echo(f"krobench: {message}", err=True)
    raise typer.Exit(code)


def is_page(file: Path | None) -> bool:
    return file is not None and file.suffix in {".html", ".htm"}


def write(file: Path | None, content: str | bytes) -> None:
    """Write a file, or print without one."""
    if file is None:
        typer.echo(content, nl=False)
        return
    try:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        fail(f"cannot write {file}: {error.strerror}")
