"""The commands for users: their options, their help, and how they end.

Each imports the modules that do its work when it runs, so that the load Job, which starts by the
same command line, starts fast and stays small.
"""

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from krobench.cli.errors import CliError
from krobench.figures.profile import ProfileFile

if TYPE_CHECKING:
    from krobench.cli.run import Finished
    from krobench.record.run import RunRecord

_ERROR = 4
_INTERRUPTED = 130
"""As in shells after Ctrl-C."""

Sides = Annotated[
    list[str],
    typer.Argument(
        help="Runs to compare; the first argument is the old side. Separate the runs of a side by "
        "commas. A run is a file (baseline, run.json or ConfigMap), a directory of such files, "
        "[KIND/][NAMESPACE/]NAME of a KroBenchmark or KroScaleTest, configmap:[NAMESPACE/]NAME, "
        "or history:[KIND/][NAMESPACE/]NAME for all kept runs of a name. KIND is krobenchmark or "
        "kroscaletest; it is required if both have this name."
    ),
]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Default namespace of runs.")]
RunArgument = Annotated[
    str,
    typer.Argument(
        help="[KIND/][NAMESPACE/]NAME of a KroBenchmark or KroScaleTest. KIND is krobenchmark or "
        "kroscaletest; it is required if both have this name."
    ),
]

