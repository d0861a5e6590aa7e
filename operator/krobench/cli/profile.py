"""``krobench profile``: a raw profile of a run, for ``go tool pprof``."""

import asyncio

from krobench.cli.results import ResultsError, config_map_path, fetch_run
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.errors import KubeError
from krobench.model.profile import ProfileFile
from krobench.model.record import RunRecord
from krobench.record.store import read_part


def fetch_profile(namespace: str, name: str, test: str | None, file: ProfileFile) -> bytes:
    """Return a raw profile of a test of a run; ``test`` may be None where one test has such.

    Raises:
        ResultsError: if there is none, or several tests have one.
    """
    run = fetch_run(namespace, name)
    key = _key(run, test, file)
    try:
        return asyncio.run(_fetch(run, key))
    except KubeError as error:
        raise ResultsError(str(error)) from error


def _key(run: RunRecord, test: str | None, file: ProfileFile) -> str:
    tests = [item.name for item in run.tests if file.key(item.name) in run.parts]
    if test is None and len(tests) > 1:
        raise ResultsError(f"several tests have a {file} profile: give --test {', '.join(tests)}")
    chosen = test if test is not None else next(iter(tests), None)
    if chosen in tests:
        return file.key(chosen)
    what = f"test {test} of {run.name}" if test else run.name
    reasons = {
        reason
        for item in run.tests
        if item.profile is not None and test in {None, item.name}
        for reason in item.profile.unavailable.values()
    }
    detail = "; ".join(sorted(reasons)) or "ask for it by spec.collect.profiles"
    raise ResultsError(f"{what} has no {file} profile: {detail}")


async def _fetch(run: RunRecord, key: str) -> bytes:
    async with KubeClient(load_client_config()) as client:
        maps = [await client.get(config_map_path(run.namespace, part)) for part in run.parts[key]]
    return read_part(maps, key)
