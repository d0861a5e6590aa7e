"""How values are written as text: durations, Go command lines, names of labelled metrics."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import durationpy

DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
"""Durations as in Go, without signs and without units that nobody needs here."""


def duration(text: str) -> timedelta:
    """Parse a duration such as ``90s`` or ``1h30m``.

    Raises:
        ValueError: if ``text`` is not a duration.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"invalid duration {text!r}: use one such as 90s, 10m or 1h30m")
    parsed: timedelta = durationpy.from_str(text)
    return parsed


def duration_seconds(text: str) -> float:
    return duration(text).total_seconds()


def flags(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield each flag with its value, which may be in the same word or in the next one.

    A word that is not part of a flag is yielded on its own.
    """
    position = 0
    while position < len(words):
        word = words[position]
        following = words[position + 1 : position + 2]
        alone = flag_name(word) is None or "=" in word or not following
        taken = 1 if alone or following[0].startswith("-") else 2
        yield list(words[position : position + taken])
        position += taken


def flag_name(word: str) -> str | None:
    """Return the name of a flag; None if the word is not a flag.

    ``-name`` and ``--name`` are the same, as in Go's ``flag`` package.
    """
    if not word.startswith("-") or not word.strip("-"):
        return None
    return word.lstrip("-").partition("=")[0]


def flag_values(words: Sequence[str]) -> dict[str, str | None]:
    """Return values by flag; None for a flag without a value. The last of several values counts,
    as in Go."""
    values: dict[str, str | None] = {}
    for found in flags(words):
        name = flag_name(found[0])
        if name is not None:
            _, separator, value = found[0].partition("=")
            values[name] = value if separator else next(iter(found[1:]), None)
    return values


_LABEL = re.compile(r'(\w+)="([^"]*)"')


def labelled(metric: str, labels: Mapping[str, str]) -> str:
    """Return a name such as ``requests_total{verb="LIST",resource="pods"}``."""
    if not labels:
        return metric
    return metric + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def labels_of(name: str) -> dict[str, str]:
    """Return the labels in a name that :func:`labelled` made."""
    return dict(_LABEL.findall(name))
