"""The commands on schedules."""

from typing import Annotated

import typer

from krobench.cli.commands.common import ERROR, Namespace, failing_with

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

    with failing_with(ERROR):
        typer.echo(run_once(name, namespace, value))


def suspend_schedule(name: ScheduleArgument, namespace: Namespace = "default") -> None:
    """Start no more runs of a schedule (sets spec.suspend). The active run goes on."""
    from krobench.cli.schedule import suspend

    with failing_with(ERROR):
        typer.echo(suspend(name, namespace))


def resume_schedule(name: ScheduleArgument, namespace: Namespace = "default") -> None:
    """Start runs of a schedule again that is suspended, or that failures have stopped."""
    from krobench.cli.schedule import resume

    with failing_with(ERROR):
        typer.echo(resume(name, namespace))
