"""What is wrong with a spec, by the field's path and in words that are not pydantic's."""

import re

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from krobench.api.common import FieldError, field_path

_SHOULD = re.compile(r"^(?:Input|String|List|Dictionary) should ")
_WORDS = {
    "missing": "must be set",
    "extra_forbidden": "there is no such field",
    "model_type": "must be an object",
    "dict_type": "must be an object",
}


def refusals(error: ValidationError, path: str = "spec") -> list[str]:
    """Return a sentence for each thing that is wrong, as ``spec.sizes.from: must be …``.

    ``path`` is that of what was validated.
    """
    return [_refusal(problem, path) for problem in error.errors()]


def words_of(problem: ErrorDetails) -> str:
    """Return what is wrong with a field, without its name."""
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, FieldError):
        return cause.words
    if isinstance(cause, ValueError):
        return str(cause)
    message = _SHOULD.sub("must ", problem["msg"]).replace(" after validation", "")
    return _WORDS.get(problem["type"], message)


def _refusal(problem: ErrorDetails, path: str) -> str:
    cause = problem.get("ctx", {}).get("error")
    named = (cause.field,) if isinstance(cause, FieldError) else ()
    return f"{field_path((path, *problem['loc'], *named))}: {words_of(problem)}"