FoundRunArgument = Annotated[
    str,
    typer.Argument(
        help="A file (run.json, or results ConfigMaps as kubectl prints them), a directory with "
        "run.json, or [KIND/][NAMESPACE/]NAME of a KroBenchmark or KroScaleTest. KIND is "
        "krobenchmark or kroscaletest; it is required if both have this name."
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


@contextmanager
def _failing_with(code: int) -> Iterator[None]:
    """Turn errors for the user into a message and an exit code."""
    try:
        yield
    except CliError as error:
        _fail(str(error), code)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Look for no garbage: all that hundreds of runs are read into stays until it is printed, and
    looking takes an eighth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _fail(message: str, code: int = _ERROR) -> NoReturn:
    typer.echo(f"krobench: {message}", err=True)
    raise typer.Exit(code)


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

    with _failing_with(_ERROR):
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
        with _failing_with(_ERROR):
            resource = manifest(name, namespace, (image_of(old), image_of(new)), effect, budget)
            # Blocks take the budget; preparing, restoring and cleaning up come on top.
            seconds = 2 * duration_seconds(budget) + 900
            finished = run_manifest(resource, seconds, replace=True)
            record = fetch_run(RunName.of(finished.run))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except StoppedWaitingError as error:
        _fail(str(error), _INTERRUPTED)
    code = exit_code(record)
    _print_screen(record, code)
    typer.echo(pullrequest.outcome(record))
    if artifacts is not None:
        from krobench.cli.artifacts import write_artifacts

        with _failing_with(_ERROR):
            write_artifacts(FetchedRun(record), artifacts)
        _write(artifacts / "comment.md", pullrequest.render(record))
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
        with _failing_with(_ERROR):
            finished = finish(duration_seconds(timeout) if timeout else None)
    except ValueError as error:
        _fail(str(error))
    except StoppedWaitingError as error:
        _fail(str(error), _INTERRUPTED)
    with _failing_with(finished.exit_code):
        record = fetch_run(RunName.of(finished.run))
    _print_screen(record, finished.exit_code)
    if outputs.junit is not None:
        _write(outputs.junit, junit.render(record))
    if outputs.markdown is not None:
        _write(outputs.markdown, markdown.render(record))
    if outputs.artifacts is not None:
        with _failing_with(_ERROR):
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
        _fail(f"cannot write {file}: directory {file.parent} does not exist")
    if file.is_file() and not file.is_symlink():
        try:
            file.unlink()
        except OSError as error:
            _fail(f"cannot write {file}: {error.strerror}")


def _is_page(file: Path | None) -> bool:
    return file is not None and file.suffix in {".html", ".htm"}


def _write(file: Path | None, content: str | bytes) -> None:
    """Write a file, or print without one."""
    if file is None:
        typer.echo(content, nl=False)
        return
    try:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        _fail(f"cannot write {file}: {error.strerror}")


def report(
    name: FoundRunArgument,
    namespace: Namespace = "default",
    form: Annotated[
        Literal["markdown", "html"] | None,
        typer.Option(
            "--format",
            help="html is a page with charts; the default for --open and for files .html.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; by default, print it.")
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
) -> None:
    """Print the report of a run from its results, or open it as a page."""
    from krobench.cli.report import new_page, open_in_browser, report_of
    from krobench.cli.sources import find_run

    if form is None:
        form = "html" if open_page or _is_page(output) else "markdown"
    if open_page and form != "html":
        raise typer.BadParameter("--open shows a page: use --format html, or leave it out")
    with _failing_with(1):
        run = find_run(name, namespace)
        text = report_of(run, html=form == "html")
    if open_page and output is None:
        output = new_page(run.record)
    _write(output, text)
    if open_page and output is not None:
        typer.echo(f"wrote {output}", err=True)
        with _failing_with(1):
            open_in_browser(output)


def export(
    name: FoundRunArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Directory to write to; created if missing.")
    ],
    namespace: Namespace = "default",
    form: Annotated[
        Literal["csv", "parquet", "openmetrics"],
        typer.Option("--format", help="openmetrics has only the samples, for a Prometheus."),
    ] = "csv",
) -> None:
    """Write the figures, objects and samples of a run as files for other tools."""
    from krobench.cli.export import ExportFormat
    from krobench.cli.export import export as exported
    from krobench.cli.sources import find_run

    with _failing_with(1):
        files = exported(find_run(name, namespace), ExportFormat(form), output)
    for file in files:
        typer.echo(file)


def profile(
    name: FoundRunArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    namespace: Namespace = "default",
    test: Annotated[
        str | None, typer.Option(help="Name of the test; required if several have a profile.")
    ] = None,
    kind: Annotated[
        ProfileFile, typer.Option(help="heap-base is the heap before the run phase.")
    ] = ProfileFile.CPU,
) -> None:
    """Download a profile of kro for ``go tool pprof``."""
    from krobench.cli.profile import profile_of
    from krobench.cli.sources import find_run

    with _failing_with(1):
        data = profile_of(find_run(name, namespace), test, kind)
    _write(output, data)
    typer.echo(f"wrote {output} ({len(data)} bytes): run go tool pprof {output}", err=True)


def compare(
    sides: Sides,
    allow_different: Annotated[
        list[str] | None,
        typer.Option(help="What may differ between the sides, such as KroVersion. Repeatable."),
    ] = None,
    minimum_effect: Annotated[
        str, typer.Option(help="Smallest relative change that matters.")
    ] = "5%",
    primary: Annotated[
        list[str] | None,
        typer.Option(help="Metric that gets a verdict, such as kro.cpu.seconds:Lower. Repeatable."),
    ] = None,
    output: Annotated[
        Literal["text", "markdown", "json"],
        typer.Option("--output", "-o", help="Output format."),
    ] = "text",
    show_all: Annotated[
        bool, typer.Option("--all", help="Show metrics without a verdict too.")
    ] = False,
    fail_on_inconclusive: Annotated[
        bool, typer.Option(help="Exit with 3 if a primary metric or a limit is inconclusive.")
    ] = False,
    namespace: Namespace = "default",
) -> None:
    """Compare runs: ratios with intervals, and verdicts for primary metrics.

    KroScaleTests are compared by their limits.

    Exit codes: 0 no primary metric is worse, 1 a primary metric is worse, 3 not compared, 4 error.
    """
    from krobench.analysis.comparison.rules import rules_of
    from krobench.cli.compare import compare_sides, exit_code, render

    if len(sides) < 2:
        raise typer.BadParameter("compare needs at least two sides: an old one and a new one")
    try:
        rules = rules_of(allow_different or (), minimum_effect, primary or ())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with _failing_with(_ERROR):
        comparisons = compare_sides(sides, namespace, rules)
    typer.echo(render(comparisons, output, exploratory=show_all), nl=False)
    raise typer.Exit(exit_code(comparisons, fail_on_inconclusive=fail_on_inconclusive))


def export_baseline(
    runs: Sides,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, .json or .yaml; by default, print it."),
    ] = None,
    config_map: Annotated[
        str | None,
        typer.Option(help="Export a ConfigMap of this name, for spec.baseline."),
    ] = None,
    namespace: Namespace = "default",
) -> None:
    """Export runs as a baseline: estimates and fingerprints, small enough to commit."""
    from krobench.cli.compare import export_baseline as exported

    with _failing_with(_ERROR):
        text = exported(runs, namespace, output, config_map)
    _write(output, text)


def history(
    name: Annotated[
        str,
        typer.Argument(
            help="[KIND/][NAMESPACE/]NAME of a KroBenchmark, a KroScaleTest or a "
            "KroBenchmarkSchedule. KIND is krobenchmark, kroscaletest or schedule; it is required "
            "if several have this name."
        ),
    ],
    namespace: Namespace = "default",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; .html is a page with trends."),
    ] = None,
) -> None:
    """Print the kept runs of a name or of a schedule, and where their figures changed.

    Kept runs (spec.results.retention) outlive their KroBenchmark or KroScaleTest. For
    KroScaleTests, prints their limits.
    """
    with _without_collector(), _failing_with(1):
        from krobench.cli.history import history_of
        from krobench.cli.names import RunName

        text = history_of(RunName.parse(name, namespace), html=_is_page(output))
    _write(output, text)


