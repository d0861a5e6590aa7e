"""What is wrong with a spec, by the path of each field and in words of our own."""

import re

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from krobench.api.notation import DURATION_PATTERN

PERCENTAGE_PATTERN = r"^(0\.[1-9]|[1-9][0-9]?(\.[0-9])?)%$"
DNS_LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

_SHOULD = re.compile(r"^(?:Input|String|List|Dictionary) should ")
_MESSAGES = {
    "missing": "must be set",
    "extra_forbidden": "unknown field",
    "model_type": "must be an object",
    "dict_type": "must be an object",
}
_PATTERN_MESSAGES = {
    DURATION_PATTERN: "must be a duration such as 90s, 10m or 1h30m",
    PERCENTAGE_PATTERN: "must be a percentage above 0% and below 100%, such as 5% or 2.5%",
    DNS_LABEL_PATTERN: "must consist of lower-case letters, digits and '-', and start and end with "
    "a letter or digit",
}


class FieldError(ValueError):
    """A spec breaks a rule; ``field`` is the path of the field to change."""

    def __init__(self, field: str, words: str) -> None:
        """``field`` starts at the model whose validator raises this."""
        super().__init__(f"{field}: {words}")
        self.field = field
        self.words = words


def refusals(error: ValidationError, path: str = "spec") -> list[str]:
    """Return a sentence for each problem, such as ``spec.sizes.from: must be …``.

    ``path`` is that of the object that was validated.
    """
    return [_refusal(problem, path) for problem in error.errors()]


def words_of(problem: ErrorDetails) -> str:
    """Return what is wrong with a field, without its name."""
    context = problem.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, FieldError):
        return cause.words
    if isinstance(cause, ValueError):
        return str(cause)
    known = _MESSAGES.get(problem["type"]) or _PATTERN_MESSAGES.get(context.get("pattern", ""))
    return known or _SHOULD.sub("must ", problem["msg"]).replace(" after validation", "")


def _refusal(problem: ErrorDetails, path: str) -> str:
    cause = problem.get("ctx", {}).get("error")
    named = (cause.field,) if isinstance(cause, FieldError) else ()
    return f"{field_path((path, *problem['loc'], *named))}: {words_of(problem)}"


_KEY = "[key]"
"""What pydantic appends to the location of a key."""


def field_path(location: tuple[int | str, ...]) -> str:
    """Return the path of a field, such as ``tests[0].name``, from pydantic's location.

    A key that is wrong is the last part of its path, as a value that is wrong would be.
    """
    fields = (part for part in location if part != _KEY)
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in fields)
    return "".join(parts).removeprefix(".")
