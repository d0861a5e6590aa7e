"""Tables, in Markdown and for a terminal."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; whatever stands in a cell stays in it."""
    lines = [_row(header), _row(["---"] * len(header)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table for a terminal: its outer columns begin, the inner ones end
    below each other."""
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
