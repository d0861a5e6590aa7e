"""Commands that compare runs with others, and keep runs for that."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from krobench.cli.commands.common import Namespace, Sides


def compare(
    sides: Sides,
    allow_different: Annotated[
        list[str] | None,
        typer.Option(help="In what the sides may differ, such as KroVersion; may be repeated."),
    ] = None,
    minimum_effect: Annotated[str, typer.Option(help="A smaller change is none.")] = "5%",
    primary: Annotated[
        list[str] | None,
        typer.Option(help="Metric with a verdict, such as kro.cpu.seconds:Lower; may be repeated."),
    ] = None,
    output: Annotated[
        Literal["text", "markdown", "json"],
        typer.Option("--output", "-o", help="How to print it."),
    ] = "text",
    show_all: Annotated[bool, typer.Option("--all", help="Show exploratory metrics too.")] = False,
    fail_on_inconclusive: Annotated[
        bool, typer.Option(help="Exit with 3 where a primary metric or a limit is inconclusive.")
    ] = False,
    namespace: Namespace = "default",
) -> None:
    """Compare runs with others: ratios with intervals, and verdicts for primary metrics.

    Of KroScaleTests, the verdict is on the limit.

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
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    try:
        comparisons = compare_sides(sides, namespace, rules)
    except CompareError as error:
        typer.echo(f"krobench: {error}", err=True)
        raise typer.Exit(ExitCode.ERROR) from error
    typer.echo(render(comparisons, Format(output), exploratory=show_all), nl=False)
    raise typer.Exit(exit_code(comparisons, fail_on_inconclusive=fail_on_inconclusive))


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
