"""Commands for what is yet to be run or installed."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from krobench.cli.commands.common import Namespace, give_up


def sizing(
    rgds: Annotated[int, typer.Option(min=1, help="Wanted number of RGDs.")],
    instances: Annotated[int, typer.Option(min=1, help="Wanted number of instances, in all.")],
    record: Annotated[
        list[Path] | None, typer.Option(help="run.json of a run; may be repeated.")
    ] = None,
    run: Annotated[
        list[str] | None, typer.Option(help="[KIND/][NAMESPACE/]NAME of a run; may be repeated.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Instances/s to be ready; else the most that was measured."),
    ] = None,
    test: Annotated[
        str | None, typer.Option(help="A test of the workload that is meant, if there are several.")
    ] = None,
    output: Annotated[
        Literal["text", "json", "yaml"], typer.Option("--output", "-o", help="How to print it.")
    ] = "text",
    namespace: Namespace = "default",
) -> None:
    """Print requests, limits and flags of a kro for a wanted scale, by what runs have measured.

    One run with several sizes tells of instances or of RGDs; two of them, of both.
    """
    from krobench.analysis.sizing.growth import SizingError
    from krobench.analysis.sizing.size import Wanted
    from krobench.cli.errors import ResultsError
    from krobench.cli.sizing import Format, render, sizing_of

    if not record and not run:
        raise typer.BadParameter("give a record with --record, or a run with --run")
    wanted = Wanted(rgds, instances, rate, test)
    try:
        found = sizing_of(record or (), run or (), namespace, wanted)
    except (ResultsError, SizingError) as error:
        give_up(str(error))
    typer.echo(render(found, Format(output)), nl=False)


def generate(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="File with a KroBenchmark or KroScaleTest.")
    ],
    test: Annotated[
        str | None,
        typer.Option(help="Only this test; of a KroScaleTest, this step, such as instances-200."),
    ] = None,
) -> None:
    """Print what a KroBenchmark or KroScaleTest would create, without a cluster."""
    from krobench.cli.generate import GenerateError
    from krobench.cli.generate import generate as generated

    try:
        text = generated(file, test)
    except GenerateError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(text, nl=False)


def crds(
    directories: Annotated[list[Path], typer.Argument(help="Where to write them.")],
) -> None:
    """Write the CustomResourceDefinitions."""
    from krobench.api.crd import crd_files

    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
        for file_name, text in crd_files().items():
            (directory / file_name).write_text(text)
