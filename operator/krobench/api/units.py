"""Numbers for display: three significant digits and a fitting unit."""

NOT_AVAILABLE = "not available"

_SECONDS = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (120.0, 1.0, "s"))


def seconds(value: float | None) -> str:
    """A duration, such as ``412 ms`` or ``2.31 s``."""
    if value is None:
        return NOT_AVAILABLE
    if value == 0:
        return "0 µs"
    for limit, factor, unit in _SECONDS:
        if abs(value) < limit:
            return f"{_significant(value * factor)} {unit}"
    minutes, rest = divmod(round(abs(value)), 60)
    return f"{'-' if value < 0 else ''}{minutes} min {rest} s"


def size(value: float | None) -> str:
    """A number of bytes, such as ``48.2 MiB``."""
    if value is None:
        return NOT_AVAILABLE
    for limit, factor, unit in ((2**10, 1, "B"), (2**20, 2**10, "KiB"), (2**30, 2**20, "MiB")):
        if abs(value) < limit:
            return f"{_significant(value / factor)} {unit}"
    return f"{_significant(value / 2**30)} GiB"


def number(value: float | None) -> str:
    return NOT_AVAILABLE if value is None else _significant(value)


def counted(count: int, noun: str) -> str:
    """A number of things, such as ``1 test`` or ``12 tests``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def rate(value: float | None) -> str:
    """A number per second."""
    return NOT_AVAILABLE if value is None else f"{_significant(value)}/s"


def percent(value: float | None) -> str:
    """A ratio as a percentage."""
    return NOT_AVAILABLE if value is None else f"{_significant(value * 100)} %"


def _significant(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.2e}"


def metric(name: str, value: float | None) -> str:
    """The value of a metric, with the unit that its name ends with."""
    quantity = name.partition("_per_")[0]
    if quantity.endswith("_seconds"):
        return seconds(value)
    if quantity.endswith("_bytes"):
        return size(value)
    return number(value)
