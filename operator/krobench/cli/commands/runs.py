"""The commands that end with the verdict of a run: ``run``, ``wait`` and ``ab``."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from krobench.cli.commands.common import ERROR, INTERRUPTED, Namespace, fail, failing_with, write

if TYPE_CHECKING:
    from krobench.cli.run import Finished
    from krobench.record.run import RunRecord

RunArgument = Annotated[
    str,
    typer.Argument(
        help="[KIND/][NAMESPACE/]NAME of a KroBenchmark or KroScaleTest. KIND is krobenchmark or "
        "kroscaletest; it is required if both have this name."
    ),
]
Junit = Annotated[Path | None, typer.Option(help="File to write JUnit XML to.")]
Markdown = Annotated[Path | None, typer.Option(help="File to write the report to.")]
Artifacts = Annotated[
    Path | None,
    typer.Option(
        help="Directory to write everything to: run.json, report.md, report.html, junit.xml, and "
        "the primary metrics for perf-dash, github-action-benchmark and Bencher."
    ),
]


def run(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="File with one KroBenchmark or KroScaleTest.")
    ],
    timeout: Annotated[
        str | None,
        typer.Option(
            help="How long to wait for the end of the run, such as 30m. By default an hour, plus "
            "the budget of a KroScaleTest."
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete an existing object of this name first.")
    ] = False,
    junit: Junit = None,
    markdown: Markdown = None,
    artifacts: Artifacts = None,
) -> None:
    """Apply a KroBenchmark or KroScaleTest, wait for its end, and print a summary.

    Exit codes: 0 passed, 1 failed, 2 wrong usage, 3 invalid, 4 error or timeout, 130 interrupted.
    """
    from krobench.cli.run import run_file

    outputs = _Outputs(junit, markdown, artifacts)
    _end_with(lambda seconds: run_file(file, seconds, replace=replace), timeout, outputs)


def wait(
    name: RunArgument,
    namespace: Namespace = "default",
    timeout: Annotated[
        str | None,
        typer.Option(help="How long to wait for the end of the run, such as 30m; by default 1h."),
    ] = None,
    junit: Junit = None,
    markdown: Markdown = None,
    artifacts: Artifacts = None,
) -> None:
    """Wait for the end of a run that somebody applied, such as a GitOps tool, and sum it up.

    Exit codes: 0 passed, 1 failed, 2 wrong usage, 3 invalid, 4 error or timeout, 130 interrupted.
    """
    from krobench.cli.names import RunName
    from krobench.cli.run import wait_for

    with failing_with(ERROR):
        run_name = RunName.parse(name, namespace)
    outputs = _Outputs(junit, markdown, artifacts)
    _end_with(lambda seconds: wait_for(run_name, seconds), timeout, outputs)


def ab(
    old: Annotated[
        str, typer.Option(help="The kro to compare with: a version, or an image with its tag.")
    ],
    new: Annotated[str, typer.Option(help="The kro that changed, in the same form.")],
    budget: Annotated[
        str, typer.Option(help="How long is measured at most; it chooses how many tests fit.")
    ] = "20m",
    effect: Annotated[str, typer.Option(help="The change that must not be missed.")] = "10%",
    name: Annotated[str, typer.Option(help="Name of the KroBenchmark.")] = "ab",
    namespace: Namespace = "default",
    artifacts: Artifacts = None,
) -> None:
    """Compare two kros on a usual set of tests: is the new one slower?

    The run restarts kro with both images in turn, and puts it back. It needs the chart value
    variants.enabled. With --artifacts, comment.md is a comment for a pull request.

    Exit codes: 0 not slower, 1 slower in some metric, 3 undecided or invalid, 4 error, 130
    interrupted.
    """
    from krobench.api.notation import duration_seconds
    from krobench.cli.ab import exit_code, image_of, manifest
    from krobench.cli.names import RunName
    from krobench.cli.run import StoppedWaitingError, run_manifest
    from krobench.cli.sources import FetchedRun, fetch_run
    from krobench.report import pullrequest

    try:
        with failing_with(ERROR):
            resource = manifest(name, namespace, (image_of(old), image_of(new)), effect, budget)
            # Blocks take the budget; preparing, restoring and cleaning up come on top.
            seconds = 2 * duration_seconds(budget) + 900
            finished = run_manifest(resource, seconds, replace=True)
            record = fetch_run(RunName.of(finished.run))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except StoppedWaitingError as error:
        fail(str(error), INTERRUPTED)
    code = exit_code(record)
    _print_screen(record, code)
    typer.echo(pullrequest.outcome(record))
    if artifacts is not None:
        from krobench.cli.artifacts import write_artifacts

        with failing_with(ERROR):
            write_artifacts(FetchedRun(record), artifacts)
        write(artifacts / "comment.md", pullrequest.render(record))
    raise typer.Exit(code)


@dataclass(frozen=True)
class _Outputs:
    """What else than the screen a command writes of a run."""

    junit: Path | None
    markdown: Path | None
    artifacts: Path | None


def _end_with(
    finish: "Callable[[float | None], Finished]",
    timeout: str | None,
    outputs: _Outputs,
) -> NoReturn:
    """Wait for the end of a run, report it, and exit with its verdict."""
    from krobench.api.notation import duration_seconds
    from krobench.cli.artifacts import write_artifacts
    from krobench.cli.names import RunName
    from krobench.cli.run import StoppedWaitingError
    from krobench.cli.sources import FetchedRun, fetch_run
    from krobench.report import junit, markdown

    # Files of an earlier run must not pass for this run's if it fails.
    for output in (outputs.junit, outputs.markdown):
        if output is not None:
            _prepare(output)
    try:
        with failing_with(ERROR):
            finished = finish(duration_seconds(timeout) if timeout else None)
    except ValueError as error:
        fail(str(error))
    except StoppedWaitingError as error:
        fail(str(error), INTERRUPTED)
    with failing_with(finished.exit_code):
        record = fetch_run(RunName.of(finished.run))
    _print_screen(record, finished.exit_code)
    if outputs.junit is not None:
        write(outputs.junit, junit.render(record))
    if outputs.markdown is not None:
        write(outputs.markdown, markdown.render(record))
    if outputs.artifacts is not None:
        with failing_with(ERROR):
            write_artifacts(FetchedRun(record), outputs.artifacts)
    raise typer.Exit(finished.exit_code)


def _print_screen(record: "RunRecord", exit_code: int) -> None:
    """Print a run on one screen; on a terminal in its width, and with its verdict in colour."""
    from krobench.report import terminal

    width = shutil.get_terminal_size((terminal.WIDTH, 0)).columns
    screen = terminal.render(record, min(width, terminal.WIDEST))
    verdict, colon, rest = screen.partition(":")
    colour = {0: typer.colors.GREEN, 3: typer.colors.YELLOW}.get(exit_code, typer.colors.RED)
    typer.echo(typer.style(verdict, fg=colour, bold=True) + colon + rest, nl=False)


def _prepare(file: Path) -> None:
    if not file.parent.is_dir():
        fail(f"cannot write {file}: directory {file.parent} does not exist")
    if file.is_file() and not file.is_symlink():
        try:
            file.unlink()
        except OSError as error:
            fail(f"cannot write {file}: {error.strerror}")
