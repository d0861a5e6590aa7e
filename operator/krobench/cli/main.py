"""The command ``krobench``.

Commands import what they need when they run: the load Job starts faster and stays smaller
without the operator's libraries, and the other way round.
"""

import logging
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from krobench import __version__
from krobench.model.kinds import RunKind
from krobench.model.profile import ProfileFile

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


baseline_app = typer.Typer(help="Keep runs to compare others with.", no_args_is_help=True)
app.add_typer(baseline_app, name="baseline")

Sides = Annotated[
    list[str],
    typer.Argument(
        help="Sides, the first of which is the old one; runs of a side are separated by commas. "
        "A run is a file (baseline, run.json, ConfigMap), a directory of such, [NAMESPACE/]NAME "
        "of a KroBenchmark, configmap:[NAMESPACE/]NAME, or history:[NAMESPACE/]NAME for all kept "
        "runs."
    ),
]
Namespace = Annotated[str, typer.Option("--namespace", "-n")]
RunName = Annotated[str, typer.Argument(help="Name of the KroBenchmark or KroScaleTest.")]
OfKind = Annotated[
    RunKind | None, typer.Option(help="Which of the two, where both have this name.")
]


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
    namespace: Annotated[str, typer.Option(help="Namespace of the custom resource.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    uid: Annotated[str, typer.Option(help="Its UID.")],
    kind: Annotated[
        Literal["KroBenchmark", "KroScaleTest"], typer.Option(help="Its kind.")
    ] = "KroBenchmark",
    max_objects: Annotated[
        int | None, typer.Option(help="Objects that a test may have at once; 50000 if not given.")
    ] = None,
    shard: Annotated[
        int,
        typer.Option(
            envvar="JOB_COMPLETION_INDEX", help="Which shard this is; 0 leads the others."
        ),
    ] = 0,
) -> None:
    """Run the tests of a custom resource (the operator starts this in a Job)."""
    from krobench.job.main import Subject, run_load

    raise typer.Exit(run_load(Subject(kind, namespace, name, uid), max_objects, shard))


@app.command()
def cleanup(
    run: Annotated[str, typer.Option(help="UID of the custom resource.")],
    only_kro: Annotated[
        bool, typer.Option("--only-kro", help="Keep its objects: only put kro back as it was.")
    ] = False,
) -> None:
    """Put kro back as it was before a run, and delete everything that the run made.

    The operator starts this in a Job.
    """
    from krobench.job.main import run_cleanup

    raise typer.Exit(run_cleanup(run, only_kro=only_kro))


@app.command()
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
    from krobench.cli.results import ResultsError, fetch_run
    from krobench.cli.run import ExitCode, RunError, run_file
    from krobench.model.common import duration_seconds
    from krobench.report import junit as junit_report
    from krobench.report.markdown import render

    _check_directories(junit, markdown)
    try:
        finished = run_file(file, duration_seconds(timeout) if timeout else None, replace=replace)
    except (RunError, ValueError) as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(ExitCode.ERROR) from error
    try:
        record = fetch_run(finished.key.namespace, finished.key.name, finished.key.kind)
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(finished.exit_code) from error
    text = render(record)
    typer.echo(text, nl=False)
    if junit is not None:
        _write(junit, junit_report.render(record))
    if markdown is not None:
        _write(markdown, text)
    raise typer.Exit(finished.exit_code)


@app.command()
def report(
    name: RunName,
    namespace: Namespace = "default",
    kind: OfKind = None,
    form: Annotated[
        Literal["markdown", "html"], typer.Option("--format", help="html has charts too.")
    ] = "markdown",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else printed.")
    ] = None,
) -> None:
    """Write the report of a run, from its results ConfigMaps."""
    from krobench.cli.report import render_report
    from krobench.cli.results import ResultsError

    try:
        text = render_report(namespace, name, kind, html=form == "html")
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    if output is None:
        typer.echo(text, nl=False)
    else:
        _write(output, text)


