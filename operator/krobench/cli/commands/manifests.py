"""The commands that print what krobench would create."""

from pathlib import Path
from typing import Annotated

import typer

from krobench.cli.commands.common import failing_with


def generate(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="File with a KroBenchmark or KroScaleTest.")
    ],
    test: Annotated[
        str | None,
        typer.Option(help="Only this test, or this size of a KroScaleTest, such as instances-200."),
    ] = None,
) -> None:
    """Print the objects that a KroBenchmark or KroScaleTest would create, without a cluster."""
    from krobench.cli.generate import generate as generated

    with failing_with(1):
        text = generated(file, test)
    typer.echo(text, nl=False)


def crds(
    directories: Annotated[list[Path], typer.Argument(help="Directories to write to.")],
) -> None:
    """Write the CustomResourceDefinitions to files."""
    from krobench.api.crd import crd_files

    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
        for file_name, text in crd_files().items():
            (directory / file_name).write_text(text)
