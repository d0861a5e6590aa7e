"""Keeping a run's results beyond its custom resource, and reading those that were kept."""

import logging
from collections.abc import AsyncIterator
from functools import partial

from krobench.api.kinds import RunKind
from krobench.job.results.whole_run import whole
from krobench.kube import paths
from krobench.kube.client import METADATA_LIST, JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.record.history import (
    KEPT_RUN_LABEL,
    as_kept,
    kept_name,
    main_maps,
    names_beyond,
    selector,
)
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord
from krobench.record.store import Owner, RunLines, read_run_record, write_config_maps

logger = logging.getLogger(__name__)

_MAX_RETRIES = 8


class History:
    """The kept results of all runs of one custom resource's name."""

    def __init__(self, client: KubeClient, owner: Owner) -> None:
        self._client = client
        self._owner = owner
        self._collection = paths.core("configmaps", owner.namespace)

    async def earlier_runs(self) -> AsyncIterator[RunRecord]:
        """Yield the kept runs but this one, newest first; those of other versions are left out.

        One is read at a time: all of them with their raw lines may be more than a pod's memory.

        Raises:
            KubeError: if they cannot be read.
        """
        for item in reversed(main_maps(await self._kept())):
            name = item["metadata"]["name"]
            if name == kept_name(self._owner.name, self._owner.uid):
                continue
            try:
                path = f"{self._collection}/{name}"
                kept = await self._client.patiently(partial(self._client.get, path))
                yield await whole(self._client, read_run_record(kept))
            except RecordError as error:
                logger.warning("%s", error)

    async def keep(self, run: RunRecord, lines: RunLines, most: int) -> str | None:
        """Store a run under a name of its own, and delete the oldest beyond ``most``.

        Returns what is to be said where that was not possible: it costs no result.
        """
        name = kept_name(self._owner.name, self._owner.uid)
        _, config_maps = write_config_maps(name, self._owner, run, lines)
        try:
            for config_map in config_maps:
                await self._put(as_kept(config_map, self._owner))
            for old in names_beyond(await self._kept(), most):
                await self._client.patiently(partial(self._delete, old))
        except KubeError as error:
            return f"results could not be kept as ConfigMap {name}: {error}"
        return None

    async def _kept(self) -> list[JsonObject]:
        """Return the metadata of all ConfigMaps that hold kept results."""
        chosen = {"labelSelector": selector(RunKind(self._owner.kind), self._owner.name)}
        page = await self._client.patiently(
            lambda: self._client.get(self._collection, chosen, METADATA_LIST)
        )
        items: list[JsonObject] = page.get("items") or []
        return items

    async def _put(self, config_map: JsonObject) -> None:
        await self._client.patiently(lambda: self._create_or_replace(config_map), _MAX_RETRIES)

    async def _create_or_replace(self, config_map: JsonObject) -> None:
        try:
            await self._client.create(self._collection, config_map)
        except ApiError as error:
            if not error.already_exists:
                raise
            path = f"{self._collection}/{config_map['metadata']['name']}"
            labels = (await self._client.get(path))["metadata"].get("labels") or {}
            if labels.get(KEPT_RUN_LABEL) != self._owner.uid:
                raise
            await self._client.replace(path, config_map)

    async def _delete(self, name: str) -> None:
        try:
            await self._client.delete(f"{self._collection}/{name}")
        except ApiError as error:
            if not error.not_found:
                raise
