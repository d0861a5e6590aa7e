"""The custom resources that ask for runs: reading them, and a cache of all.

Each is parsed once per resourceVersion. What the operator writes is put into the cache from the
answer to its request, as the watch's event may come later; an older version never replaces a newer.
"""

import asyncio
import bisect
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from functools import cache
from itertools import product
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from krobench.analysis.comparison.rules import check_baseline
from krobench.analysis.scaling.slos import check_samples
from krobench.analysis.thresholds import are_quick, check_slo, check_thresholds
from krobench.api import units
from krobench.api.common import (
    ABANDON_ANNOTATION,
    API_GROUP,
    API_VERSION,
    OPERATOR_ANNOTATION,
    ErrorInfo,
    parse_rfc3339,
)
from krobench.api.kinds import RunKind, RunRef, RunSpec, owning_schedule
from krobench.api.refusal import refusals
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.status import (
    Headline,
    KroBenchmarkStatus,
    KroScaleTestStatus,
    Phase,
    RunStatus,
    Trigger,
    Verdict,
)
from krobench.controller.limits import Limits
from krobench.controller.runfigures import RunFigures, figures_of
from krobench.controller.state import Origin, Run, RunResult
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.program.sizes import fewest_observations, usable_sizes
from krobench.workload.blueprint import WorkloadError
from krobench.workload.source import has_unread_rgd
from krobench.workload.testplan import (
    DEFAULT_MAX_OBJECTS,
    check_objects,
    check_schedules,
    plan_tests,
)

logger = logging.getLogger(__name__)

_DEFAULT_LIMITS = Limits()
_PAGE = 20  # objects in memory at a time; the process keeps what a page takes
_MAX_HEADLINE = 64
_MAX_REASON = 256
TRIGGER_ANNOTATION = f"{API_GROUP}/trigger"
TIME_ANNOTATION = f"{API_GROUP}/scheduled-time"
"""On runs of a schedule: what started them, and when they were due."""
MAX_SPEC_BYTES = 128 * 1024
"""Most bytes of a spec as JSON: the operator has all that wait in memory."""


def parse_run(
    kind: RunKind,
    item: Mapping[str, Any],
    max_objects: int = DEFAULT_MAX_OBJECTS,
    limits: Limits = _DEFAULT_LIMITS,
) -> Run:
    """Read a custom resource; what is wrong with its spec is in ``errors``.

    Of a finished run neither the spec nor all of the status is kept: there may be thousands.
    """
    metadata, raw_spec = item["metadata"], item.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    ref, status = RunRef.of(kind, metadata), parse_status(kind.status, item.get("status") or {})
    origin = _origin(metadata, status)
    schedule = origin.schedule if origin is not None else None
    created, axis = metadata["creationTimestamp"], raw_spec.get("axis")
    figures = figures_of(ref, created, status, axis, schedule)
    spec: RunSpec | None = None
    errors: tuple[ErrorInfo, ...] = ()
    if status.phase is not None and status.phase.terminal:
        status = _finished(kind, status.phase)
    else:
        spec, errors = check_raw_spec(kind, raw_spec, max_objects, limits)
    return Run(
        ref=ref,
        version=metadata.get("resourceVersion", ""),
        generation=metadata.get("generation", 1),
        created=created,
        deleting="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers") or ()),
        operator=annotations.get(OPERATOR_ANNOTATION, ""),
        abandoned=annotations.get(ABANDON_ANNOTATION) == "true",
        spec=spec,
        errors=errors,
        status=status,
        figures=figures,
        origin=origin,
    )


@cache
def _finished(kind: RunKind, phase: Phase) -> RunStatus:
    return kind.status(phase=phase)


def _origin(metadata: Mapping[str, Any], status: RunStatus) -> Origin | None:
    """Return what created a run, by its owner and its annotations, which somebody may change."""
    schedule = owning_schedule(metadata)
    if schedule is None:
        return None
    annotations = metadata.get("annotations") or {}
    created = parse_rfc3339(metadata["creationTimestamp"])
    try:
        time = parse_rfc3339(annotations[TIME_ANNOTATION]).astimezone(UTC)
        trigger = Trigger(annotations[TRIGGER_ANNOTATION])
    except (KeyError, ValueError):
        time, trigger = created, Trigger.SCHEDULE
    finished = status.phase is not None and status.phase.terminal
    return Origin(schedule, trigger, time, _result(status) if finished else None)


def _result(status: RunStatus) -> RunResult:
    headline = comparison = None
    if isinstance(status, KroBenchmarkStatus):
        headline = _main_figure(status.headline) if status.headline is not None else None
    elif isinstance(status, KroScaleTestStatus):
        headline = status.limit.text if status.limit is not None else None
    if isinstance(status, KroBenchmarkStatus | KroScaleTestStatus):
        comparison = status.comparison.verdict if status.comparison is not None else None
    return RunResult(
        verdict=status.verdict,
        completion_time=status.completion_time,
        kro_version=status.kro_version,
        headline=headline[:_MAX_HEADLINE] if headline is not None else None,
        comparison=comparison,
        message=None if status.verdict is Verdict.PASSED else _cut(status.message),
    )


