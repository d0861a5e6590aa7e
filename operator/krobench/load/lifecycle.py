"""Reading the life of RGDs and instances from their status."""

from krobench.kube.client import JsonObject

_MAX_PROBLEM_LENGTH = 1000


def condition(item: JsonObject, kind: str) -> JsonObject | None:
    """Return the condition of this type."""
    conditions: list[JsonObject] = item.get("status", {}).get("conditions") or []
    return next((entry for entry in conditions if entry.get("type") == kind), None)


def is_true(item: JsonObject, kind: str) -> bool:
    """Whether the condition is true *of the current generation*.

    kro reports ACTIVE, and can report an older Ready=True, before it has seen the latest spec.
    """
    entry = condition(item, kind)
    if entry is None or entry.get("status") != "True":
        return False
    generation = item["metadata"].get("generation")
    observed = entry.get("observedGeneration")
    return observed is None or observed == generation


def is_ready(item: JsonObject) -> bool:
    """Whether an RGD or an instance is ready."""
    return is_true(item, "Ready")


def state(item: JsonObject) -> str | None:
    """Return ``status.state`` in lower case: RGDs say Active, instances ACTIVE."""
    value = item.get("status", {}).get("state")
    return value.lower() if isinstance(value, str) else None


def rejection(rgd: JsonObject) -> str | None:
    """Return kro's message where it does not accept the RGD."""
    entry = condition(rgd, "GraphAccepted")
    if entry is None or entry.get("status") != "False":
        return None
    return str(entry.get("message") or entry.get("reason") or "no message")[:_MAX_PROBLEM_LENGTH]


def problem(item: JsonObject) -> str | None:
    """Return what the object says of why it is not ready: its conditions that are not true."""
    conditions: list[JsonObject] = item.get("status", {}).get("conditions") or []
    failing = [
        f"{entry['type']}={entry.get('status')}: {entry.get('message') or entry.get('reason')}"
        for entry in conditions
        if entry.get("status") != "True" and entry.get("type") != "Ready"
    ]
    return "; ".join(failing)[:_MAX_PROBLEM_LENGTH] or None
