"""``krobench run`` and ``wait``: apply a file, show the progress of a run, wait for its verdict."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from krobench.api import units
from krobench.api.common import API_GROUP, API_VERSION
from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.status import LiveStatus, Verdict
from krobench.cli.cluster import find_run
from krobench.cli.errors import CliError
from krobench.cli.files import read_documents
from krobench.cli.names import RunName
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.kube.timing import Timing
from krobench.kube.transport import NO_RETRIES
from krobench.report.words.progress import live_line, remaining_text

_TIMEOUT_SECONDS = 3600.0
_KINDS = " or ".join(RunKind)


class ExitCode(IntEnum):
    """Exit codes of ``krobench run`` and ``krobench wait``; 2 is wrong usage."""

    PASSED = 0
    FAILED = 1
    INVALID = 3
    ERROR = 4


class StoppedWaitingError(Exception):
    """The user stopped waiting; the message says how to get back to the run."""


@dataclass(frozen=True)
class Finished:
    """A run that has ended."""

    run: RunRef
    status: dict[str, Any]

    @property
    def exit_code(self) -> ExitCode:
        verdict = self.status.get("verdict")
        return {
            Verdict.PASSED.value: ExitCode.PASSED,
            Verdict.FAILED.value: ExitCode.FAILED,
            Verdict.INVALID.value: ExitCode.INVALID,
        }.get(str(verdict), ExitCode.ERROR)


def run_file(
    path: Path, timeout_seconds: float | None, *, replace: bool, timing: Timing | None = None
) -> Finished:
    """Apply the custom resource in a file and wait for the end of its run.

    Raises:
        CliError: if the file has no custom resource, it already exists, or the time is up.
        StoppedWaitingError: if the user presses Ctrl-C.
    """
    manifest = read_manifest(path)
    if timeout_seconds is None:
        timeout_seconds = _TIMEOUT_SECONDS
        if manifest["kind"] == RunKind.SCALE_TEST:
            with suppress(ValidationError):  # the API server says what is invalid
                spec = KroScaleTestSpec.model_validate(manifest.get("spec"))
                timeout_seconds += spec.budget.duration_seconds
    return run_manifest(manifest, timeout_seconds, replace=replace, timing=timing)


def run_manifest(
    manifest: dict[str, Any],
    timeout_seconds: float,
    *,
    replace: bool,
    timing: Timing | None = None,
) -> Finished:
    """Apply a custom resource and wait for the end of its run; raises as :func:`run_file`."""
    try:
        return asyncio.run(_run(manifest, timeout_seconds, timing or Timing(), replace=replace))
    except TimeoutError as error:
        raise CliError(
            f"the run did not end within {timeout_seconds:g}s; {_continues(_ref(manifest))}"
        ) from error
    except KubeError as error:
        raise CliError(str(error)) from error


def wait_for(
    name: RunName, timeout_seconds: float | None, *, timing: Timing | None = None
) -> Finished:
    """Wait for the end of a run that exists, for example one that a GitOps tool applied.

    Raises:
        CliError: if there is no such run, or the time is up.
        StoppedWaitingError: if the user presses Ctrl-C.
    """
    if timeout_seconds is None:
        timeout_seconds = _TIMEOUT_SECONDS
    try:
        return asyncio.run(_wait(name, timeout_seconds, timing or Timing()))
    except TimeoutError as error:
        raise CliError(
            f"{name} did not end within {timeout_seconds:g}s; it continues in the cluster: wait "
            "again, or use a longer --timeout"
        ) from error
    except KubeError as error:
        raise CliError(str(error)) from error


def _continues(run: RunRef) -> str:
    which = f"{run.kind.singular} {run.name} --namespace={run.namespace}"
    return (
        f"it continues in the cluster: watch it with kubectl get {which}, or stop it with kubectl "
        f"delete {which}"
    )


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the one ``KroBenchmark`` or ``KroScaleTest`` in a file.

    Raises:
        CliError: if the file cannot be read, or has something else in it.
    """
    documents = [document for document in read_documents(path) if document]
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise CliError(f"{path} has {len(documents)} documents: use a file with one {_KINDS}")
    manifest: dict[str, Any] = documents[0]
    known = manifest.get("kind") in list(RunKind)
    if not known or "name" not in (manifest.get("metadata") or {}):
        raise CliError(f"{path} must contain a {_KINDS} with a metadata.name")
    manifest["metadata"].setdefault("namespace", "default")
    return manifest


def _ref(manifest: dict[str, Any]) -> RunRef:
    metadata = manifest["metadata"]
    return RunRef(RunKind(manifest["kind"]), metadata["namespace"], metadata["name"])


async def _run(
    manifest: dict[str, Any], timeout_seconds: float, timing: Timing, *, replace: bool
) -> Finished:
    run = _ref(manifest)
    collection = paths.group(API_GROUP, API_VERSION, run.kind.plural, run.namespace)
    path = f"{collection}/{run.name}"
    async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
        if replace:
            await _delete(client, path, run, timing)
        try:
            await client.create(collection, manifest)
        except ApiError as error:
            if error.already_exists:
                raise CliError(f"{run} already exists: delete it, or use --replace") from error
            raise
        return await _finish(client, run, timeout_seconds, timing)


async def _wait(name: RunName, timeout_seconds: float, timing: Timing) -> Finished:
    async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
        run, _ = await find_run(client, name)
        return await _finish(client, run, timeout_seconds, timing)