def _cut(message: str | None) -> str | None:
    """Return the beginning of a message, because a schedule lists several runs."""
    if message is None or len(message) <= _MAX_REASON:
        return message
    return f"{message[: _MAX_REASON - 1]}…"


def _main_figure(headline: Headline) -> str | None:
    """Return the p99 or, if there were too few instances for one, the median."""
    for name, value in (
        ("p99", headline.instance_ready_p99_seconds),
        ("p50", headline.instance_ready_p50_seconds),
    ):
        if value is not None:
            return f"ready {name} {units.seconds(value)}"
    return None


def check_raw_spec(
    kind: RunKind, raw: Mapping[str, Any], max_objects: int, limits: Limits
) -> tuple[RunSpec | None, tuple[ErrorInfo, ...]]:
    """Validate a spec; the API server did so too, but perhaps by an older CRD."""
    too_large = _too_large(raw)
    if too_large is not None:
        return None, (ErrorInfo(reason="InvalidSpec", message=f"spec: {too_large}"),)
    try:
        spec = kind.spec.model_validate(raw)
        return spec, (*_check_spec(spec, max_objects), *limits.check(spec))
    except ValidationError as error:
        messages = refusals(error)
    except WorkloadError as error:
        messages = [f"spec.{error}"]
    except Exception as error:
        # A spec that the checks do not foresee must not stop the runs of others.
        logger.exception("cannot check the spec of a %s", kind)
        messages = [f"spec: krobench cannot check it ({type(error).__name__}: {error}); change it"]
    return None, tuple(ErrorInfo(reason="InvalidSpec", message=text) for text in messages)


def _too_large(raw: Mapping[str, Any]) -> str | None:
    """Return why a spec is not even read: it would take much memory and time."""
    try:
        size = len(orjson.dumps(raw))
    except orjson.JSONEncodeError:
        return "is nested too deeply: use fewer levels"
    if size <= MAX_SPEC_BYTES:
        return None
    return (
        f"has {size} bytes of JSON, and {MAX_SPEC_BYTES} are allowed: store your own RGDs in "
        "ConfigMaps, and refer to them by rgd.configMapKeyRef"
    )


StatusT = TypeVar("StatusT", bound=BaseModel)


def parse_status(model: type[StatusT], raw: Mapping[str, Any]) -> StatusT:
    """Read a status, which another version may have written, without what is not understood."""
    understood = {}
    for key, value in raw.items():
        try:
            model.model_validate({key: value})
        except ValidationError:
            continue
        understood[key] = value
    return model.model_validate(understood)


def _check_spec(spec: RunSpec, max_objects: int) -> tuple[ErrorInfo, ...]:
    """Return what is wrong with a valid spec, as far as that is known before the run starts.

    Raises:
        WorkloadError: if it cannot be planned.
    """
    if isinstance(spec, KroBenchmarkSpec):
        plans = plan_tests(spec)
        # Only the load Job can read RGDs from ConfigMaps, and so knows their children.
        known = [plan for plan in plans if not has_unread_rgd(plan.workload)]
        return (
            *check_thresholds(spec, quickly=True),
            *check_baseline(spec),
            *check_schedules(plans, drawn=False),
            *check_objects(known, max_objects, drawn=False),
        )
    # The samples that an SLO needs can only be counted for one that can be parsed.
    if wrong := check_slo(spec, quickly=True):
        return tuple(wrong)
    if has_unread_rgd(spec.workload) or not are_quick(spec.slo):
        return ()  # the load Job checks the rest
    instances, rgds = fewest_observations(spec, usable_sizes(spec, max_objects, drawn=False).usable)
    too_few = check_samples(spec.slo, instances, rgds)
    return (too_few,) if too_few is not None else ()


def shards_of(spec: RunSpec) -> int:
    """Return how many pods drive the load."""
    if isinstance(spec, KroBenchmarkSpec):
        return max(test.load.shards for test in spec.tests)
    return 1


def may_change_kro(spec: RunSpec) -> bool:
    """Whether kro may have to be restored after the run."""
    return bool(spec.variants) if isinstance(spec, KroBenchmarkSpec) else spec.verify


Place = tuple[bool, str, str, str, RunKind]


def _place(run: Run) -> Place:
    """Return what runs are ordered by: first the running one, then the oldest.

    Creation times are whole seconds: runs of one ``kubectl apply`` go by their names.
    """
    return not run.occupies_cluster, run.created, run.namespace, run.name, run.kind


def _place_of(queued: tuple[Place, Run]) -> Place:
    return queued[0]


