"""Tables and sections, in Markdown and for a terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from krobench.api import units

Quantity = Literal["seconds", "bytes", "per_second", "cores", "number"]

_UNITS: dict[Quantity, Sequence[tuple[float, str]]] = {
    "seconds": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "bytes": ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B")),
    "per_second": ((1.0, ""),),
    "cores": ((1.0, ""),),
    "number": ((1.0, ""),),
}


NO_VALUE = frozenset({units.NOT_AVAILABLE, "-"})
"""What cells without a value have."""


@dataclass(frozen=True)
class Column:
    """The values of one quantity under a heading, all in one unit."""

    heading: str
    cells: Sequence[str]


def column(heading: str, values: Iterable[float | None], quantity: Quantity) -> Column:
    """Return a column of values in the unit that fits their median, which the heading names."""
    all_of = list(values)
    known = sorted(abs(value) for value in all_of if value)
    middle = known[len(known) // 2] if known else 1.0
    fitting = _UNITS[quantity]
    factor, unit = next((each for each in fitting if middle >= each[0]), fitting[-1])
    cells = [units.number(None if value is None else value / factor) for value in all_of]
    return Column(f"{heading}, {unit}" if unit and known else heading, cells)


def columns(*each: Column) -> str:
    """Return a table of columns with a cell for each row."""
    return table([one.heading for one in each], zip(*(one.cells for one in each), strict=True))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cell contents are escaped so that they can't break out of their cell."""
    return "\n".join([_row(header), _row(["---"] * len(header)), *map(_row, rows)])


def without_empty_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows without columns that give no value; the first one stays."""
    kept = [
        place
        for place in range(len(header))
        if place == 0 or not {row[place] for row in rows} <= NO_VALUE
    ]
    return [header[place] for place in kept], [[row[place] for place in kept] for row in rows]


def section(title: str, *parts: str, level: int = 2) -> str:
    """Return a section with those of its parts that aren't empty; empty without any."""
    kept = [part for part in parts if part]
    return "\n\n".join([f"{'#' * level} {title}", *kept]) if kept else ""


def bullets(lines: Iterable[str]) -> str:
    """Return a list with an item for each line."""
    return "\n".join(f"- {line}" for line in lines)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table for a terminal: outer columns left-aligned, inner ones right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    outer = (0, len(widths) - 1)
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if column in outer else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