async def _finish(
    client: KubeClient, run: RunRef, timeout_seconds: float, timing: Timing
) -> Finished:
    try:
        async with asyncio.timeout(timeout_seconds):
            return Finished(run, await follow(client, paths.run(run), timing))
    except asyncio.CancelledError as error:  # by Ctrl-C
        raise StoppedWaitingError(f"stopped waiting for {run}; {_continues(run)}") from error


async def _delete(client: KubeClient, path: str, run: RunRef, timing: Timing) -> None:
    """Delete the resource and wait until it and the objects of its run are gone.

    Raises:
        CliError: if that takes too long.
    """
    try:
        await client.delete(path)
        async with asyncio.timeout(timing.resource_deleted):
            while await client.find(path) is not None:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(timing.status_poll)
    except TimeoutError as error:
        raise CliError(
            f"{run} was not deleted within {timing.resource_deleted:g}s: check its finalizers and "
            "the operator's log"
        ) from error


async def follow(client: KubeClient, path: str, timing: Timing) -> dict[str, Any]:
    """Show the progress of a run until it ends, across restarts of the API server."""
    with progress_display(Console(stderr=True)) as show:
        while True:
            try:
                status: dict[str, Any] = (await client.get(path)).get("status", {})
            except (ApiError, ApiUnreachableError) as error:
                if not error.transient:
                    raise
                status = {"message": str(error)}
            show(status)
            conditions = {c["type"]: c["status"] for c in status.get("conditions") or []}
            if conditions.get("Finished") == "True":
                return status
            await asyncio.sleep(timing.status_poll)


Show = Callable[[Mapping[str, Any]], None]
"""Takes the status of a run."""


@contextmanager
def progress_display(console: Console) -> Iterator[Show]:
    """Yield a function that shows a status: a progress bar on a terminal, lines elsewhere."""
    if console.is_terminal:
        with _bar(console) as show:
            yield show
    else:
        yield _lines(console)


def _lines(console: Console) -> Show:
    last = ""
    looks: set[str] = set()

    def show(status: Mapping[str, Any]) -> None:
        nonlocal last
        place = f"size {status['size']}:" if status.get("size") else status.get("progress")
        parts = (status.get("phase"), place, status.get("message"))
        line = " ".join(str(part) for part in parts if part)
        if line and line != last:
            last = line
            live = _live(status)
            shown = " · ".join(filter(None, (live_line(live), remaining_text(live))))
            line += f" ({shown})" if shown else ""
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        for line in _looked(status):
            if line not in looks:
                looks.add(line)
                console.print(line, markup=False, highlight=False, soft_wrap=True)

    return show


@contextmanager
def _bar(console: Console) -> Iterator[Show]:
    """Show a progress bar with what is measured, and above it a line for each test or size that
    ended, and for each look at variants.

    The instances that are ready count as a part of the iteration that is running.
    """
    progress = Progress(
        TextColumn("{task.fields[phase]}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[place]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        console=console,
        expand=True,
    )
    task = progress.add_task("", total=None, phase="Pending", place="", left="")
    activity, measured = Text(style="dim"), Text(style="cyan")
    ended: set[str] = set()
    shown = Group(progress, activity, measured)
    with Live(shown, console=console, transient=True, refresh_per_second=4):

        def show(status: Mapping[str, Any]) -> None:
            live = _live(status)
            place = str(status.get("progress") or "")
            done, _, planned = place.partition("/")
            part = live.instances_ready / live.instances if live.instances else 0.0
            progress.update(
                task,
                completed=int(done) + part if planned else None,
                total=int(planned) if planned else None,
                phase=status.get("phase") or "Pending",
                place=place,
                left=remaining_text(live),
            )
            activity.plain = str(status.get("message") or "")
            measured.plain = live_line(live)
            for line in (*_ended(status), *_looked(status)):
                if line not in ended:
                    ended.add(line)
                    console.print(line, markup=False, highlight=False)

        yield show


def _live(status: Mapping[str, Any]) -> LiveStatus:
    """Return the live figures; none if there are none, or a newer operator's differ."""
    try:
        return LiveStatus.model_validate(status.get("live") or {})
    except ValidationError:
        return LiveStatus()


def _ended(status: Mapping[str, Any]) -> list[str]:
    """Return a line for each test or size that has ended; those of sizes change by iteration."""
    lines = []
    for test in status.get("tests") or []:
        if test["phase"] in ("Succeeded", "Failed"):
            how = f"{test['phase']} after {test['iterations']} iterations"
            lines.append(f"{test['name']}: {how}{_measured(test, 'p50')}")
    for size in status.get("sizes") or []:
        if size["verdict"] != "Running":
            how = f"{size['verdict']} ({size['iterations']})"
            lines.append(f"{size['size']:g}: {how}{_measured(size, 'p99')}")
    return lines


def _looked(status: Mapping[str, Any]) -> list[str]:
    """Return what the latest look at the blocks shows of each variant."""
    return [f"{each['name']}: {each['message']}" for each in status.get("variants") or []]


def _measured(item: Mapping[str, Any], quantile: str) -> str:
    seconds = item.get(f"instanceReady{quantile.capitalize()}Seconds")
    measured = f", ready {quantile} {units.seconds(seconds)}" if seconds is not None else ""
    return measured + (f": {item['message']}" if item.get("message") else "")