def is_newer(version: str, known: str) -> bool:
    """Compare resourceVersions, which grow; if they are not numbers, assume that it is newer."""
    if version.isdecimal() and known.isdecimal():
        return int(version) > int(known)
    return True


class RunCache:
    """All custom resources that ask for runs, each parsed once per resourceVersion."""

    def __init__(
        self,
        client: KubeClient,
        max_objects: int,
        limits: Limits = _DEFAULT_LIMITS,
        namespaces: Sequence[str] = (),
    ) -> None:
        """Without ``namespaces``, the cache is of all."""
        self._client = client
        self._namespaces = namespaces or (None,)
        self._max_objects = max_objects
        self._limits = limits
        self._runs: dict[str, Run] = {}
        self._of_schedules: dict[str, set[str]] = {}
        """UIDs of runs by that of the schedule that created them."""
        self._tell: Callable[[str], None] = lambda _: None
        self._gone: Callable[[RunRef], None] = lambda _: None
        self._queue: list[tuple[Place, Run]] = []
        """All that are running or want to, in the order in which they go."""

    def get(self, uid: str) -> Run | None:
        return self._runs.get(uid)

    def __contains__(self, uid: str) -> bool:
        return uid in self._runs

    def tell(self, changed: Callable[[str], None], gone: Callable[[RunRef], None]) -> None:
        """Call ``changed`` with the UID of a schedule whenever one of its runs changes or is gone,
        and ``gone`` with each run that is gone."""
        self._tell, self._gone = changed, gone

    def put(self, kind: RunKind, item: Any) -> bool:
        """Take a resource as the API server gives it; return whether it is news."""
        metadata = item["metadata"]
        uid, version = metadata["uid"], metadata.get("resourceVersion", "")
        known = self._runs.get(uid)
        if known is not None and not is_newer(version, known.version):
            return False
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            return self.remove(uid)
        self._unqueue(known)
        run = self._runs[uid] = parse_run(kind, item, self._max_objects, self._limits)
        if run.origin is not None:
            self._of_schedules.setdefault(run.origin.schedule.uid, set()).add(uid)
            self._tell(run.origin.schedule.uid)
        if run.occupies_cluster or run.waits:
            bisect.insort(self._queue, (_place(run), run), key=_place_of)
        return True

    def remove(self, uid: str) -> bool:
        """Forget a resource that is gone; return whether that is news."""
        known = self._runs.pop(uid, None)
        self._unqueue(known)
        if known is not None and known.origin is not None:
            siblings = self._of_schedules[known.origin.schedule.uid]
            siblings.discard(uid)
            if not siblings:
                del self._of_schedules[known.origin.schedule.uid]
            self._tell(known.origin.schedule.uid)
        if known is not None:
            self._gone(known.ref)
        return known is not None

    def _unqueue(self, run: Run | None) -> None:
        if run is not None and (run.occupies_cluster or run.waits):
            at = bisect.bisect_left(self._queue, _place(run), key=_place_of)
            del self._queue[at]

    def of_schedule(self, uid: str) -> tuple[Run, ...]:
        """Return the runs that a schedule has created."""
        return tuple(self._runs[each] for each in sorted(self._of_schedules.get(uid, ())))

    def ahead_of(self, run: Run) -> tuple[RunRef, ...]:
        """Return the runs that go before this one, the running one first."""
        at = bisect.bisect_left(self._queue, _place(run), key=_place_of)
        return tuple(other.ref for _, other in self._queue[:at])

    def queue(self) -> tuple[RunRef, ...]:
        """Return the runs that are running or want to, in the order in which they go."""
        return tuple(run.ref for _, run in self._queue)

    def unsettled(self) -> list[RunRef]:
        """Return all runs for which something may be left to do."""
        return [run.ref for run in self._runs.values() if not run.settled]

    def figures(self) -> list[RunFigures]:
        """Return the figures of all runs; safe to call from another thread."""
        return [run.figures for run in list(self._runs.values())]

    async def refresh(self) -> None:
        """List all resources, and forget those that are gone.

        Raises:
            KubeError: if they cannot be listed.
        """
        before = set(self._runs)
        for kind, namespace in product(RunKind, self._namespaces):
            path = paths.group(API_GROUP, API_VERSION, kind.plural, namespace)
            async for page in self._client.pages(path, limit=_PAGE):
                for item in page:
                    before.discard(item["metadata"]["uid"])
                    self.put(kind, item)
                    await asyncio.sleep(0)  # others have their turn
        for uid in before:
            self.remove(uid)

    async def reread(self, ref: RunRef) -> Run | None:
        """Ask the API server for a resource; None if it is gone.

        Raises:
            KubeError: if the API server does not answer.
        """
        item = await self._client.find(paths.run(ref))
        if item is None or item["metadata"]["uid"] != ref.uid:
            self.remove(ref.uid)
            return None
        self.put(ref.kind, item)
        return self.get(ref.uid)
