"""kro's settings: names, defaults, those of the measured kro, and those that are never advised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from krobench.api.notation import duration_seconds, flag_values
from krobench.figures.environment import KroFingerprint
from krobench.findings.recommendation import Setting

EXTRA_ENV = "deployment.extraEnv"
"""Where kro's chart takes environment variables: a list of name and value."""


@dataclass(frozen=True)
class Flag:
    """A flag of kro."""

    name: str
    """With its dashes."""
    helm_value: str
    """In kro's chart."""
    default: str

    @property
    def key(self) -> str:
        """Without its dashes, as :func:`flag_values` has it."""
        return self.name.lstrip("-")


INSTANCE_WORKERS = Flag(
    "--dynamic-controller-concurrent-reconciles",
    "config.dynamicControllerConcurrentReconciles",
    "1",
)
RGD_WORKERS = Flag(
    "--resource-graph-definition-concurrent-reconciles",
    "config.resourceGraphDefinitionConcurrentReconciles",
    "1",
)
REVISION_WORKERS = Flag(
    "--graph-revision-concurrent-reconciles", "config.graphRevisionConcurrentReconciles", "1"
)
REQUEUE_INTERVAL = Flag("--instance-requeue-interval", "config.instance.requeueInterval", "3s")
PROGRESS_DELAY = Flag(
    "--rgd-progress-requeue-delay", "config.resourceGraphDefinitionProgressRequeueDelay", "3s"
)
KEPT_REVISIONS = Flag("--rgd-max-graph-revisions", "config.rgd.maxGraphRevisions", "5")

WATCH_LIST = "KUBE_FEATURE_WatchListClient"
"""Environment variable of client-go: whether lists are read by a watch."""

GO_MEMORY_LIMIT = "GOMEMLIMIT"
"""Environment variable of Go: heap from which on it collects garbage however often that takes."""


class KroSettings:
    """How the kro that was measured is set."""

    def __init__(self, kro: KroFingerprint | None) -> None:
        self._kro = kro
        self._flags = flag_values(kro.args) if kro is not None else {}

    @property
    def known(self) -> bool:
        """Whether anything is known of it."""
        return self._kro is not None

    def value(self, flag: Flag) -> str | None:
        """Return what a flag is set to, its default included; None if it is unknown."""
        if self._kro is None:
            return None
        return self._flags.get(flag.key) or flag.default

    def number(self, flag: Flag) -> int | None:
        """Return the same as a whole number; None if it is not one."""
        value = self.value(flag)
        return int(value) if value is not None and value.isdecimal() else None

    def env(self, name: str) -> str | None:
        """Return an environment variable; None if it is not set, or unknown."""
        return self._kro.env.get(name) if self._kro is not None else None

    def limit(self, resource: str) -> str | None:
        """Return a limit of kro's container; None if it has none, or it is unknown."""
        return self._kro.limits.get(resource) if self._kro is not None else None

    def request(self, resource: str) -> str | None:
        """Return a request of kro's container; None if it has none, or it is unknown."""
        return self._kro.requests.get(resource) if self._kro is not None else None

    def change(self, flag: Flag, advised: str) -> Setting:
        """Return the setting that gives a flag another value."""
        return Setting(
            name=flag.name, helm_value=flag.helm_value, current=self.value(flag), advised=advised
        )

    def change_env(self, name: str, advised: str) -> Setting:
        """Return the setting that gives an environment variable another value."""
        return Setting(
            name=name, helm_value=EXTRA_ENV, current=self.env(name) or "not set", advised=advised
        )

    def change_resource(self, kind: str, resource: str, advised: str) -> Setting:
        """Return the setting of a request or limit; ``kind`` is ``requests`` or ``limits``."""
        current = self.limit(resource) if kind == "limits" else self.request(resource)
        return Setting(
            name=f"{kind}.{resource}",
            helm_value=f"deployment.resources.{kind}.{resource}",
            current=current or ("none" if self.known else None),
            advised=advised,
        )


NEVER_ADVISED: Mapping[str, str] = {
    "client-qps": "it does nothing in kro 0.9: the client has no limit whatever its value",
    "client-burst": "it does nothing in kro 0.9: the client has no limit whatever its value",
    "dynamic-controller-rate-limiter-min-delay": "it affects retries after errors only: find "
    "out why they fail instead",
    "dynamic-controller-rate-limiter-max-delay": "it affects retries after errors only: find "
    "out why they fail instead",
    "dynamic-controller-rate-limiter-rate-limit": "it affects retries after errors only: find "
    "out why they fail instead",
    "dynamic-controller-rate-limiter-burst-limit": "it affects retries after errors only: find "
    "out why they fail instead",
    "dynamic-controller-default-resync-period": "its ten hours are longer than any run, so "
    "its effect is not measured",
    "dynamic-controller-default-queue-max-retries": "it decides when kro gives up, not how fast "
    "it is",
    "leader-elect": "without it, two pods of kro would work against each other",
    "allow-crd-deletion": "it deletes users' instances with their RGD",
}
"""Names of flags, without dashes, and why."""


def may_be_advised(name: str) -> bool:
    """Whether a setting may be part of a recommendation at all."""
    return name.lstrip("-") not in NEVER_ADVISED


def helm_values(settings: Sequence[Setting]) -> dict[str, Any]:
    """Return settings as values of kro's chart; those without one are left out."""
    values: dict[str, Any] = {}
    variables: list[dict[str, str]] = []
    for setting in settings:
        if setting.helm_value == EXTRA_ENV:
            variables.append({"name": setting.name, "value": setting.advised})
            _put(values, EXTRA_ENV, variables)
        elif setting.helm_value is not None:
            whole = setting.advised.isdecimal() and setting.name.startswith("-")
            _put(values, setting.helm_value, int(setting.advised) if whole else setting.advised)
    return values


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        values = values.setdefault(name, {})
    values[last] = value


@dataclass(frozen=True)
class KroHabits:
    """What kro does by itself, according to its flags."""

    kept_revisions: int
    """--rgd-max-graph-revisions: with this many, each new one replaces an old one."""
    echo_seconds: float
    """The longer of --rgd-progress-requeue-delay and --instance-requeue-interval."""

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> "KroHabits":
        """Read kro's arguments.

        kro's default applies to a missing flag, and to a value that cannot be read or that only
        kro knows, such as one from a Secret.
        """
        flags = flag_values(arguments)
        try:
            kept = int(flags.get(KEPT_REVISIONS.key) or KEPT_REVISIONS.default)
        except ValueError:
            kept = int(KEPT_REVISIONS.default)
        return cls(
            kept_revisions=kept,
            echo_seconds=max(_seconds(flags, PROGRESS_DELAY), _seconds(flags, REQUEUE_INTERVAL)),
        )


def _seconds(flags: Mapping[str, str | None], flag: Flag) -> float:
    text = flags.get(flag.key) or flag.default
    try:
        return 0.0 if text == "0" else duration_seconds(text)
    except ValueError:
        return duration_seconds(flag.default)
