"""What several commands take, and how they end."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

Sides = Annotated[
    list[str],
    typer.Argument(
        help="Sides, the first of which is the old one; runs of a side are separated by commas. "
        "A run is a file (baseline, run.json, ConfigMap), a directory of such, "
        "[KIND/][NAMESPACE/]NAME of a KroBenchmark or KroScaleTest, configmap:[NAMESPACE/]NAME, "
        "or history:[KIND/][NAMESPACE/]NAME for all kept runs. The KIND, krobenchmark or "
        "kroscaletest, is needed where both have this name."
    ),
]
Namespace = Annotated[str, typer.Option("--namespace", "-n")]
RunArgument = Annotated[
    str,
    typer.Argument(
        help="[KIND/][NAMESPACE/]NAME of a KroBenchmark or KroScaleTest. The KIND, krobenchmark "
        "or kroscaletest, is needed where both have this name."
    ),
]


def check_directories(*files: Path | None) -> None:
    """End the command, before it has done anything, where one of these cannot be written."""
    for file in files:
        if file is not None and not file.parent.is_dir():
            give_up(f"{file} cannot be written: there is no directory {file.parent}")


def remove_stale(*files: Path | None) -> None:
    """Remove what an earlier run has written here: it must not pass for what this one gives, where
    this one comes to nothing."""
    for file in files:
        if file is not None and file.is_file() and not file.is_symlink():
            try:
                file.unlink()
            except OSError as error:
                give_up(f"{file} cannot be written: {error.strerror}")


def write(file: Path, content: str | bytes) -> None:
    """Write a file, or end the command with a sentence."""
    try:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        give_up(f"{file} was not written: {error.strerror}")


def give_up(message: str) -> NoReturn:
    """End the command by an error."""
    from krobench.cli.run import ExitCode

    typer.echo(f"krobench: {message}", err=True)
    raise typer.Exit(ExitCode.ERROR)
