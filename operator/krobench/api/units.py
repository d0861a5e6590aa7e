"""Numbers for display: three significant digits, or fewer, and a fitting unit."""

import re

NOT_AVAILABLE = "not available"
DIGITS = 3

_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|[KMG]iB|[mµ]?s|min|h|CPUs?|nodes?)(?:\W|$))")
_SECONDS = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (120.0, 1.0, "s"))


def seconds(value: float | None, digits: int = DIGITS) -> str:
    """A duration, such as ``412 ms`` or ``2.31 s``."""
    if value is None:
        return NOT_AVAILABLE
    if value == 0:
        return "0 µs"
    for limit, factor, unit in _SECONDS:
        if abs(value) < limit:
            return f"{_significant(value * factor, digits)} {unit}"
    minutes, rest = divmod(round(abs(value)), 60)
    return f"{'-' if value < 0 else ''}{minutes} min" + (f" {rest} s" if rest else "")


def size(value: float | None, digits: int = DIGITS) -> str:
    """A number of bytes, such as ``48.2 MiB``."""
    if value is None:
        return NOT_AVAILABLE
    for limit, factor, unit in ((2**10, 1, "B"), (2**20, 2**10, "KiB"), (2**30, 2**20, "MiB")):
        if abs(value) < limit:
            return f"{_significant(value / factor, digits)} {unit}"
    return f"{_significant(value / 2**30, digits)} GiB"


def number(value: float | None, digits: int = DIGITS) -> str:
    return NOT_AVAILABLE if value is None else _significant(value, digits)


def counted(count: int, noun: str) -> str:
    """A number of things, such as ``1 test`` or ``12 tests``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def rate(value: float | None, digits: int = DIGITS) -> str:
    """A number per second."""
    return NOT_AVAILABLE if value is None else f"{_significant(value, digits)}/s"


def percent(value: float | None, digits: int = DIGITS) -> str:
    """A ratio as a percentage."""
    return NOT_AVAILABLE if value is None else f"{_significant(value * 100, digits)} %"


def _significant(value: float, digits: int) -> str:
    if digits < DIGITS:
        value = float(f"{value:.{digits}g}")
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.2e}"


def unbroken(text: str) -> str:
    """Return a text whose lines do not end between a number and its unit."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text)


def metric(name: str, value: float | None) -> str:
    """The value of a metric, with the unit that its name ends with."""
    quantity = name.partition("_per_")[0]
    if quantity.endswith("_seconds"):
        return seconds(value)
    if quantity.endswith("_bytes"):
        return size(value)
    return number(value)
