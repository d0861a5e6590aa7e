"""How values are written as text: command lines of Go programs, names of labelled metrics."""

import re
from collections.abc import Iterator, Mapping, Sequence


def flags(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield each flag with its value, be that in the same word or in the next.

    Words that belong to no flag come by themselves.
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
    """Return the name of a flag; None for a word that is none.

    Which dashes it begins with makes no difference, as Go's ``flag`` makes none.
    """
    if not word.startswith("-") or not word.strip("-"):
        return None
    return word.lstrip("-").partition("=")[0]


def flag_values(words: Sequence[str]) -> dict[str, str | None]:
    """Return values by flag; None for one without a value. Of a flag given twice, the last counts,
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
