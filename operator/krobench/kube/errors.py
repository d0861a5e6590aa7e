"""What can go wrong between krobench and an API server.

::

    KubeError
    ├── ApiError              the API server refused a request
    ├── ApiUnreachableError   no answer
    └── ConfigError           no usable kubeconfig or service account
"""

import re
from typing import Any

import orjson


class KubeError(Exception):
    """Base of this package's errors."""


class ConfigError(KubeError):
    """Neither a kubeconfig nor a service account could be loaded."""


class ApiUnreachableError(KubeError):
    """The API server did not answer: refused, reset or timed out."""

    transient = True
    """The same request may succeed later."""


class ApiError(KubeError):
    """The API server refused a request.

    ``status`` is the HTTP code, ``reason`` and ``message`` are those of ``metav1.Status``;
    ``retry_after_seconds`` is what the server asked for, if it did. ``starting`` is set if the
    server may have refused only because it has just started.
    """

    def __init__(
        self, status: int, reason: str, message: str, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        self.starting = False

    @property
    def not_found(self) -> bool:
        """Whether the object, or its kind, does not exist."""
        return self.status == 404

    @property
    def already_exists(self) -> bool:
        return self.status == 409 and self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Whether somebody else has changed the object, or created one of this name."""
        return self.status == 409

    @property
    def forbidden(self) -> bool:
        """Whether RBAC, a quota or admission refused the request, and would refuse a retry."""
        return self.status == 403 and not self.starting

    @property
    def lacks_permission(self) -> bool:
        """Whether RBAC refused the request, and not a quota, a policy or another admission."""
        return self.forbidden and re.search(r"\bcannot \w+ resource\b", self.message) is not None

    @property
    def denied(self) -> bool:
        """Whether a quota, a policy or a webhook refused the request; not all of them say 403."""
        said = re.search(r"\bdenied (the )?request\b", self.message) is not None
        return said or (self.forbidden and not self.lacks_permission)

    @property
    def invalid(self) -> bool:
        """Whether the object does not fit its schema, and would not fit it in a retry."""
        return self.status == 422

    @property
    def transient(self) -> bool:
        return self.starting or self.status == 429 or self.status >= 500


def api_error(status: int, body: bytes, retry_after: str | None = None) -> ApiError:
    """Make an error from a response, whose body may be a ``metav1.Status``."""
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        parsed = {}
    message = str(parsed.get("message") or body[:500].decode(errors="replace").strip())
    reason = str(parsed.get("reason") or "Unknown")
    try:
        delay = float(retry_after) if retry_after is not None else None
    except ValueError:  # an HTTP date, which no API server sends
        delay = None
    return ApiError(status, reason, message, delay)
