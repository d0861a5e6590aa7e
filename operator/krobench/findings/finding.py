"""How a finding is declared and stored.

Analysis returns findings: a code, and the numbers and names that the code rests on. It writes no
sentences. ``report/words`` turns a finding into text for status, Events, Markdown, HTML and JUnit,
so each sentence exists once, and a stored record can be rendered again in better words.

To declare one, subclass :class:`Finding` with a ``code`` that is a ``Literal`` of its own and a
typed field for each number and name, in base units (seconds, bytes, ratios, counts). A field that
holds one of several findings is a union with ``Field(discriminator="code")``.

Records of ``krobench.run/v1`` stored sentences. ``record/v1.py`` turns each of them into the
finding's ``Quoted`` form, which keeps the reason and quotes the sentence.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict

from krobench.api.common import ApiModel


class Finding(ApiModel):
    """A code with the numbers and names that it rests on."""

    model_config = ConfigDict(frozen=True)

    code: str


class Quoted(Finding):
    """What an older krobench stored as text; reports print it as it is."""

    code: Literal["Quoted"] = "Quoted"
    text: str


def quoted(stored: Any) -> Any:
    """Return a finding as it is stored now; older versions stored a sentence, or an error's."""
    if isinstance(stored, Mapping) and "code" not in stored and "message" in stored:
        stored = stored["message"]
    return {"code": "Quoted", "text": stored} if isinstance(stored, str) else stored
