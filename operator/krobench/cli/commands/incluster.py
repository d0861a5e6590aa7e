"""What pods of krobench run: the operator, and the Jobs that it starts."""

from typing import Annotated, Literal

import typer


def operator() -> None:
    """Run the operator (inside a pod)."""
    import os
    import sys

    if "KUBERNETES_SERVICE_HOST" in os.environ:
        # kopf imports the official client only to recognise its types. A pod logs in without it,
        # and it takes 19 MB.
        sys.modules["kubernetes"] = None  # type: ignore[assignment]
    from krobench.controller.operator import run_operator

    run_operator()


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
    from krobench.api.kinds import RunKind, RunRef
    from krobench.job.main import run_load

    run = RunRef(RunKind(kind), namespace, name, uid)
    raise typer.Exit(run_load(run, max_objects, shard))


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
