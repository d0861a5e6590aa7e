"""Entry points of the two Jobs: ``krobench load`` and ``krobench cleanup``."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop
from pydantic import ValidationError

from krobench.api import units
from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunKind, RunRef
from krobench.api.refusal import refusals
from krobench.api.specs.kro import Target
from krobench.api.storage import Storage
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config, own_namespace
from krobench.kube.errors import ApiError, KubeError
from krobench.kube.timing import Timing
from krobench.load.cleanup import RunCleanup
from krobench.loadjob.benchmark import BenchmarkTask
from krobench.loadjob.engine import Engine
from krobench.loadjob.errors import AbortedError, info_of
from krobench.loadjob.kro.deployment import restore_all
from krobench.loadjob.lease import release_lease_of
from krobench.loadjob.permissions import check_permissions, needs_of_run
from krobench.loadjob.preflight import check_kro_installed, require_kro
from krobench.loadjob.shards.shardworker import Worker
from krobench.record.store import Room
from krobench.workload.blueprint import WorkloadError
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS

logger = logging.getLogger(__name__)

# Samples are parsed in a thread of their own. With Python's default of 5 ms, each event and each
# request could wait that long for the interpreter, and the wait would count as kro's.
_SWITCH_INTERVAL_SECONDS = 0.0005

EXIT_OK = 0
EXIT_ABORTED = 1
EXIT_INTERRUPTED = 143

_TERMINATION_LOG = Path("/dev/termination-log")
_CLEANUP_INSTANCE_SECONDS = 120.0

# The load limits its requests itself, and each RGD's watch holds a connection: with a limit here,
# watches would starve requests, and requests would wait for connections unnoticed.
_NO_LIMIT = 0


def run_load(
    run: RunRef, max_objects: int | None, shard: int = 0, result_bytes: int | None = None
) -> int:
    """Run the tests of a custom resource, or a worker's share of them. Returns the exit code."""
    room = Room() if result_bytes is None else Room.within(result_bytes)
    return _run(_load(run, max_objects or DEFAULT_MAX_OBJECTS, shard, room))


def run_cleanup(uid: str, kro_namespace: str, *, only_kro: bool = False) -> int:
    """Restore kro to what it was before the run with this uid, and delete all its objects.

    With ``only_kro``, its objects stay. Then the next load need not wait for this run's lease.
    Returns the exit code.
    """
    return _run(_cleanup(uid, kro_namespace, only_kro=only_kro))


def run_uninstall(deployment: str, timeout_seconds: float, watched: Sequence[str]) -> int:
    """End all runs before the operator with this Deployment is gone. Returns the exit code."""
    return _run(_uninstall(deployment, timeout_seconds, watched))


def run_preflight(targets: Sequence[Target]) -> int:
    """Check whether these kros can be measured, as every run does first. Returns the exit code."""
    return _run(_preflight(targets))


def _run(work: Coroutine[Any, Any, int]) -> int:
    """Run to the end; an error goes to the termination log too, where the operator finds it."""
    sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
    # What was imported stays. A collection that looks at all of it takes a tenth of a second, in
    # which every event would wait, and the wait would count as kro's.
    gc.freeze()
    gc.enable()
    try:
        return uvloop.run(_until_sigterm(work))
    except (AbortedError, KubeError) as error:
        _leave_error(info_of(error))
        return EXIT_ABORTED
    except asyncio.CancelledError as error:
        _leave_error(info_of(error))
        return EXIT_INTERRUPTED
    except Exception as error:
        _leave_error(info_of(error))
        raise


