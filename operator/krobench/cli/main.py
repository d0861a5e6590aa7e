"""The command ``krobench``, and the commands that its pods run."""

import gc
import logging
import os
import sys
from typing import Annotated, Literal

import typer

from krobench import __version__
from krobench.cli.commands import manifests, results, runs, schedules

app = typer.Typer(
    name="krobench",
    help="Measure how kro performs and scales, inside the cluster where it runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    app()


@app.callback()
def _configure(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log debug messages.")] = False,
    log_format: Annotated[
        Literal["text", "json"],
        typer.Option(envvar="KROBENCH_LOG_FORMAT", help="Format of the log."),
    ] = "text",
) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if log_format == "json":
        from pythonjsonlogger.json import JsonFormatter

        fields = {"asctime": "time", "levelname": "level", "name": "logger"}
        [handler] = logging.getLogger().handlers
        handler.setFormatter(
            JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=fields)
        )
    logging.getLogger("httpx").setLevel(logging.WARNING)


def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def operator() -> None:
    """Run the operator (in its pod)."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        # kopf imports the official client only to recognise its types. A pod logs in without it,
        # and it takes 19 MB.
        sys.modules["kubernetes"] = None  # type: ignore[assignment]
    from krobench.controller.operator import run_operator

    run_operator()


def load(
    namespace: Annotated[str, typer.Option(help="Namespace of the custom resource.")],
    name: Annotated[str, typer.Option(help="Name of the custom resource.")],
    uid: Annotated[str, typer.Option(help="UID of the custom resource.")],
    kind: Annotated[
        Literal["KroBenchmark", "KroScaleTest"], typer.Option(help="Kind of the custom resource.")
    ] = "KroBenchmark",
    max_objects: Annotated[
        int | None,
        typer.Option(help="Maximum number of objects at the same time; by default 50000."),
    ] = None,
    shard: Annotated[
        int,
        typer.Option(
            envvar="JOB_COMPLETION_INDEX", help="Index of this shard; shard 0 is the coordinator."
        ),
    ] = 0,
    result_bytes: Annotated[
        int | None, typer.Option(help="Most bytes of results to store; by default 24 MiB.")
    ] = None,
) -> None:
    """Run the tests of a custom resource (in a Job that the operator starts)."""
    gc.disable()  # until the load begins: imports leave no garbage, and looking for it takes time
    # Nor is httpx's own command of use here. It takes 5 MB and a tenth of the imports' time.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    from krobench.api.kinds import RunKind, RunRef
    from krobench.loadjob.main import run_load

    run = RunRef(RunKind(kind), namespace, name, uid)
    raise typer.Exit(run_load(run, max_objects, shard, result_bytes))


def preflight(
    kro_namespace: Annotated[
        list[str] | None, typer.Option(help="Namespace of kro; by default kro-system. Repeatable.")
    ] = None,
) -> None:
    """Check whether kro can be measured (in the pod of helm test).

    Names every missing permission. Exit codes: 0 all checks passed, 1 a check failed.
    """
    from krobench.api.specs.kro import Target
    from krobench.loadjob.main import run_preflight

    namespaces = kro_namespace or [Target().namespace]
    raise typer.Exit(run_preflight([Target(namespace=each) for each in namespaces]))


def cleanup(
    run: Annotated[str, typer.Option(help="UID of the custom resource.")],
    only_kro: Annotated[
        bool, typer.Option("--only-kro", help="Only restore kro, and keep the objects of the run.")
    ] = False,
    kro_namespace: Annotated[str, typer.Option(help="Namespace of kro.")] = "kro-system",
) -> None:
    """Restore kro and delete everything that a run created (in a Job that the operator starts)."""
    from krobench.loadjob.main import run_cleanup

    raise typer.Exit(run_cleanup(run, kro_namespace, only_kro=only_kro))


def uninstall(
    deployment: Annotated[str, typer.Option(help="Name of the operator's Deployment.")],
    timeout: Annotated[float, typer.Option(help="Seconds in which all must be done.")] = 240.0,
    watch_namespace: Annotated[
        list[str] | None, typer.Option(help="A namespace of runs; all if none is given.")
    ] = None,
) -> None:
    """End all runs, restore kro and delete what runs created (in the chart's pre-delete hook)."""
    from krobench.loadjob.main import run_uninstall

    raise typer.Exit(run_uninstall(deployment, timeout, watch_namespace or ()))


# The help lists them in this order, and groups such as baseline after them.
for command in (
    version,
    operator,
    load,
    preflight,
    cleanup,
    uninstall,
    runs.run,
    runs.wait,
    results.report,
    results.export,
    results.profile,
    results.compare,
    runs.ab,
    results.history,
    results.sizing,
    manifests.generate,
    manifests.crds,
):
    app.command()(command)

baseline_app = typer.Typer(help="Export runs to compare other runs with.", no_args_is_help=True)
baseline_app.command("export")(results.export_baseline)
app.add_typer(baseline_app, name="baseline")

schedule_app = typer.Typer(help="Run, suspend and resume schedules.", no_args_is_help=True)
schedule_app.command("run")(schedules.run_schedule)
schedule_app.command("suspend")(schedules.suspend_schedule)
schedule_app.command("resume")(schedules.resume_schedule)
app.add_typer(schedule_app, name="schedule")
