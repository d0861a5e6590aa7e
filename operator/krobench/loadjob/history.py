"""Results of earlier runs: keeping this run's, reading those kept, and comparing with them.

A baseline is read when the run begins: if it is missing, the user learns that before an hour of
load. A faulty baseline never costs a run its own results.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from krobench.analysis.comparison.compare import Side, compare, of_history
from krobench.analysis.comparison.estimates import condense, slim, why_not_comparable
from krobench.analysis.comparison.rules import Rules, rules_of
from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunKind, RunRef, ScheduleRef
from krobench.api.specs.results import FEWEST_PREVIOUS_RUNS, BaselineRef, BaselineSource
from krobench.findings.comparison import Comparison
from krobench.findings.estimates import RunEstimates
from krobench.findings.incomparable import NotComparable
from krobench.findings.scale_comparison import ScaleComparison
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import KubeError
from krobench.loadjob.archive import Archive
from krobench.record.baseline import parse_config_map
from krobench.record.history import (
    KEPT_RUN_LABEL,
    as_kept,
    kept_name,
    main_maps,
    names_beyond,
    selector,
)
from krobench.record.reading import RecordError
from krobench.record.run import FULL_RUN_KEY, RunRecord
from krobench.record.store import RunLines, read_run_record, whole_run, write_config_maps
from krobench.storage.files import StoreError
from krobench.storage.runs import compact_time, read_run

logger = logging.getLogger(__name__)

_MAX_RETRIES = 8

ComparisonT = TypeVar("ComparisonT", Comparison, ScaleComparison)

Comparable = RunEstimates | RunRecord
"""What comparisons need of a run: of a benchmark its estimates, of a scale test its slim record."""


class History:
    """The kept results of all runs of a name or, if a schedule created the run, of the schedule."""

    def __init__(
        self,
        client: KubeClient,
        owner: RunRef,
        schedule: ScheduleRef | None = None,
        archive: Archive | None = None,
    ) -> None:
        self._client = client
        self._archive = archive
        self._owner = owner
        self._of = schedule or owner
        self._collection = paths.core("configmaps", owner.namespace)
        self.protected: frozenset[str] = frozenset()
        """UIDs of runs that are kept beyond the number to be kept: they are a baseline."""

    def __str__(self) -> str:
        return str(self._of)

    @property
    def name(self) -> str:
        return self._of.name

    async def earlier_runs(self) -> AsyncIterator[Comparable]:
        """Yield the other kept runs of this kind, oldest first, without those that cannot be read.

        One is read at a time: all of them with their raw lines may exceed the pod's memory.

        Raises:
            KubeError: if they cannot be read.
            StoreError: if the store cannot be read.
        """
        reads: list[tuple[str, Callable[[], Awaitable[Comparable | None]]]] = []
        for item in main_maps(await self._kept()):
            name = item["metadata"]["name"]
            if name != kept_name(self._of.name, self._owner.uid):
                created = compact_time(item["metadata"].get("creationTimestamp") or "")
                reads.append((created, partial(self._in_config_map, name)))
        if self._archive is not None:
            reads += [
                (folder.rpartition("/")[2], partial(self._in_store, folder))
                for folder in await self._archive.runs.folders()
            ]
        for _, read in sorted(reads, key=lambda each: each[0]):
            try:
                found = await read()
            except RecordError as error:
                logger.warning("%s", error)
            else:
                if found is not None:
                    yield found

    async def _in_config_map(self, name: str) -> Comparable | None:
        record = read_run_record(await self._client.get(f"{self._collection}/{name}"))
        if record.kind != self._owner.kind:
            return None
        run = await whole(self._client, record)
        return slim(run) if run.kind == RunKind.SCALE_TEST else condense(run)

    async def _in_store(self, folder: str) -> Comparable | None:
        assert self._archive is not None
        runs = self._archive.runs
        head = await runs.head(folder)
        if head.run.kind != self._owner.kind:
            return None
        if self._owner.kind is RunKind.SCALE_TEST:
            return slim(await read_run(runs.files, folder))
        return head.estimates

    async def keep(self, run: RunRecord, lines: RunLines, most: int) -> str | None:
        """Store a run under a name of its own, and delete the oldest beyond ``most``.

        Returns a warning if that failed.
        """

        def is_own(there: JsonObject) -> bool:
            labels = there["metadata"].get("labels") or {}
            return bool(labels.get(KEPT_RUN_LABEL) == self._owner.uid)

        name = kept_name(self._of.name, self._owner.uid)
        _, config_maps = write_config_maps(name, self._owner, run, lines)
        try:
            for config_map in config_maps:
                await self._client.create_or_replace(
                    self._collection,
                    as_kept(config_map, self._owner, self._of),
                    may_replace=is_own,
                    retries=_MAX_RETRIES,
                )
            for old in names_beyond(await self._kept(), most, self.protected):
                await self._client.delete(f"{self._collection}/{old}")
        except KubeError as error:
            return f"results were not kept as ConfigMap {name}: {error}"
        return None

    async def _kept(self) -> list[JsonObject]:
        """Return the metadata of all ConfigMaps that hold kept results."""
        chosen = selector(self._of.kind, self._of.name)
        return await self._client.list(self._collection, chosen, metadata_only=True)


async def whole(client: KubeClient, run: RunRecord) -> RunRecord:
    """Return the run with its iterations, if they are stored apart and still exist.

    Raises:
        RecordError: if they cannot be read.
        KubeError: if the API server cannot be reached.
    """
    if not run.shortened or FULL_RUN_KEY not in run.parts:
        return run
    config_maps = []
    for name in run.parts[FULL_RUN_KEY]:
        config_map = await client.find(paths.core("configmaps", run.namespace, name))
        if config_map is None:
            return run
        config_maps.append(config_map)
    return whole_run(run, config_maps)


# With many tests, exploratory metrics would not fit into run.json, which has the raw numbers.
_MAX_STORED_METRICS = 300


@dataclass(frozen=True)
class RunBaseline:
    """The baseline of one run."""

    source: BaselineSource
    rules: Rules
    label: str
    runs: tuple[Comparable, ...]
    error: ErrorInfo | None = None
    """Why there is no comparison."""

    @property
    def warning(self) -> str | None:
        """A warning for the start of the run; a first run needs none."""
        if self.error is None or self.error.reason == "NoEarlierRuns":
            return None
        return f"this run will not be compared: {self.error.message}"

    def compare(self, record: RunRecord) -> Comparison:
        """Compare a run that has ended with its baseline."""
        new = Side(f"{record.namespace}/{record.name}", [condense(record)])
        if self.error is not None:
            return self._refused(Comparison, new.label, self.error)
        runs = [run for run in self.runs if isinstance(run, RunEstimates)]
        comparison = compare(Side(self.label, runs), new, self.rules)
        if self.source.previous_runs is not None:
            comparison = of_history(comparison, FEWEST_PREVIOUS_RUNS)
        metrics = comparison.metrics
        if len(metrics) > _MAX_STORED_METRICS:
            metrics = comparison.primary
        changes = {"metrics": metrics, "fails_run": self.source.fail_when_worse}
        return comparison.model_copy(update=changes)

    def compare_limits(self, record: RunRecord) -> ScaleComparison:
        """Compare a scale test that has ended with its baseline."""
        from krobench.analysis.comparison.scaletests import (
            ScaleSide,
            compare_scale_tests,
            of_earlier_limits,
        )

        new = ScaleSide(f"{record.namespace}/{record.name}", [record])
        if self.error is not None:
            return self._refused(ScaleComparison, new.label, self.error)
        runs = [run for run in self.runs if isinstance(run, RunRecord)]
        comparison = compare_scale_tests(ScaleSide(self.label, runs), new, self.rules)
        if self.source.previous_runs is not None:
            comparison = of_earlier_limits(comparison, FEWEST_PREVIOUS_RUNS)
        return comparison.model_copy(update={"fails_run": self.source.fail_when_worse})

    def _refused(self, of: type[ComparisonT], new: str, error: ErrorInfo) -> ComparisonT:
        return of(
            old=self.label,
            new=new,
            old_runs=[],
            new_runs=[],
            minimum_effect=self.rules.minimum_effect,
            refused=NotComparable(error=error),
        )


async def read_baseline(
    client: KubeClient, source: BaselineSource | None, owner: RunRef, history: History
) -> RunBaseline | None:
    """Return the baseline of ``spec.baseline``, if it names one."""
    if source is None:
        return None
    rules = rules_of(source.allow_different, source.minimum_effect, source.primary)
    if source.config_map_ref is not None:
        label = f"ConfigMap {source.config_map_ref.name}"
        found = await _from_config_map(client, source.config_map_ref, owner)
    else:
        label = f"earlier runs of {history.name}"
        found = await _from_history(history, source.previous_runs or 0, source.since or "")
    if isinstance(found, ErrorInfo):
        return RunBaseline(source, rules, label, (), found)
    return RunBaseline(source, rules, label, tuple(found))


async def _from_config_map(
    client: KubeClient, reference: BaselineRef, owner: RunRef
) -> Sequence[Comparable] | ErrorInfo:
    path = paths.core("configmaps", owner.namespace, reference.name)
    where = f"spec.baseline: ConfigMap {owner.namespace}/{reference.name}"
    scales = owner.kind is RunKind.SCALE_TEST
    try:
        config_map = await client.find(path)
        if config_map is None:
            advice = f"create it with krobench baseline export RUN --config-map {reference.name}"
            return ErrorInfo(reason="BaselineNotFound", message=f"{where} does not exist; {advice}")
        parsed = parse_config_map(config_map, reference.key)
        if isinstance(parsed, RunRecord):
            parsed = await whole(client, parsed)
    except (RecordError, KubeError) as error:
        return ErrorInfo(reason="BaselineUnreadable", message=f"spec.baseline: {error}")
    records = [parsed] if isinstance(parsed, RunRecord) else parsed.scale_tests
    if not scales:
        # The estimates of a scale test tell a benchmark that it cannot be compared with it.
        estimates = [] if isinstance(parsed, RunRecord) else parsed.runs
        return [*estimates, *map(condense, records)]
    if not records or any(each.kind != owner.kind for each in records):
        message = (
            f"{where} has no results of a KroScaleTest: name the results ConfigMap of one, or a "
            "baseline of KroScaleTests"
        )
        return ErrorInfo(reason="BaselineUnreadable", message=message)
    return list(map(slim, records))


async def _from_history(
    history: History, most: int, since: str
) -> Sequence[Comparable] | ErrorInfo:
    """Return the first runs since a time: the last ones would soon have a regression in them."""
    usable: list[Comparable] = []
    try:
        async for run in history.earlier_runs():
            why = run.unusable if isinstance(run, RunEstimates) else why_not_comparable(run)
            if why is None and run.start_time >= since:
                usable.append(run)
            if len(usable) == most:
                break
    except (KubeError, StoreError) as error:
        return ErrorInfo(reason="BaselineUnreadable", message=f"earlier runs: {error}")
    if usable:
        history.protected = frozenset(run.id for run in usable)
        return usable
    message = f"no earlier valid run of {history} was kept"
    if since:
        message += f" that started at {since} or later"
    return ErrorInfo(reason="NoEarlierRuns", message=message)
