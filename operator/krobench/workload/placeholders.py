"""Placeholders in values, labels and annotations: what differs between instances.

They are in angle brackets, which Helm, Argo CD, Flux, kustomize and kro leave alone. ``{{index}}``
and ``{{round}}`` are an older spelling of ``<index>`` and ``<round>``.
"""

import random
import re
from dataclasses import dataclass
from typing import Any

from krobench.workload.blueprint import WorkloadError
from krobench.workload.simpleschema import Field

_NUMBER = re.compile(r"<(index|round)([+-]\d{1,9})?>|\{\{(index|round)\}\}")
_CHOICE = re.compile(r"<(each|random):([^<>]+)>")
_RANGE = re.compile(r"(-?\d{1,9})\.\.(-?\d{1,9})")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Turn:
    """What placeholders stand for in one instance."""

    index: int
    round: int | None = None
    """None if nothing is updated: the placeholder stays as it is."""
    seed: int = 0

    def fill(self, text: str) -> str:
        """Return the text with its placeholders replaced."""
        return _CHOICE.sub(self._chosen, _NUMBER.sub(self._number, text))

    def _number(self, found: re.Match[str]) -> str:
        value = self.index if "index" in found.group() else self.round
        return found.group() if value is None else str(value + int(found[2] or 0))

    def _chosen(self, found: re.Match[str]) -> str:
        how, text = found.groups()
        within = _RANGE.fullmatch(text.strip())
        low, high = (int(within[1]), int(within[2])) if within else (0, text.count(","))
        count = max(1, high - low + 1)
        # Seeded to be repeatable.
        rng = random.Random(f"{self.seed}/{self.index}/{self.round}/{text}")  # noqa: S311
        at = (self.index + (self.round or 0)) % count if how == "each" else rng.randrange(count)
        return str(low + at) if within else text.split(",")[at].strip()


def filled(value: Any, turn: Turn, schema: Field | None, path: str) -> Any:
    """Return a value with its placeholders replaced, as the schema's types.

    Raises:
        WorkloadError: if a field needs a number or a boolean, and does not get one; it names
            ``path``.
    """
    if isinstance(value, dict):
        return {
            key: filled(item, turn, schema.at((key,)) if schema else None, f"{path}.{key}")
            for key, item in value.items()
        }
    if isinstance(value, list):
        inner = schema.item if schema else None
        return [filled(item, turn, inner, f"{path}[{at}]") for at, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    text = turn.fill(value)
    if text == value or schema is None or schema.type not in ("integer", "float", "boolean"):
        return text
    return _typed(text, schema.type, path)


def _typed(text: str, wanted: str, path: str) -> int | float | bool:
    try:
        match wanted:
            case "integer":
                return int(text)
            case "float":
                return float(text)
            case _:
                return _BOOLEANS[text]
    except (KeyError, ValueError) as error:
        raise WorkloadError(
            f"{path}: the RGD wants {'an' if wanted == 'integer' else 'a'} {wanted}, and the "
            f"placeholders make {text!r}: change them"
        ) from error
