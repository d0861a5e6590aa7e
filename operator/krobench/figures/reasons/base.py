"""What all reasons have in common, and how those of older versions are read."""

from typing import Any, Literal

from pydantic import ConfigDict

from krobench.api.common import ApiModel


class Reason(ApiModel):
    """A code with what it rests on; each reason has a code of its own."""

    model_config = ConfigDict(frozen=True)

    code: str


class QuotedReason(Reason):
    """What an older krobench stored as text; reports print it as it is."""

    code: Literal["Quoted"] = "Quoted"
    text: str


def quoted(stored: Any) -> Any:
    """Return a reason as it is stored now; older versions stored a sentence."""
    return {"code": "Quoted", "text": stored} if isinstance(stored, str) else stored
