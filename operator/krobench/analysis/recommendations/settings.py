"""Which settings of kro are never advised, and advised ones as values of its chart."""

from collections.abc import Mapping, Sequence
from typing import Any

from krobench.analysis.krosettings import EXTRA_ENV
from krobench.findings.recommendation import Setting

NEVER_ADVISED: Mapping[str, str] = {
    "client-qps": "it does nothing in kro 0.9: the client has no limit whatever it says",
    "client-burst": "it does nothing in kro 0.9: the client has no limit whatever it says",
    "dynamic-controller-rate-limiter-min-delay": "it holds for retries after errors alone: what "
    "helps is to find out why they fail",
    "dynamic-controller-rate-limiter-max-delay": "it holds for retries after errors alone: what "
    "helps is to find out why they fail",
    "dynamic-controller-rate-limiter-rate-limit": "it holds for retries after errors alone: what "
    "helps is to find out why they fail",
    "dynamic-controller-rate-limiter-burst-limit": "it holds for retries after errors alone: what "
    "helps is to find out why they fail",
    "dynamic-controller-default-resync-period": "its ten hours are longer than any run: none can "
    "tell what it does",
    "dynamic-controller-default-queue-max-retries": "it decides when kro gives up, not how fast "
    "it is",
    "leader-elect": "without it, two pods of kro would work against each other",
    "allow-crd-deletion": "it deletes users' instances with their RGD",
}
"""Names of flags, without dashes, and why."""


def may_be_advised(name: str) -> bool:
    """Whether a setting may stand in a recommendation at all."""
    return name.lstrip("-") not in NEVER_ADVISED


def helm_values(settings: Sequence[Setting]) -> dict[str, Any]:
    """Return settings as values of kro's chart; those that it has no value for are left out."""
    values: dict[str, Any] = {}
    for setting in settings:
        if setting.helm_value == EXTRA_ENV:
            variable = {"name": setting.name, "value": setting.advised}
            _put(values, EXTRA_ENV, [*_get(values, EXTRA_ENV), variable])
        elif setting.helm_value is not None:
            whole = setting.advised.isdecimal() and setting.name.startswith("-")
            _put(values, setting.helm_value, int(setting.advised) if whole else setting.advised)
    return values


def _get(values: Mapping[str, Any], path: str) -> list[Any]:
    found: Any = values
    for name in path.split("."):
        found = found.get(name, {})
    return list(found)


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        values = values.setdefault(name, {})
    values[last] = value
