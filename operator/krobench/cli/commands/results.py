"""The commands that read results, from ``report`` to ``sizing``."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from krobench.cli.commands.common import ERROR, Namespace, failing_with, is_page, write
from krobench.figures.profile import ProfileFile

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
FoundRunArgument = Annotated[
    str,
    typer.Argument(
        help="A file (run.json, or results ConfigMaps as kubectl prints them), a directory with "
        "run.json, or [KIND/][NAMESPACE/]NAME of a KroBenchmark or KroScaleTest. KIND is "
        "krobenchmark or kroscaletest; it is required if both have this name."
    ),
]


@contextmanager
def _without_collector() -> Iterator[None]:
    """Look for no garbage: all that hundreds of runs are read into stays until it is printed, and
    looking takes an eighth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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
        form = "html" if open_page or is_page(output) else "markdown"
    if open_page and form != "html":
        raise typer.BadParameter("--open shows a page: use --format html, or leave it out")
    with failing_with(1):
        run = find_run(name, namespace)
        text = report_of(run, html=form == "html")
    if open_page and output is None:
        output = new_page(run.record)
    write(output, text)
    if open_page and output is not None:
        typer.echo(f"wrote {output}", err=True)
        with failing_with(1):
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

    with failing_with(1):
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

    with failing_with(1):
        data = profile_of(find_run(name, namespace), test, kind)
    write(output, data)
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
    with failing_with(ERROR):
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

    with failing_with(ERROR):
        text = exported(runs, namespace, output, config_map)
    write(output, text)


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
    html = is_page(output)
    with _without_collector(), failing_with(1), ExitStack() as stack:
        library = None
        if html:
            from krobench.cli.charts import drawing

            library = stack.enter_context(drawing())  # it starts while the rest is imported
        from krobench.cli.history import history_of
        from krobench.cli.names import RunName

        text = history_of(RunName.parse(name, namespace), library, html=html)
    write(output, text)


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
    with failing_with(ERROR):
        names = [RunName.parse(each, namespace) for each in run or ()]
        text = sizing_of(record or (), names, Wanted(rgds, instances, rate, test), output)
    typer.echo(text, nl=False)