async def _until_sigterm(work: Coroutine[Any, Any, int]) -> int:
    # The first process of a container ignores SIGTERM by default.
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _load(run: RunRef, max_objects: int, shard: int, room: Room) -> int:
    async with KubeClient(load_client_config(), connections=_NO_LIMIT) as client:
        try:
            resource = await client.get(paths.run(run))
        except ApiError as error:
            if error.forbidden:  # other permissions are probably missing too: name them all
                await check_permissions(client, needs_of_run(run, ()), Timing())
            raise
        if resource["metadata"]["uid"] != run.uid:
            raise AbortedError("Replaced", f"{run} was deleted and created again")
        storage = Storage.from_environment()
        work: Engine | Worker
        try:
            if shard > 0:
                work = Worker(client, resource, shard)
            elif run.kind is RunKind.BENCHMARK:
                task = BenchmarkTask(resource, max_objects)
                work = Engine(client, resource, task, room=room, storage=storage)
            else:
                from krobench.loadjob.scaletest import ScaleTestTask

                work = Engine(
                    client,
                    resource,
                    ScaleTestTask(resource, max_objects),
                    room=room,
                    storage=storage,
                )
        except ValidationError as error:
            raise AbortedError("InvalidSpec", refusals(error)[0]) from error
        except WorkloadError as error:
            raise AbortedError("InvalidSpec", f"spec.{error}") from error
        await work.run()
    return EXIT_OK


async def _preflight(targets: Sequence[Target]) -> int:
    async with KubeClient(load_client_config()) as client:
        problems = await problems_of(client, targets)
    for problem in problems:
        logger.error("%s: %s", problem.reason, problem.message)
    if problems:
        return EXIT_ABORTED
    namespaces = ", ".join(target.namespace for target in targets)
    logger.info("all checks passed: kro in %s can be measured", namespaces)
    return EXIT_OK


async def problems_of(client: KubeClient, targets: Sequence[Target]) -> list[ErrorInfo]:
    """Return everything that would stop each run of these kros, not only the first."""
    namespace = own_namespace() or "default"
    needs = [
        need
        for kind in RunKind
        for need in needs_of_run(
            RunRef(kind, namespace, "preflight", ""), (target.namespace for target in targets)
        )
    ]
    timing = Timing()
    problems = []
    for check in (
        check_kro_installed(client),
        check_permissions(client, needs, timing),
        *(require_kro(client, target, timing) for target in targets),
    ):
        try:
            await check
        except (AbortedError, ApiError) as error:
            problems.append(info_of(error))
    return problems


async def _uninstall(deployment: str, timeout_seconds: float, watched: Sequence[str]) -> int:
    from krobench.loadjob.uninstall import Uninstall

    namespace = own_namespace() or "krobench-system"
    async with KubeClient(load_client_config()) as client:
        uninstall = Uninstall(client, namespace, deployment, timeout_seconds, watched)
        problems = await uninstall.run()
    if problems:
        raise AbortedError("KroNotRestored", "; ".join(problems))
    return EXIT_OK


async def _cleanup(uid: str, kro_namespace: str, *, only_kro: bool) -> int:
    async with KubeClient(load_client_config()) as client:
        await restore(client, uid, only_kro=only_kro)
        await release_lease_of(client, uid, kro_namespace)
    return EXIT_OK


async def restore(
    client: KubeClient, uid: str, *, only_kro: bool, timing: Timing | None = None
) -> None:
    """Restore kro to what it was before a run, and delete the run's objects.

    Raises:
        KubeError: if kro could not be restored; everything else is deleted anyway.
        AbortedError: if objects are left.
    """
    failure: KubeError | None = None
    try:
        for warning in await restore_all(client, uid):
            logger.warning("%s", warning)
    except KubeError as error:
        logger.exception("kro's Deployment was not restored")
        failure = error
    try:
        if only_kro:
            return
        cleanup = RunCleanup(client, uid, timing=timing)
        there = await cleanup.audit(())
        objects = await cleanup.delete_objects(_CLEANUP_INSTANCE_SECONDS, force=True)
        namespaces = await cleanup.delete_namespaces()
        for teardown in (objects, namespaces):
            if teardown.error is not None:
                raise AbortedError(teardown.error.reason, teardown.error.message)
        if there.count:
            number = units.counted(there.count, "object")
            logger.info("deleted %s, the first was %s", number, there.objects[0])
        elif there.count == 0:
            logger.info("found no objects of this run; check that --run is the UID of its resource")
    finally:
        if failure is not None:
            raise failure


def _leave_error(info: ErrorInfo) -> None:
    logger.error("%s: %s", info.reason, info.message)
    if _TERMINATION_LOG.exists():
        _TERMINATION_LOG.write_text(info.model_dump_json(by_alias=True))
