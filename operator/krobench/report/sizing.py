"""What kro needs for a wanted scale, for a terminal."""

from functools import partial

from krobench.analysis.krosettings import helm_values
from krobench.api import units
from krobench.api.yaml import dump
from krobench.findings.sizing import SizedFigure, Sizing
from krobench.report.intervals import spanned
from krobench.report.tables import aligned, bullets
from krobench.report.words.sizing import FIGURES, basis_line, note_paragraph


def text(sizing: Sizing) -> str:
    """Return a sizing in words."""
    kro = f", kro {sizing.kro_version}" if sizing.kro_version else ""
    head = (
        f"{sizing.workload}{kro}: {units.counted(sizing.instances, 'instance')} of "
        f"{units.counted(sizing.rgds, 'RGD')}, {units.rate(sizing.instances_per_second)}"
    )
    figures = [each for each in (sizing.memory, sizing.cpu, sizing.workers) if each is not None]
    rows = [_row(each) for each in figures]
    settings = [(each.name, each.current or "-", each.advised) for each in sizing.settings]
    values = dump(helm_values(sizing.settings)).rstrip()
    blocks = [
        head,
        "\n".join(aligned([("figure", "estimate", "range", ""), *rows])),
        "\n".join(
            f"  {FIGURES[each.figure]}: {'; '.join(map(basis_line, each.from_))}"
            for each in figures
        ),
        "\n".join(aligned([("setting", "now", "for this scale"), *settings])),
        "Values of kro's chart:\n\n" + "\n".join(f"  {line}" for line in values.splitlines()),
        bullets(map(note_paragraph, sizing.notes)),
    ]
    return "\n\n".join(blocks) + "\n"


def plain(sizing: Sizing) -> dict[str, object]:
    """Return a sizing as data, with the text of its notes and the values of kro's chart."""
    data = sizing.model_dump(by_alias=True, mode="json", exclude_none=True)
    for note, shown in zip(sizing.notes, data["notes"], strict=True):
        shown["text"] = note_paragraph(note)
    return {**data, "helmValues": helm_values(sizing.settings)}


def _row(figure: SizedFigure) -> tuple[str, str, str, str]:
    value, between = _show(figure, figure.value), "-"
    if figure.low is not None and figure.high is not None and figure.low < figure.high:
        value, between = spanned(figure.value, figure.low, figure.high, partial(_show, figure))
    remark = "extrapolated" if figure.extrapolated else "within measured sizes"
    return (FIGURES[figure.figure], value, between, remark)


def _show(figure: SizedFigure, value: float | None, digits: int = units.DIGITS) -> str:
    if figure.unit == "bytes":
        return units.size(value, digits)
    cores = " cores" if figure.unit == "cores" else ""
    return units.number(value, digits) + cores
