"""The command ``krobench``.

Commands import what they need when they run: the load Job starts faster and stays smaller
without the operator's libraries, and the other way round.
"""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from krobench import __version__

app = typer.Typer(
    name="krobench",
    help="Measure how kro performs and scales, inside the cluster where it runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    app()


@app.callback()
def _configure(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log debug messages.")] = False,
) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def operator() -> None:
    """Run the operator (inside a pod)."""
    from krobench.controller.operator import run_operator

    run_operator()


@app.command()
def load(
    namespace: Annotated[str, typer.Option(help="Namespace of the KroBenchmark.")],
    name: Annotated[str, typer.Option(help="Name of the KroBenchmark.")],
    uid: Annotated[str, typer.Option(help="UID of the KroBenchmark.")],
) -> None:
    """Run the tests of a KroBenchmark (the operator starts this in a Job)."""
    from krobench.job.main import run_load

    raise typer.Exit(run_load(namespace, name, uid))


@app.command()
def cleanup(
    run: Annotated[str, typer.Option(help="UID of the KroBenchmark.")],
) -> None:
    """Delete everything that a run made (the operator starts this in a Job)."""
    from krobench.job.main import run_cleanup

    raise typer.Exit(run_cleanup(run))


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="Name of the KroBenchmark.")],
    namespace: Annotated[str, typer.Option("--namespace", "-n")] = "default",
) -> None:
    """Print the report of a run as Markdown, from its results ConfigMap."""
    from krobench.cli.results import ResultsError, fetch_run
    from krobench.report.markdown import render

    try:
        run = fetch_run(namespace, name)
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(render(run), nl=False)


@app.command()
def generate(
    file: Annotated[Path, typer.Option("--file", "-f", help="File with a KroBenchmark.")],
    test: Annotated[str | None, typer.Option(help="Only this test.")] = None,
) -> None:
    """Print what a KroBenchmark would create, without a cluster."""
    from krobench.cli.generate import GenerateError
    from krobench.cli.generate import generate as generated

    try:
        text = generated(file, test)
    except GenerateError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(text, nl=False)


@app.command()
def crds(
    directories: Annotated[list[Path], typer.Argument(help="Where to write them.")],
) -> None:
    """Write the CustomResourceDefinitions."""
    from krobench.model.crd import crd_files

    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
        for file_name, text in crd_files().items():
            (directory / file_name).write_text(text)
