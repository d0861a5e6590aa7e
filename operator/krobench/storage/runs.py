"""The runs in a store: a folder for each, ``NAMESPACE/KIND/NAME/START-ID``.

``run.json`` is written first, and again whenever the run has measured more. ``head.json`` is
written last: a folder without one is of a run that goes on, or that was not stored to its end.
"""

from collections.abc import Collection, Sequence

from krobench.api.kinds import Kind, RunRef, ScheduleRef
from krobench.record.head import RunHead
from krobench.record.reading import read_as, read_json, refuse_newer_schema
from krobench.record.run import RunRecord
from krobench.storage.files import Files

RUN_FILE = "run.json"
HEAD_FILE = "head.json"

_ID_LENGTH = 8


def compact_time(rfc3339: str) -> str:
    """Return a time such that names in the order of the alphabet are in that of time."""
    return rfc3339.replace("-", "").replace(":", "")


def folder_of(of: RunRef | ScheduleRef, start_time: str, uid: str) -> str:
    """Return the folder of a run; ``of`` is the schedule that created it, or the run itself."""
    parent = _parent(of.kind, of.namespace, of.name)
    return f"{parent}/{compact_time(start_time)}-{uid[:_ID_LENGTH]}"


def _parent(kind: Kind, namespace: str, name: str) -> str:
    return f"{namespace}/{kind.plural}/{name}"


class StoredRuns:
    """All runs of a name or of a schedule."""

    def __init__(self, files: Files, kind: Kind, namespace: str, name: str) -> None:
        self.files = files
        self._parent = _parent(kind, namespace, name)

    async def folders(self) -> list[str]:
        """Return the folders of all runs that are stored to the end, oldest first.

        Raises:
            StoreError: if they cannot be listed.
        """
        return _complete(await self.files.paths(self._parent))

    async def heads(self) -> list[tuple[str, RunHead]]:
        """Return the folders and the heads of all runs that are stored to the end, oldest first.

        Raises:
            RecordError: if one cannot be read by this version.
            StoreError: if the store cannot be read.
        """
        folders = await self.folders()
        heads = await self.files.read_all((_head_of(folder) for folder in folders), self._head)
        return [
            (folder, head)
            for folder, head in zip(folders, heads, strict=True)
            if head is not None  # retention has just deleted it
        ]

    async def head(self, folder: str) -> RunHead:
        """Return the head of one run; raises as :meth:`heads` does."""
        path = _head_of(folder)
        return self._head(path, await self.files.read(path))

    async def keep(self, runs: int, protected: Collection[str] = ()) -> None:
        """Delete all runs but the newest, and older ones that were not stored to the end.

        ``protected`` are the UIDs of runs that are kept in addition.

        Raises:
            StoreError: if that failed.
        """
        paths = await self.files.paths(self._parent)
        kept = _complete(paths)[-runs:]
        if not kept:
            return
        stay = tuple(f"-{uid[:_ID_LENGTH]}" for uid in protected)
        older = [path for path in paths if _folder(path) < kept[0]]
        old = [path for path in older if not _folder(path).endswith(stay)]
        # Without its head, a folder is of no run that anyone reads.
        for some in ([path for path in old if path.endswith(f"/{HEAD_FILE}")], old):
            if some:
                await self.files.delete(some)

    def _head(self, path: str, text: bytes) -> RunHead:
        where = f"{path} in {self.files}"
        raw = read_json(text, where)
        return read_as(RunHead, raw, where)


async def read_run(files: Files, folder: str) -> RunRecord:
    """Return the whole record of a run.

    Raises:
        RecordError: if this version cannot read it.
        StoreError: if the store cannot be read.
    """
    where = f"{folder}/{RUN_FILE} in {files}"
    raw = read_json(await files.read(f"{folder}/{RUN_FILE}"), where)
    refuse_newer_schema(raw, where)
    return read_as(RunRecord, raw, where)


def _head_of(folder: str) -> str:
    return f"{folder}/{HEAD_FILE}"


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _complete(paths: Sequence[str]) -> list[str]:
    return [_folder(path) for path in paths if path.endswith(f"/{HEAD_FILE}")]
