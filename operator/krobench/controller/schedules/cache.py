"""The schedules that the operator sees, and the Deployments of kro that some of them need."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from pydantic import ValidationError

from krobench.api.common import API_GROUP, API_VERSION, ErrorInfo, parse_rfc3339
from krobench.api.kinds import TEMPLATES, RunKind, ScheduleKind, ScheduleRef
from krobench.api.podmessages import VARIANT_ANNOTATION
from krobench.api.refusal import FieldError, refusals
from krobench.api.specs.kro import Target
from krobench.api.specs.schedule import ONE_TEMPLATE, KroBenchmarkScheduleSpec
from krobench.api.status import KroBenchmarkScheduleStatus, KroState
from krobench.controller.caches import follow
from krobench.controller.limits import Limits
from krobench.controller.runfigures import Value, schedule_values
from krobench.controller.runs import check_raw_spec, is_newer, parse_status
from krobench.controller.schedules.cron import Cron
from krobench.controller.schedules.state import KroSeen, Schedule, ScheduleSpec, Template
from krobench.figures.environment import KroFingerprint
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.kube.kropods import deployment_fingerprint
from krobench.kube.watch import Watch, WatchEvent

logger = logging.getLogger(__name__)

_PAGE = 50
_RETRY_SECONDS = 60.0
_MAX_VERSION = 64
Parsed = tuple[ScheduleSpec | None, ErrorInfo | None]


def parse_spec(raw: Mapping[str, Any], max_objects: int, limits: Limits) -> Parsed:
    """Read a spec, and check all that would stop its runs."""
    templates = [(field, kind) for field, kind in TEMPLATES.items() if raw.get(field) is not None]
    if len(templates) > 1:  # before what is wrong with either
        return None, ErrorInfo(reason="InvalidSpec", message=f"spec: {ONE_TEMPLATE}")
    for field, kind in templates:
        spec = raw[field].get("spec") or {}
        _, errors = check_raw_spec(kind, spec, max_objects, limits)
        if errors:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            message = errors[0].message
            where = f"spec.{field}.spec"
            message = (
                where + message.removeprefix("spec")
                if message.startswith("spec")
                else f"{where}: {message}"
            )
            return None, ErrorInfo(reason="InvalidTemplate", message=message + more)
    try:
        fields = KroBenchmarkScheduleSpec.model_validate(raw)
    except ValidationError as error:
        return None, ErrorInfo(reason="InvalidSpec", message=refusals(error)[0])
    cron = None
    if fields.schedule is not None:
        try:
            cron = Cron.parse(fields.schedule, fields.time_zone)
        except FieldError as error:
            reason = "InvalidTimeZone" if error.field == "spec.timeZone" else "InvalidSchedule"
            return None, ErrorInfo(reason=reason, message=str(error))
    [(field, kind)] = templates
    return ScheduleSpec(fields, cron, _template(kind, raw[field])), None


def _template(kind: RunKind, template: Mapping[str, Any]) -> Template:
    metadata = template.get("metadata") or {}
    return Template(
        kind=kind,
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        spec=template["spec"],
    )


class ScheduleCache:
    """All schedules, each parsed once per generation."""

    def __init__(
        self,
        client: KubeClient,
        max_objects: int,
        limits: Limits,
        namespaces: Sequence[str],
        changed: Callable[[str], None],
    ) -> None:
        """Without ``namespaces``, the cache is of all. ``changed`` is called with the UID of each
        schedule that is new, has changed, or is gone."""
        self._client = client
        self._namespaces = namespaces or (None,)
        self._max_objects = max_objects
        self._limits = limits
        self._changed = changed
        self._schedules: dict[str, Schedule] = {}

    def values(self) -> Iterator[Value]:
        """Yield what metrics show of the schedules; safe to call from another thread."""
        for schedule in list(self._schedules.values()):
            yield from schedule_values(schedule.ref, schedule.status)

    def get(self, uid: str) -> Schedule | None:
        return self._schedules.get(uid)

    def put(self, item: Mapping[str, Any]) -> None:
        """Take a schedule as the API server gives it."""
        metadata = item["metadata"]
        uid, version = metadata["uid"], metadata.get("resourceVersion", "")
        known = self._schedules.get(uid)
        if known is not None and not is_newer(version, known.version):
            return
        generation = metadata.get("generation", 1)
        if known is not None and known.generation == generation:
            spec, error = known.spec, known.error
        else:
            spec, error = parse_spec(item.get("spec") or {}, self._max_objects, self._limits)
        self._schedules[uid] = Schedule(
            ref=ScheduleRef.of(metadata),
            version=version,
            generation=generation,
            created=parse_rfc3339(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            spec=spec,
            error=error,
            status=parse_status(KroBenchmarkScheduleStatus, item.get("status") or {}),
        )
        self._changed(uid)

    def remove(self, uid: str) -> None:
        if self._schedules.pop(uid, None) is not None:
            self._changed(uid)

    async def refresh(self) -> None:
        """List all schedules, and forget those that are gone.

        Raises:
            KubeError: if they cannot be listed.
        """
        try:
            await self._refresh()
        except ApiError as error:
            if not error.not_found:
                raise
            logger.warning("the cluster has no KroBenchmarkSchedules: apply krobench's CRDs")

    async def _refresh(self) -> None:
        before = set(self._schedules)
        for namespace in self._namespaces:
            path = paths.group(API_GROUP, API_VERSION, ScheduleKind.SCHEDULE.plural, namespace)
            async for page in self._client.pages(path, limit=_PAGE):
                for item in page:
                    before.discard(item["metadata"]["uid"])
                    self.put(item)
        for uid in before:
            self.remove(uid)

    async def reread(self, ref: ScheduleRef) -> None:
        """Ask the API server for a schedule.

        Raises:
            KubeError: if the API server does not answer.
        """
        item = await self._client.find(paths.schedule(ref))
        if item is None or item["metadata"]["uid"] != ref.uid:
            self.remove(ref.uid)
        else:
            self.put(item)


class KroDeployments:
    """The Deployments in namespaces of kro, watched as long as a schedule needs them."""

    def __init__(self, client: KubeClient, changed: Callable[[str], None]) -> None:
        """``changed`` is called with the namespace of one that changes."""
        self._client = client
        self._changed = changed
        self._deployments: dict[str, dict[str, JsonObject]] = {}
        """By namespace and name."""
        self._problems: dict[str, ErrorInfo] = {}
        self._followers: dict[str, asyncio.Task[None]] = {}

    def seen(self, target: Target) -> KroSeen:
        """Return the kro of a target."""
        problem = self._problems.get(target.namespace)
        if problem is not None:
            return KroSeen(problem=problem)
        if target.namespace not in self._deployments:
            return KroSeen()
        wanted = target.match_labels.items()
        found = [
            deployment
            for _, deployment in sorted(self._deployments[target.namespace].items())
            if wanted <= (_labels(deployment)).items()
        ]
        if not found:
            message = (
                f"no Deployment in namespace {target.namespace} has pods with the labels of "
                "spec.target.matchLabels: install kro, or correct spec.target of the template"
            )
            return KroSeen(problem=ErrorInfo(reason="KroNotFound", message=message))
        return KroSeen(_state(found[0], target))

    def watch(self, namespaces: set[str]) -> None:
        """Watch the Deployments in these namespaces, and no others."""
        for namespace in self._followers.keys() - namespaces:
            self._followers.pop(namespace).cancel()
            self._deployments.pop(namespace, None)
            self._problems.pop(namespace, None)
        for namespace in namespaces - self._followers.keys():
            self._followers[namespace] = asyncio.create_task(self._follow(namespace))

    def close(self) -> None:
        for task in self._followers.values():
            task.cancel()
        self._followers.clear()
        self._deployments.clear()
        self._problems.clear()

    async def _follow(self, namespace: str) -> None:
        watch = Watch(self._client, paths.group("apps", "v1", "deployments", namespace))

        async def fill() -> None:
            try:
                items = await watch.start()
            except KubeError as error:
                if isinstance(error, ApiError) and error.forbidden:
                    message = (
                        f"the operator may not watch Deployments in namespace {namespace}: add it "
                        "to the chart's value kro.namespaces"
                    )
                    self._problems[namespace] = ErrorInfo(reason="Forbidden", message=message)
                    self._changed(namespace)
                raise
            self._problems.pop(namespace, None)
            self._deployments[namespace] = {item["metadata"]["name"]: item for item in items}
            self._changed(namespace)

        def on_event(event: WatchEvent) -> None:
            name = event.object["metadata"]["name"]
            if event.type == "DELETED":
                self._deployments[namespace].pop(name, None)
            else:
                self._deployments[namespace][name] = event.object
            self._changed(namespace)

        while True:
            try:
                await fill()
                break
            except KubeError as error:
                logger.warning("cannot watch Deployments in %s: %s", namespace, error)
                await asyncio.sleep(_RETRY_SECONDS)
        await follow(watch, fill, on_event)


def _labels(deployment: JsonObject) -> Mapping[str, str]:
    metadata = deployment["spec"]["template"].get("metadata") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    return labels


def _state(deployment: JsonObject, target: Target) -> KroState | None:
    """Return the settings of kro; None if they are not in force, or those of a variant."""
    if VARIANT_ANNOTATION in (deployment["metadata"].get("annotations") or {}):
        return None
    fingerprint = deployment_fingerprint(deployment, target)
    return None if fingerprint is None else state_of(fingerprint)


def state_of(kro: KroFingerprint) -> KroState:
    """Return what has to change of kro for a run to start."""
    return KroState(
        version=(kro.version or "")[:_MAX_VERSION] or None,
        image=kro.image,
        replicas=kro.replicas,
        flags=_digest(kro.args),
        environment=_digest(kro.env),
        resources=_digest([kro.requests, kro.limits]),
    )


def _digest(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
