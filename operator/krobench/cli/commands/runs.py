"""Commands about single runs, and about those of one name."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from krobench.cli.commands.common import (
    Namespace,
    RunArgument,
    check_directories,
    remove_stale,
    write,
)
from krobench.figures.profile import ProfileFile

_INTERRUPTED = 130
"""As shells have it after Ctrl-C."""


def run(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="A file with one KroBenchmark or KroScaleTest.")
    ],
    timeout: Annotated[
        str | None,
        typer.Option(
            help="How long to wait for the end, as 30m; if not given, an hour, of a KroScaleTest "
            "after its budget."
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete what has this name first.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report here.")] = None,
) -> None:
    """Apply a KroBenchmark or a KroScaleTest, wait for its end, and exit by its verdict.

    Exit codes: 0 passed, 1 failed, 3 invalid, 4 error.
    """
    from krobench.api.notation import duration_seconds
    from krobench.cli.errors import ResultsError
    from krobench.cli.names import RunName
    from krobench.cli.results import fetch_run
    from krobench.cli.run import ExitCode, LeftAloneError, RunError, run_file
    from krobench.report import junit as junit_report
    from krobench.report.markdown import render

    check_directories(junit, markdown)
    remove_stale(junit, markdown)
    try:
        finished = run_file(file, duration_seconds(timeout) if timeout else None, replace=replace)
    except (RunError, ValueError) as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(ExitCode.ERROR) from error
    except LeftAloneError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(_INTERRUPTED) from error
    try:
        record = fetch_run(RunName.of(finished.key))
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(finished.exit_code) from error
    text = render(record)
    typer.echo(text, nl=False)
    if junit is not None:
        write(junit, junit_report.render(record))
    if markdown is not None:
        write(markdown, text)
    raise typer.Exit(finished.exit_code)


def report(
    name: RunArgument,
    namespace: Namespace = "default",
    form: Annotated[
        Literal["markdown", "html"], typer.Option("--format", help="html has charts too.")
    ] = "markdown",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else printed.")
    ] = None,
) -> None:
    """Write the report of a run, from its results ConfigMaps."""
    from krobench.cli.errors import ResultsError
    from krobench.cli.report import render_report

    try:
        text = render_report(name, namespace, html=form == "html")
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    if output is None:
        typer.echo(text, nl=False)
    else:
        write(output, text)


def profile(
    name: RunArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    namespace: Namespace = "default",
    test: Annotated[str | None, typer.Option(help="Which test's; needed if several have one.")] = (
        None
    ),
    kind: Annotated[
        ProfileFile, typer.Option(help="heap-base is the heap before the run phase.")
    ] = ProfileFile.CPU,
) -> None:
    """Fetch a raw profile of kro, which ``go tool pprof FILE`` opens."""
    from krobench.cli.errors import ResultsError
    from krobench.cli.names import parse_name
    from krobench.cli.profile import fetch_profile

    try:
        data = fetch_profile(parse_name(name, namespace), test, kind)
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    write(output, data)
    typer.echo(f"{output}: {len(data)} bytes; go tool pprof {output} opens it", err=True)


def history(
    name: RunArgument,
    namespace: Namespace = "default",
) -> None:
    """Print the runs that spec.results.retention has kept, and where something changed.

    They may be of a resource that is deleted. Of a KroScaleTest's runs, the limits are shown.
    """
    from krobench.cli.errors import ResultsError
    from krobench.cli.history import show_history

    try:
        text = show_history(name, namespace)
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(text, nl=False)