def sizing(
    rgds: Annotated[int, typer.Option(min=1, help="Number of RGDs to plan for.")],
    instances: Annotated[int, typer.Option(min=1, help="Total number of instances to plan for.")],
    record: Annotated[
        list[Path] | None, typer.Option(help="run.json of a run. Repeatable.")
    ] = None,
    run: Annotated[
        list[str] | None, typer.Option(help="[KIND/][NAMESPACE/]NAME of a run. Repeatable.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Instances per second to plan for; by default the highest measured.",
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(help="Test with the workload to plan for, if the runs have several."),
    ] = None,
    output: Annotated[
        Literal["text", "json", "yaml"], typer.Option("--output", "-o", help="Output format.")
    ] = "text",
    namespace: Namespace = "default",
) -> None:
    """Print the requests, limits and flags that kro needs for a scale, based on measured runs.

    A run with several sizes shows the cost of instances or of RGDs; use two runs for both.
    """
    from krobench.analysis.sizing.size import Wanted
    from krobench.cli.names import RunName
    from krobench.cli.sizing import sizing_of

    if not record and not run:
        raise typer.BadParameter("set --record to a run.json, or --run to a run in the cluster")
    with _failing_with(_ERROR):
        names = [RunName.parse(each, namespace) for each in run or ()]
        text = sizing_of(record or (), names, Wanted(rgds, instances, rate, test), output)
    typer.echo(text, nl=False)


ScheduleArgument = Annotated[
    str, typer.Argument(help="[NAMESPACE/]NAME of a KroBenchmarkSchedule.")
]


def run_schedule(
    name: ScheduleArgument,
    namespace: Namespace = "default",
    value: Annotated[
        str | None,
        typer.Option(help="Text for spec.runOnce; by default the time. A new text starts a run."),
    ] = None,
) -> None:
    """Start a run of a schedule now, even if it is suspended (sets spec.runOnce)."""
    from krobench.cli.schedule import run_once

    with _failing_with(_ERROR):
        typer.echo(run_once(name, namespace, value))


def suspend_schedule(name: ScheduleArgument, namespace: Namespace = "default") -> None:
    """Start no more runs of a schedule (sets spec.suspend). The active run goes on."""
    from krobench.cli.schedule import suspend

    with _failing_with(_ERROR):
        typer.echo(suspend(name, namespace))


def resume_schedule(name: ScheduleArgument, namespace: Namespace = "default") -> None:
    """Start runs of a schedule again that is suspended, or that failures have stopped."""
    from krobench.cli.schedule import resume

    with _failing_with(_ERROR):
        typer.echo(resume(name, namespace))


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

    with _failing_with(1):
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