@app.command()
def profile(
    name: RunName,
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
    from krobench.cli.profile import fetch_profile
    from krobench.cli.results import ResultsError

    try:
        data = fetch_profile(namespace, name, test, kind)
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    _write(output, data)
    typer.echo(f"{output}: {len(data)} bytes; go tool pprof {output} opens it", err=True)


@app.command()
def compare(
    sides: Sides,
    allow_different: Annotated[
        list[str] | None,
        typer.Option(help="In what the sides may differ, such as KroVersion; may be repeated."),
    ] = None,
    minimum_effect: Annotated[str, typer.Option(help="A smaller change is none.")] = "5%",
    primary: Annotated[
        list[str] | None,
        typer.Option(help="Metric with a verdict, such as cpu.kroSeconds:Lower; may be repeated."),
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text, markdown or json")] = "text",
    show_all: Annotated[bool, typer.Option("--all", help="Show exploratory metrics too.")] = False,
    fail_on_inconclusive: Annotated[
        bool, typer.Option(help="Exit with 3 where a primary metric is inconclusive.")
    ] = False,
    namespace: Namespace = "default",
) -> None:
    """Compare runs with others: ratios with intervals, and verdicts for primary metrics.

    Exit codes: 0 no primary metric is worse, 1 one is, 3 not compared, 4 error.
    """
    from krobench.analysis.comparison.settings import rules_of
    from krobench.cli.compare import (
        CompareError,
        ExitCode,
        Format,
        compare_sides,
        exit_code,
        render,
    )

    if len(sides) < 2:
        raise typer.BadParameter("give two sides at least: the old one and a new one")
    try:
        rules = rules_of(allow_different or (), minimum_effect, primary or ())
        shown = Format(output)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    try:
        comparisons = compare_sides(sides, namespace, rules)
    except CompareError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(ExitCode.ERROR) from error
    typer.echo(render(comparisons, shown, exploratory=show_all), nl=False)
    raise typer.Exit(exit_code(comparisons, fail_on_inconclusive=fail_on_inconclusive))


@baseline_app.command("export")
def export_baseline(
    runs: Sides,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File, .json or .yaml; else printed.")
    ] = None,
    config_map: Annotated[
        str | None, typer.Option(help="Write a ConfigMap of this name, for spec.baseline.")
    ] = None,
    namespace: Namespace = "default",
) -> None:
    """Write runs as a baseline: estimates and fingerprints, small enough to be committed."""
    from krobench.cli.compare import CompareError, ExitCode
    from krobench.cli.compare import export_baseline as exported

    try:
        text = exported(runs, namespace, output, config_map)
        if output is not None:
            output.write_text(text)
        else:
            typer.echo(text, nl=False)
    except (CompareError, OSError) as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(ExitCode.ERROR) from error


@app.command()
def history(
    name: Annotated[
        str, typer.Argument(help="Name of a KroBenchmark or KroScaleTest, also of a deleted one.")
    ],
    namespace: Namespace = "default",
) -> None:
    """Print the runs that spec.results.retention has kept, and where something changed.

    Of a KroScaleTest's runs, the limits are shown.
    """
    from krobench.cli.history import show_history
    from krobench.cli.results import ResultsError

    try:
        text = show_history(namespace, name)
    except ResultsError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(text, nl=False)


@app.command()
def sizing(
    rgds: Annotated[int, typer.Option(min=1, help="Wanted number of RGDs.")],
    instances: Annotated[int, typer.Option(min=1, help="Wanted number of instances, in all.")],
    record: Annotated[
        list[Path] | None, typer.Option(help="run.json of a run; may be repeated.")
    ] = None,
    run: Annotated[
        list[str] | None, typer.Option(help="[NAMESPACE/]NAME of a run; may be repeated.")
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
    from krobench.cli.results import ResultsError
    from krobench.cli.sizing import Format, render, sizing_of

    if not record and not run:
        raise typer.BadParameter("give a record with --record, or a run with --run")
    wanted = Wanted(rgds, instances, rate, test)
    try:
        found = sizing_of(record or (), run or (), namespace, wanted)
    except (ResultsError, SizingError) as error:
        _give_up(str(error))
    typer.echo(render(found, Format(output)), nl=False)


@app.command()
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


def _check_directories(*files: Path | None) -> None:
    """End the command, before it has done anything, where one of these cannot be written."""
    for file in files:
        if file is not None and not file.parent.is_dir():
            _give_up(f"{file} cannot be written: there is no directory {file.parent}")


def _write(file: Path, content: str | bytes) -> None:
    try:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        _give_up(f"{file} was not written: {error.strerror}")


def _give_up(message: str) -> NoReturn:
    from krobench.cli.run import ExitCode

    typer.echo(f"krobench: {message}", err=True)
    raise typer.Exit(ExitCode.ERROR)
