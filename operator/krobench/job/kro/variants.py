"""Putting variants of kro in force, one after another, and the Deployment back as it was.

What was changed stands on the Deployment itself, written by the same request as the change: whoever
finds it later, as the clean-up Job after a load Job was killed, can undo it. What others change
meanwhile shows in the Deployment's generation; it is named, and never overwritten.
"""

from collections.abc import Awaitable, Callable, Sequence

from krobench.api.kinds import RunRef
from krobench.api.messages import KroChange
from krobench.api.specs.kro import Target, Variant
from krobench.job.errors import AbortedError
from krobench.job.kro.deployment import (
    ATTEMPTS,
    UnreadableChangeError,
    change_on,
    changed_by,
    describe,
    find_deployment,
    path_of,
    restore,
    taken_off,
    with_template,
)
from krobench.job.kro.rollout import NotStartedError, Rollout, why_leader_unknown
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.workload.testplan import VARIANT_START_SECONDS
from krobench.workload.variants import (
    NoContainerError,
    PodTemplate,
    changes_between,
    lay_over,
)

NOT_RESTORED = "kro's Deployment was not put back as it was"


class KroVariants:
    """The variants of a run, and which of them is in force; without any, it does nothing."""

    def __init__(
        self,
        client: KubeClient,
        target: Target,
        variants: Sequence[Variant],
        owner: RunRef,
        *,
        tell: Callable[[str], None],
        announce: Callable[[str], Awaitable[None]],
    ) -> None:
        """``announce`` is told of a variant before anything is changed for it."""
        self._client = client
        self._target = target
        self._variants = {variant.name: variant for variant in variants}
        self._owner = owner
        self._tell = tell
        self._announce = announce
        self._path = ""
        self._change: KroChange | None = None
        self._written = False
        """Whether a change was sent, be it answered or not."""

    async def find(self) -> None:
        """Find kro's Deployment, and check that it is nobody else's just now.

        Raises:
            AbortedError: if kro is run by something else, nobody can tell who leads, or it is
                still as a run has left it, be it an earlier attempt of this one: what was kro's
                own and what a variant's is known only to the process that has changed it.
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
                f"{describe(deployment)} is still as variant {change.variant} of "
                f"{change.benchmark} left it: krobench cleanup --run {change.run} restores it",
            )
        self._check_leadership(deployment["spec"]["template"])

    def _check_leadership(self, original: PodTemplate) -> None:
        """A new kro counts as in force once it leads, so it must be told whether it does."""
        laid_over = (self._laid_over(original, each) for each in self._variants.values())
        for template in (original, *laid_over):
            target = self._target
            why = why_leader_unknown(template, target.container, target.namespace)
            if why is not None:
                raise AbortedError(
                    "LeaderUnknown",
                    f"variants need to know when a new kro leads, and {why}: run kro with "
                    "--leader-elect=false and one replica while variants are measured",
                )

    async def enter(self, name: str | None) -> bool:
        """Put a variant in force and wait until kro leads with it; None stands for none.

        Returns whether kro was restarted for it.

        Raises:
            AbortedError: if the API server or kro itself does not take it, or somebody else has
                changed the Deployment.
        """
        if name is None or (self._change is not None and self._change.variant == name):
            return False
        self._tell(f"kro is restarted as variant {name}")
        await self._announce(name)
        self._change = await self._put_in_force(self._variants[name])
        rollout = Rollout(self._client, self._target, self._path)
        try:
            await rollout.wait(name, VARIANT_START_SECONDS)
        except NotStartedError as error:
            await self.check()
            raise AbortedError(
                "VariantNotStarted",
                f"kro did not start as variant {name}, and was put back as it was: {error}",
            ) from error
        return True

    async def check(self) -> None:
        """Check that nobody else has changed the Deployment.

        Raises:
            AbortedError: naming who has, and when.
        """
        if self._change is not None:
            deployment = await self._client.get(self._path)
            self._check(deployment, self._change)

    async def leave(self) -> list[str]:
        """Put the Deployment back as it was; returns what is to be warned of.

        Errors are among these: nothing here may hide why a run has ended.
        """
        if not self._written:
            return []
        self._tell("kro is restarted as it was")
        try:
            warnings = await restore(self._client, self._path, self._owner.uid, self._change)
        except KubeError as error:
            return [f"{NOT_RESTORED}: {error}"]
        self._change, self._written = None, False
        return warnings

    async def settle(self) -> None:
        """Wait until kro leads as it was, as the clean-up needs it.

        Raises:
            AbortedError: if it does not.
        """
        if not self._path:
            return
        try:
            await Rollout(self._client, self._target, self._path).wait(None, VARIANT_START_SECONDS)
        except NotStartedError as error:
            raise AbortedError(
                "KroNotStarted", f"kro did not start again as it was before the run: {error}"
            ) from error

    async def _put_in_force(self, variant: Variant) -> KroChange:
        for _ in range(ATTEMPTS):
            deployment = await self._client.get(self._path)
            original = self._original(deployment)
            template = self._laid_over(original, variant)
            try:
                # What the API server makes of it, such as 1 of 1000m, is known only from itself.
                draft = await self._client.replace(
                    self._path, with_template(deployment, template), dry_run=True
                )
                change = self._change_for(deployment, original, draft["spec"]["template"], variant)
                written = with_template(deployment, template, change)
                self._written = True
                # No retry: after a lost answer, the next attempt would read the variant as kro's.
                answer = await self._client.replace(self._path, written, retries=0)
            except ApiError as error:
                if error.conflict:
                    continue  # the resourceVersion: its status has changed, most probably
                if error.transient:
                    raise
                raise AbortedError(
                    "VariantRefused",
                    f"variant {variant.name} is not taken for {describe(deployment)}: "
                    f"{error.message}",
                ) from error
            generation = answer["metadata"]["generation"]
            return change.model_copy(update={"generation": generation})
        raise AbortedError("DeploymentBusy", f"{self._path} changes all the time")

    def _original(self, deployment: JsonObject) -> PodTemplate:
        if self._change is not None:
            self._check(deployment, self._change)
        return taken_off(deployment, self._change).template

    def _laid_over(self, original: PodTemplate, variant: Variant) -> PodTemplate:
        try:
            return lay_over(original, self._target.container, variant)
        except NoContainerError as error:
            raise AbortedError(
                "VariantRefused", f"kro's Deployment has no container {error}"
            ) from error

    def _change_for(
        self, deployment: JsonObject, original: PodTemplate, template: PodTemplate, variant: Variant
    ) -> KroChange:
        return KroChange(
            run=self._owner.uid,
            benchmark=f"{self._owner.namespace}/{self._owner.name}",
            variant=variant.name,
            container=self._target.container,
            # The next, by the API server's rule; the resourceVersion sees to it that it is ours.
            generation=deployment["metadata"]["generation"] + 1,
            changes=list(changes_between(original, template, self._target.container)),
        )

    def _check(self, deployment: JsonObject, change: KroChange) -> None:
        if deployment["metadata"]["generation"] != change.generation:
            raise AbortedError(
                "KroChanged",
                f"{describe(deployment)} was changed by {changed_by(deployment)} while variant "
                f"{change.variant} was in force: measure while nobody changes kro; a GitOps "
                "controller that reverts changes has to be suspended for this Deployment",
            )
