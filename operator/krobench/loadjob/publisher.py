"""Storing results in the run's ConfigMaps, early and often."""

import logging
from collections.abc import Mapping
from typing import Any

from krobench.api.kinds import RunRef
from krobench.figures.reasons.profiles import FileNotStored, FileReason
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.loadjob.errors import AbortedError
from krobench.record.run import RunRecord
from krobench.record.store import (
    RunLines,
    conflict,
    is_owned_by,
    owning_runs,
    run_json,
    write_config_maps,
    write_profiles,
)

logger = logging.getLogger(__name__)

# About three minutes: an API server that restarts must not cost the results.
_MAX_RETRIES = 20


class Publisher:
    """Writes one run's ConfigMaps."""

    def __init__(self, client: KubeClient, name: str, owner: RunRef) -> None:
        self._client = client
        self._name = name
        self._owner = owner
        self._parts: dict[str, list[str]] = {}
        self._profile_parts: dict[str, list[str]] = {}
        self._profile_bytes = 0

    async def publish(self, run: RunRecord, lines: RunLines) -> None:
        """Store everything measured so far, with retries.

        Raises:
            AbortedError: if results cannot be stored: measuring on would be pointless.
        """
        run = run.model_copy(update={"parts": self._profile_parts})
        stored, config_maps = write_config_maps(self._name, self._owner, run, lines)
        for config_map in config_maps:
            await self._write(config_map)
        self._parts = stored.parts

    async def publish_profiles(
        self, test_index: int, files: Mapping[str, bytes]
    ) -> dict[str, FileReason]:
        """Store raw profiles; returns why some were not stored, by key. It never fails the run."""
        stored = write_profiles(self._name, self._owner, test_index, files, self._profile_bytes)
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

    async def _write(self, config_map: Mapping[str, Any]) -> None:
        name = config_map["metadata"]["name"]
        try:
            existing = await self._client.find(self._path(name), retries=_MAX_RETRIES)
            if existing is not None and is_owned_by(existing, self._owner.uid):
                await self._client.replace(self._path(name), config_map, retries=_MAX_RETRIES)
                return
            if existing is not None:
                if not await self._is_orphaned(existing):
                    why = conflict(existing)
                    raise AbortedError(why.reason, why.message)
                uid = existing["metadata"]["uid"]
                await self._client.delete(self._path(name), uid=uid, retries=_MAX_RETRIES)
            await self._client.create(self._path(), config_map, retries=_MAX_RETRIES)
        except (ApiError, ApiUnreachableError) as error:
            where = f"ConfigMap {self._owner.namespace}/{name}"
            if isinstance(error, ApiError) and error.forbidden:
                raise AbortedError(
                    "Forbidden", f"the load Job may not store results in {where}: {error.message}"
                ) from error
            raise AbortedError(
                "ResultsNotStored", f"results could not be stored in {where}: {error}"
            ) from error

    async def _is_orphaned(self, config_map: Mapping[str, Any]) -> bool:
        """Whether its runs were deleted, and the garbage collector will delete it."""
        owners = owning_runs(config_map)
        for run in owners:
            resource = await self._client.find(paths.run(run), retries=_MAX_RETRIES)
            if resource is not None and resource["metadata"]["uid"] == run.uid:
                return False
        return bool(owners)
