"""Applying variants of kro one after another, and restoring kro's Deployment afterwards.

The change is noted on the Deployment itself, by the same request that makes it: the cleanup Job
can undo it after a load Job was killed. Changes by others meanwhile are named, never overwritten.
"""

from collections.abc import Awaitable, Callable, Sequence

from krobench.api.kinds import RunRef
from krobench.api.podmessages import FieldChange, KroChange
from krobench.api.specs.kro import Target, Variant
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.kro.deployment import (
    ATTEMPTS,
    Settings,
    UnreadableChangeError,
    change_on,
    changed_by,
    describe,
    find_deployment,
    path_of,
    restore,
    taken_off,
    with_settings,
)
from krobench.loadjob.kro.rollout import NotStartedError, Rollout, why_leader_unknown
from krobench.workload.testplan import VARIANT_START_SECONDS
from krobench.workload.variants import (
    NoContainerError,
    PodTemplate,
    changes_between,
    lay_over,
    mark_of,
)

NOT_RESTORED = "kro's Deployment was not restored"

_OLD_FIRST = {
    "type": "RollingUpdate",
    "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "100%"},
}
"""The new pods start while the old ones end: they need not wait for the Lease that these hold."""


class KroVariants:
    """The variants of a run, and the one that is applied; without any, it does nothing."""

    def __init__(
        self,
        client: KubeClient,
        target: Target,
        variants: Sequence[Variant],
        owner: RunRef,
        *,
        timing: Timing,
        report: Callable[[str], None],
        announce: Callable[[str], Awaitable[None]],
        quick: bool = True,
    ) -> None:
        """``announce`` is called with a variant's name before anything is changed for it.

        ``quick`` makes a variant lead sooner than kro's own probe and Deployment would: it is off
        if the start of a variant is what is measured.
        """
        self._quick = quick
        self._led: set[str] = set()
        """The variants that have led already."""
        self._client = client
        self._target = target
        self._variants = {variant.name: variant for variant in variants}
        self._owner = owner
        self._timing = timing
        self._report = report
        self._announce = announce
        self._path = ""
        self._change: KroChange | None = None
        self._visit = 0
        """The visit to the variant that is applied."""
        self._written = False
        """Whether a change was sent, answered or not."""

    async def find(self) -> None:
        """Find kro's Deployment, and check that no other run has changed it.

        Raises:
            AbortedError: if no Deployment runs kro, it cannot be known which pod leads, or a run
                has left its change on the Deployment (even an earlier attempt of this one: only the
                process that made the change knows kro's own settings).
        """
        if not self._variants:
            return
        deployment = await find_deployment(self._client, self._target)
        self._path = path_of(deployment)
        try:
            change = change_on(deployment)
        except UnreadableChangeError as error:
            raise AbortedError("KroChanged", str(error)) from error
        if change is not None:
            raise AbortedError(
                "KroChanged",
                f"{describe(deployment)} still has variant {change.variant} of {change.benchmark} "
                f"applied; run krobench cleanup --run {change.run} to restore it",
            )
        original = deployment["spec"]["template"]
        laid_over = (self._laid_over(original, each, each.name) for each in self._variants.values())
        # A variant counts as applied once its pod leads.
        for template in (original, *laid_over):
            why = why_leader_unknown(template, self._target.container, self._target.namespace)
            if why is not None:
                raise AbortedError(
                    "LeaderUnknown",
                    f"variants need to know when a new kro pod leads, but {why}; run kro with "
                    "--leader-elect=false and one replica while you measure variants",
                )

    async def enter(self, name: str | None, visit: int | None = None) -> bool:
        """Apply a variant and wait until a pod of it leads; None means no variant.

        Another ``visit`` restarts kro even if the variant is applied already; None is any visit.

        Returns whether kro was restarted for it.

        Raises:
            AbortedError: if the API server or kro rejects it, or someone else has changed the
                Deployment.
        """
        applied = self._change is not None and self._change.variant == name
        if name is None or (applied and visit in (None, self._visit)):
            return False
        self._report(f"restarting kro as variant {name}")
        await self._announce(name)
        self._visit = visit or 0
        mark = mark_of(name, self._visit)
        self._change = await self._apply(self._variants[name], mark)
        try:
            await self.rollout().wait(mark, VARIANT_START_SECONDS)
        except NotStartedError as error:
            await self.check()
            raise AbortedError(
                "VariantNotStarted",
                f"kro did not start as variant {name} and was restored: {error}",
            ) from error
        self._led.add(name)
        return True

    async def announce(self, name: str) -> None:
        """Note in the record that this variant will be begun."""
        await self._announce(name)

    async def begin(self, name: str) -> str:
        """Apply an announced variant without waiting for its pods; returns their mark.

        Raises:
            AbortedError: as :meth:`enter` does.
        """
        self._visit = 0
        mark = mark_of(name, self._visit)
        self._change = await self._apply(self._variants[name], mark)
        return mark

    def rollout(self) -> Rollout:
        return Rollout(self._client, self._target, self._path, self._timing)

    async def check(self) -> None:
        """Check that no one else has changed the Deployment.

        Raises:
            AbortedError: names who has, and when.
        """
        if self._change is not None:
            deployment = await self._client.get(self._path)
            self._check(deployment, self._change)

    async def leave(self) -> list[str]:
        """Restore the Deployment; returns warnings.

        Errors are among these: they must not hide why a run has ended.
        """
        if not self._written:
            return []
        self._report("restarting kro with its own settings")
        try:
            warnings = await restore(self._client, self._path, self._owner.uid, self._change)
        except KubeError as error:
            return [f"{NOT_RESTORED}: {error}"]
        self._change, self._written = None, False
        return warnings

    async def settle(self) -> None:
        """Wait until a restored kro leads: the cleanup needs it.

        Raises:
            AbortedError: if none leads in time.
        """
        if not self._path:
            return
        try:
            await self.rollout().wait(None, VARIANT_START_SECONDS)
        except NotStartedError as error:
            raise AbortedError(
                "KroNotStarted", f"kro did not start again with its own settings: {error}"
            ) from error

    async def _apply(self, variant: Variant, mark: str) -> KroChange:
        for _ in range(ATTEMPTS):
            deployment = await self._client.get(self._path)
            if self._change is not None:
                self._check(deployment, self._change)
            original = taken_off(deployment, self._change)
            settings = self._settings(original, variant, mark)
            try:
                # The API server normalises values, such as 1000m to 1: a dry run shows the result.
                draft = await self._client.replace(
                    self._path, with_settings(deployment, settings), dry_run=True
                )
                change = self._change_for(deployment, original, draft["spec"], variant)
                written = with_settings(deployment, settings, change)
                self._written = True
                # No retry: after a lost answer, the next attempt would read the variant as kro's.
                answer = await self._client.replace(self._path, written, retries=0)
            except ApiError as error:
                if error.conflict:
                    continue  # the resourceVersion: most likely its status has changed
                if error.transient:
                    raise
                raise AbortedError(
                    "VariantRefused",
                    f"the API server rejected variant {variant.name} of {describe(deployment)}: "
                    f"{error.message}",
                ) from error
            generation = answer["metadata"]["generation"]
            return change.model_copy(update={"generation": generation})
        raise AbortedError(
            "DeploymentBusy", f"{self._path} kept changing while a variant was applied; try again"
        )

    def _settings(self, original: Settings, variant: Variant, mark: str) -> Settings:
        """Return what the Deployment has with a variant.

        One that has not led yet may have an image to be pulled, or may never start: until it is
        ready, the old kro goes on.
        """
        template = self._laid_over(original.template, variant, mark)
        known = self._quick and variant.name in self._led
        return Settings(template, _OLD_FIRST if known else original.strategy)

    def _laid_over(self, original: PodTemplate, variant: Variant, mark: str) -> PodTemplate:
        try:
            return lay_over(
                original, self._target.container, variant, mark, probe_early=self._quick
            )
        except NoContainerError as error:
            raise AbortedError(
                "VariantRefused", f"kro's Deployment has no container {error}"
            ) from error

    def _change_for(
        self, deployment: JsonObject, original: Settings, spec: JsonObject, variant: Variant
    ) -> KroChange:
        before, after = original.strategy, spec["strategy"]
        return KroChange(
            run=self._owner.uid,
            benchmark=f"{self._owner.namespace}/{self._owner.name}",
            variant=variant.name,
            container=self._target.container,
            # The next one, by the API server's rule; the resourceVersion guards against others.
            generation=deployment["metadata"]["generation"] + 1,
            changes=list(
                changes_between(original.template, spec["template"], self._target.container)
            ),
            strategy=FieldChange(field="strategy", before=before, after=after)
            if before != after
            else None,
        )

    def _check(self, deployment: JsonObject, change: KroChange) -> None:
        if deployment["metadata"]["generation"] != change.generation:
            raise AbortedError(
                "KroChanged",
                f"{changed_by(deployment)} changed {describe(deployment)} while variant "
                f"{change.variant} was applied; do not change kro during a run, and suspend GitOps "
                "controllers for this Deployment",
            )
