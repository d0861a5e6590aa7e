"""Storing results in the run's ConfigMaps, early and often."""

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from krobench.api.kinds import RunRef
from krobench.figures.reasons.profiles import FileNotStored, FileReason
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.timing import Timing
from krobench.loadjob.errors import RESULTS_NOT_STORED, AbortedError
from krobench.record.ownership import conflict, is_owned_by, owning_runs
from krobench.record.profiles import write_profiles
from krobench.record.run import RunRecord
from krobench.record.store import (
    ConfigMap,
    Room,
    RunLines,
    config_map,
    run_json,
    without_part,
    write_config_maps,
)

logger = logging.getLogger(__name__)

_LONGEST_BACKOFF = 8
"""Pauses between attempts do not grow any more after so many."""


class Publisher:
    """Writes one run's ConfigMaps."""

    def __init__(
        self,
        client: KubeClient,
        name: str,
        owner: RunRef,
        timing: Timing | None = None,
        max_profile_bytes: int = Room.profiles,
    ) -> None:
        self._client = client
        self._name = name
        self._owner = owner
        self._timing = timing or Timing()
        self._parts: dict[str, list[str]] = {}
        self._profile_parts: dict[str, list[str]] = {}
        self._profile_bytes = 0
        self._max_profile_bytes = max_profile_bytes

    async def publish(self, run: RunRecord, lines: RunLines) -> None:
        """Store everything measured so far: run.json first, then the raw lines.

        Raw lines that the API server refuses, for example because of a quota, are left out with a
        warning. An outage of the API server is waited for. Of a run that is in a store, only
        run.json is written.

        Raises:
            AbortedError: if run.json cannot be stored: measuring on would be pointless.
        """
        run = run.model_copy(update={"parts": self._profile_parts})
        if run.store is not None:
            await self._write(config_map(self._name, self._owner, run_json(run), {}))
            self._parts = run.parts
            return
        stored, [*pieces, main] = write_config_maps(self._name, self._owner, run, lines)
        if pieces:
            await self._store_run(run)
        for piece in pieces:
            try:
                await self._insist(partial(self._put, piece))
            except ApiError as error:
                if error.transient:
                    raise self._not_stored(piece, error) from error
                stored = without_part(stored, piece["metadata"]["name"], error.message)
                main["data"] = run_json(stored)
            except ApiUnreachableError as error:
                raise self._not_stored(piece, error) from error
        await self._write(main)
        self._parts = stored.parts

    async def publish_profiles(
        self, test_index: int, files: Mapping[str, bytes]
    ) -> dict[str, FileReason]:
        """Store raw profiles; returns why some were not stored, by key. It never fails the run."""
        stored = write_profiles(
            self._name,
            self._owner,
            test_index,
            files,
            self._profile_bytes,
            self._max_profile_bytes,
        )
        try:
            for config_map in stored.config_maps:
                await self._write(config_map)
        except AbortedError as error:
            failed = FileNotStored(detail=error.info.message)
            return stored.left_out | dict.fromkeys(stored.parts, failed)
        self._profile_parts |= stored.parts
        self._profile_bytes += stored.size_bytes
        return stored.left_out

    async def publish_progress(self, run: RunRecord) -> None:
        """Store run.json alone; if this fails, the next update stores it."""
        current = run.model_copy(update={"parts": self._parts})
        try:
            await self._client.patch(self._path(self._name), {"data": run_json(current)}, retries=0)
        except (ApiError, ApiUnreachableError) as error:
            logger.warning("progress was not stored: %s", error)

    def _path(self, name: str | None = None) -> str:
        return paths.core("configmaps", self._owner.namespace, name)

    async def _store_run(self, run: RunRecord) -> None:
        """Store run.json alone, next to the raw lines that are stored already."""
        data = run_json(run.model_copy(update={"parts": self._parts or self._profile_parts}))
        if self._parts:
            with contextlib.suppress(ApiError, ApiUnreachableError):
                await self._client.patch(self._path(self._name), {"data": data})
        else:
            await self._write(config_map(self._name, self._owner, data, {}))

    async def _write(self, config_map: ConfigMap) -> None:
        try:
            await self._insist(partial(self._put, config_map))
        except (ApiError, ApiUnreachableError) as error:
            raise self._not_stored(config_map, error) from error

    def _not_stored(
        self, config_map: ConfigMap, error: ApiError | ApiUnreachableError
    ) -> AbortedError:
        where = f"ConfigMap {self._owner.namespace}/{config_map['metadata']['name']}"
        if isinstance(error, ApiError) and error.lacks_permission:
            message = f"the load Job may not store results in {where}: {error.message}"
            return AbortedError("Forbidden", message)
        return AbortedError(RESULTS_NOT_STORED, f"results could not be stored in {where}: {error}")

    async def _insist(self, request: Callable[[], Awaitable[None]]) -> None:
        """Make a request again and again, for as long as an outage may last."""
        deadline = time.monotonic() + self._timing.results_stored
        attempt = 0
        while True:
            try:
                await request()
            except (ApiError, ApiUnreachableError) as error:
                if time.monotonic() >= deadline:
                    raise
                await self._client.backoff(error, attempt, retries=_LONGEST_BACKOFF + 1)
                attempt = min(attempt + 1, _LONGEST_BACKOFF)
            else:
                return

    async def _put(self, config_map: ConfigMap) -> None:
        """Create or replace a ConfigMap of ours; harmless if it is repeated."""
        name = config_map["metadata"]["name"]
        existing = await self._client.find(self._path(name), retries=0)
        if existing is not None and is_owned_by(existing, self._owner.uid):
            await self._client.replace(self._path(name), config_map, retries=0)
            return
        if existing is not None:
            if not await self._is_orphaned(existing):
                why = conflict(existing)
                raise AbortedError(why.reason, why.message)
            uid = existing["metadata"]["uid"]
            await self._client.delete(self._path(name), uid=uid, retries=0)
        await self._client.create(self._path(), config_map, retries=0)

    async def _is_orphaned(self, config_map: ConfigMap) -> bool:
        """Whether its runs were deleted, and the garbage collector will delete it."""
        owners = owning_runs(config_map)
        for run in owners:
            resource = await self._client.find(paths.run(run), retries=0)
            if resource is not None and resource["metadata"]["uid"] == run.uid:
                return False
        return bool(owners)
