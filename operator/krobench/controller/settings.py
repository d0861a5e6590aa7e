"""The operator's settings, from its environment."""

import json
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from krobench.api.access import Access
from krobench.api.administered import Administered, VariableError
from krobench.api.storage import Storage
from krobench.controller.limits import Limits
from krobench.controller.loadpod import LoadPod, LoadPodError
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS


class SettingsError(ValueError):
    """A variable is missing or malformed; the message names it."""


def _name_without_pod() -> str:
    return f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Settings:
    """Settings of the operator, which the chart passes as environment variables."""

    namespace: str
    """Where the operator runs, and where it creates Jobs."""
    image: str
    """Image of the Jobs: the operator's own."""
    pod: str = field(default_factory=_name_without_pod)
    """Its pod's name: a container that is started again in its pod is the same operator."""
    lease_namespace: str = "kube-system"
    """Where the Lease is that lets one operator act."""
    watch_namespaces: tuple[str, ...] = ()
    """Namespaces whose runs it executes; all if there are none."""
    image_pull_policy: str = "IfNotPresent"
    load_service_account: str = "krobench-load"
    load_pod: LoadPod = field(default_factory=LoadPod)
    """What the pods of Jobs have beyond what krobench needs."""
    load_max_objects: int = DEFAULT_MAX_OBJECTS
    """Objects that one iteration of a test may have at once."""
    access: Access = field(default_factory=Access)
    """What Jobs may reach."""
    limits: Limits = field(default_factory=Limits)
    """What the administrator allows each run."""
    storage: Storage = field(default_factory=Storage)
    """Where load Jobs store results besides ConfigMaps."""

    def watches(self, namespace: str) -> bool:
        """Whether it executes the runs of a namespace."""
        return not self.watch_namespaces or namespace in self.watch_namespaces

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings.

        Raises:
            SettingsError: if a required variable is missing, or one is not what it should be.
        """
        watched = environment.get("KROBENCH_WATCH_NAMESPACES", "").split(",")
        return cls(
            namespace=_required(environment, "KROBENCH_NAMESPACE"),
            pod=environment.get("POD_ID") or _name_without_pod(),
            lease_namespace=environment.get("KROBENCH_LEASE_NAMESPACE") or "kube-system",
            watch_namespaces=tuple(name for name in watched if name),
            image=_required(environment, "KROBENCH_IMAGE"),
            image_pull_policy=environment.get("KROBENCH_IMAGE_PULL_POLICY", "IfNotPresent"),
            load_service_account=environment.get("KROBENCH_LOAD_SERVICE_ACCOUNT", "krobench-load"),
            load_pod=_load_pod(environment, "KROBENCH_LOAD_POD"),
            load_max_objects=_positive(
                environment, "KROBENCH_LOAD_MAX_OBJECTS", DEFAULT_MAX_OBJECTS
            ),
            access=_administered(Access, environment),
            limits=_limits(environment, "KROBENCH_LIMITS"),
            storage=_administered(Storage, environment),
        )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise SettingsError(f"environment variable {name} is not set; the Helm chart sets it")
    return value


_Settings = TypeVar("_Settings", bound=Administered)


def _administered(model: type[_Settings], environment: Mapping[str, str]) -> _Settings:
    try:
        return model.from_environment(environment)
    except VariableError as error:
        raise SettingsError(str(error)) from error


def _positive(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise SettingsError(f"environment variable {name} must be a positive integer, not {text!r}")
    return int(text)


def _limits(environment: Mapping[str, str], name: str) -> Limits:
    try:
        raw = json.loads(environment.get(name) or "{}")
        return Limits.parse(raw)
    except (ValueError, AttributeError, TypeError) as error:
        raise SettingsError(f"environment variable {name}: {error}") from error


def _load_pod(environment: Mapping[str, str], name: str) -> LoadPod:
    try:
        return LoadPod.parse(environment.get(name) or "{}", name)
    except LoadPodError as error:
        raise SettingsError(f"environment variable {error}; the Helm chart sets it") from error
