"""A run's results in the administrator's store.

A store that fails costs a run nothing: everything measured stays in memory until the run ends, and
goes to ConfigMaps instead.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Self

from krobench.analysis.heads import head_of
from krobench.api.common import COMPONENT_LABEL, ErrorInfo
from krobench.api.kinds import RunRef, ScheduleRef
from krobench.api.storage import (
    CREDENTIALS,
    STORAGE_CONFIG_MAP,
    STORAGE_KEY,
    STORE_COMPONENT,
    VOLUME_PATH,
    Storage,
    StoredAt,
)
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import KubeError
from krobench.record.history import KEPT_RUN_LABEL
from krobench.record.run import RunRecord
from krobench.record.store import MAX_CONFIG_MAP_BYTES, RunLines, whole_run_json
from krobench.storage.files import Files, StoreError, bucket, directory
from krobench.storage.runs import HEAD_FILE, RUN_FILE, StoredRuns, folder_of

logger = logging.getLogger(__name__)


def open_files(storage: Storage, environment: Mapping[str, str]) -> Files:
    """Return the files of a store, from a load Job.

    Raises:
        StoreError: if its credentials or its volume are missing.
    """
    if storage.s3 is None:
        return directory(Path(VOLUME_PATH))
    missing = [name for name in CREDENTIALS if not environment.get(name)]
    if storage.secret_name is not None and missing:
        raise StoreError(
            "StoreForbidden",
            f"Secret {storage.secret_name} in the operator's namespace has no {missing[0]}",
        )
    return bucket(storage.s3, environment)


class Archive:
    """Writes one run to a store."""

    def __init__(
        self,
        storage: Storage,
        environment: Mapping[str, str],
        owner: RunRef,
        schedule: ScheduleRef | None,
        start_time: str,
        warn: Callable[[str], None],
    ) -> None:
        self._storage = storage
        self._environment = environment
        self._owner = owner
        self._of = schedule or owner
        self._folder = folder_of(self._of, start_time, owner.uid)
        self._warn = warn
        self._files: Files | None = None
        self._written: dict[str, int] = {}
        """Names of files that are stored, and a digest of each."""
        self._waiting: dict[str, bytes] = {}
        self.error: ErrorInfo | None = None
        """Why the store is not used any more until the run ends."""

    @classmethod
    def of(
        cls,
        storage: Storage,
        environment: Mapping[str, str],
        owner: RunRef,
        schedule: ScheduleRef | None,
        start_time: str,
        warn: Callable[[str], None],
    ) -> Self | None:
        """Return the archive of a run, if there is a store."""
        if not storage.used:
            return None
        return cls(storage, environment, owner, schedule, start_time, warn)

    @property
    def runs(self) -> StoredRuns:
        """The kept runs of the same name.

        Raises:
            StoreError: if the store cannot be used.
        """
        return StoredRuns(self._opened(), self._of.kind, self._of.namespace, self._of.name)

    def add(self, files: Mapping[str, bytes]) -> None:
        """Have files, which are stored as ConfigMaps too, stored with the next :meth:`save`."""
        self._waiting |= files

    async def save(self, run: RunRecord, lines: RunLines, *, last: bool = False) -> StoredAt | None:
        """Store everything measured so far: run.json, then the other files, then run.json again.

        Returns where it is; None if the store failed, which :attr:`error` explains. After a failure
        only the last results are tried again, so that a store that does not answer holds up no
        iteration.
        """
        if self.error is not None and not last:
            return None
        try:
            return await self._save(run, lines, last=last)
        except StoreError as error:
            self._fail(error)
            return None

    async def finish(
        self, run: RunRecord, keep: int | None, protected: Collection[str] = ()
    ) -> bool:
        """Make a completed run part of the history, and delete runs beyond ``keep``.

        ``protected`` are the UIDs of runs that are kept in addition.

        Returns whether the run is part of the history.
        """
        head = head_of(run).model_dump_json(by_alias=True).encode()
        try:
            await self._opened().write(f"{self._folder}/{HEAD_FILE}", head)
        except StoreError as error:
            self._fail(error)
            return False
        if keep is not None:
            try:
                await self.runs.keep(keep, protected)
            except StoreError as error:
                self._warn(f"older runs were not deleted: {error.info.message}")
        return True

    async def announce(self, client: KubeClient) -> None:
        """Leave word in the run's namespace where its results are, for those who read them."""

        def is_ours(there: JsonObject) -> bool:
            labels = there["metadata"].get("labels") or {}
            return bool(labels.get(COMPONENT_LABEL) == STORE_COMPONENT)

        collection = paths.core("configmaps", self._owner.namespace)
        metadata = {
            "name": STORAGE_CONFIG_MAP,
            "namespace": self._owner.namespace,
            "labels": {
                "app.kubernetes.io/name": "krobench",
                "app.kubernetes.io/managed-by": "krobench",
                COMPONENT_LABEL: STORE_COMPONENT,
                KEPT_RUN_LABEL: self._owner.uid,
            },
        }
        storage = self._storage.model_copy(update={"secret_name": None})
        config_map = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {STORAGE_KEY: storage.model_dump_json(by_alias=True, exclude_none=True)},
        }
        try:
            there = await client.find(f"{collection}/{STORAGE_CONFIG_MAP}")
            if there is None or there.get("data") != config_map["data"]:
                await client.create_or_replace(collection, config_map, may_replace=is_ours)
        except KubeError as error:
            logger.warning("where results are stored was not announced: %s", error)

    async def _save(self, run: RunRecord, lines: RunLines, *, last: bool) -> StoredAt:
        files = self._opened()
        if last:
            # Somebody may have emptied the bucket meanwhile.
            there = await files.paths(self._folder)
            names = {path.rpartition("/")[2] for path in there}
            self._written = {k: digest for k, digest in self._written.items() if k in names}
        run = run.model_copy(update={"sampled": lines.sampled, "store_error": None})
        await self._write_run(files, run)
        before = dict(self._written)
        for name, file in lines.files:
            data = b"".join(file.pieces(MAX_CONFIG_MAP_BYTES))
            if data and self._written.get(name) != hash(data):
                await files.write(f"{self._folder}/{name}", data)
                self._written[name] = hash(data)
        for name, data in list(self._waiting.items()):
            await files.write(f"{self._folder}/{name}", data)
            self._written[name] = hash(data)
            del self._waiting[name]
        if self._written.keys() != before.keys():
            await self._write_run(files, run)
        self.error = None
        return self._stored_at()

    async def _write_run(self, files: Files, run: RunRecord) -> None:
        stored = run.model_copy(update={"store": self._stored_at()})
        await files.write(f"{self._folder}/{RUN_FILE}", whole_run_json(stored))

    def _stored_at(self) -> StoredAt:
        storage = self._storage
        return StoredAt(
            s3=storage.s3,
            claim_name=storage.claim_name,
            reader_secret_name=storage.reader_secret_name,
            path=self._folder,
            files=sorted(self._written),
        )

    def _opened(self) -> Files:
        if self._files is None:
            self._files = open_files(self._storage, self._environment)
        return self._files

    def _fail(self, error: StoreError) -> None:
        if self.error is None:
            self._warn(
                f"{error.info.reason}: {error.info.message}. The results of this run are in "
                "ConfigMaps instead"
            )
        self.error = error.info
