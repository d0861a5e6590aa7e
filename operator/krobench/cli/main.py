"""The command ``krobench``, put together.

Commands import what they need when they run: the load Job starts faster and stays smaller
without the operator's libraries, and the other way round.
"""

import logging
import sys
from typing import Annotated

import typer

from krobench import __version__
from krobench.cli.commands import comparisons, incluster, planning, runs

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


# The help lists them in this order, and groups such as baseline after them.
for command in (
    incluster.operator,
    incluster.load,
    incluster.cleanup,
    runs.run,
    runs.report,
    runs.profile,
    comparisons.compare,
    runs.history,
    planning.sizing,
    planning.generate,
    planning.crds,
):
    app.command()(command)

baseline_app = typer.Typer(help="Keep runs to compare others with.", no_args_is_help=True)
baseline_app.command("export")(comparisons.export_baseline)
app.add_typer(baseline_app, name="baseline")
