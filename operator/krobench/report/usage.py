"""What a test used: tables that follow from the catalogue of figures, and why some are missing."""

from collections.abc import Iterable, Sequence

from krobench.api import units
from krobench.figures.catalogue import ALL, FIGURES, REQUESTS_BY_KIND
from krobench.figures.figure import Figure, How, Per, Phase
from krobench.figures.reasons.samples import NotExposed
from krobench.figures.summaries import Figures, Part
from krobench.record.test import TestRecord
from krobench.report.tables import NO_VALUE, table, without_empty_columns
from krobench.report.words.figures import PROCESSES, full_title, show
from krobench.report.words.reasons import SOURCE_NAMES, reason_line
from krobench.report.words.validity import restart_line

_MOST_REQUESTS = 12
_NO_SUCH = "-"
_OF_EVERY_PROCESS = ("cpu", "memory", "goroutines", "gc", "network", "disk")
_MOST_NAMES = 6
_OF_EVERY_CONTAINER = "container_memory_working_set_bytes"
"""Figures of throttling are missing if a container has no limit, so they do not count."""

Row = tuple[str, ...]


def usage_section(test: TestRecord) -> str:
    """Return the part of a test's report on resource usage."""
    summary = test.summary
    assert summary is not None
    figures = summary.figures
    parts = [
        "### Resource usage",
        *(f"**{restart_line(restart)}.**" for restart in summary.kro_restarts),
        _processes(figures),
        _each(figures),
        _of(figures, "kro"),
        _of(figures, "apiServer", "etcd", "node"),
        _requests(summary.parts[REQUESTS_BY_KIND]),
        _of(figures, "krobench"),
        _further(figures),
        reasons_section(test),
    ]
    return "\n\n".join(part for part in parts if part)


def _processes(figures: Figures) -> str:
    """Return what every process has figures of, a column for each process."""
    rows: dict[str, dict[str, Figure]] = {}
    for figure in FIGURES:
        process, _, tail = figure.name.partition(".")
        if process in PROCESSES and _is_of_every_process(tail):
            rows.setdefault(tail, {})[process] = figure
    header = ("run phase, median of iterations", *PROCESSES.values())
    return _known(
        header,
        (
            (
                _label(next(iter(row.values()))),
                *(_cell(figures, row.get(process)) for process in PROCESSES),
            )
            for row in rows.values()
        ),
    )


def _each(figures: Figures) -> str:
    """Return the costs of an instance and of an RGD."""
    rows = (
        (
            full_title(figure),
            *(
                _change(figures, ALL[f"{per}.{figure.name}"]) if per in figure.also else _NO_SUCH
                for per in (Per.INSTANCE, Per.RGD)
            ),
        )
        for figure in FIGURES
        if {Per.INSTANCE, Per.RGD} & set(figure.also)
    )
    return _known(("for each", "instance (run phase)", "RGD (set-up phase)"), rows)


def _of(figures: Figures, *processes: str) -> str:
    """Return what else is known of processes in the run phase."""
    rows = (
        (_label(figure, full=process != processes[0]), _cell(figures, figure))
        for figure in FIGURES
        if (process := figure.name.partition(".")[0]) in processes
        if process not in PROCESSES or not _is_of_every_process(figure.name.partition(".")[2])
    )
    name = PROCESSES.get(processes[0], processes[0])
    return _known((f"{name}, run phase", "value"), rows)


def _requests(counts: Sequence[Part]) -> str:
    if not counts:
        return ""
    rows = [(*part.name.split(" ", 1), units.number(part.value)) for part in counts]
    rest = sum(part.value for part in counts[_MOST_REQUESTS:])
    shown: list[Row] = [*rows[:_MOST_REQUESTS]]
    if rest:
        shown.append(("others", "", units.number(rest)))
    return table(("requests of the last iteration", "resource", "count"), shown)


def _further(figures: Figures) -> str:
    """Return the figures of the set-up, and those that only this suite has."""
    rows: list[Row] = [
        (full_title(figure), _cell(figures, figure))
        for figure in FIGURES
        if figure.phase is Phase.SET_UP
    ]
    own = (name for name in figures.root if name.startswith("prometheus."))
    rows += [(f"`{name}`", show(name, figures.root[name])) for name in own]
    return _known(("further figures, median of iterations", "value"), rows)


def _is_of_every_process(tail: str) -> bool:
    return tail.partition(".")[0] in _OF_EVERY_PROCESS


def _label(figure: Figure, *, full: bool = False) -> str:
    ends = {How.LEVEL: ", mean / p95 / max (change)"}
    end = ends.get(figure.how, ", mean / p95 / max" if figure.statistics else "")
    return (full_title(figure) if full else figure.title) + end


def _cell(figures: Figures, figure: Figure | None) -> str:
    if figure is None:
        return _NO_SUCH
    if not figure.statistics:
        return show(figure.name, figures[figure])
    mean, p95, largest = figures[figure.mean], figures[figure.p95], figures[figure.max]
    if mean is None and largest is None:
        return units.NOT_AVAILABLE
    shown = [show(figure.name, mean), _NO_SUCH, show(figure.name, largest)]
    if p95 is not None:
        shown[1] = show(figure.name, p95)
    change = figures[figure.delta] if "delta" in figure.statistics else None
    end = "" if change is None else f" ({_signed(figure.name, change)})"
    return " / ".join(shown) + end


def _change(figures: Figures, figure: Figure) -> str:
    value = figures[figure]
    signed = figure.how is How.CHANGE and value is not None
    return _signed(figure.name, value) if signed else show(figure.name, value)


def _signed(name: str, value: float | None) -> str:
    return f"+{show(name, value)}" if value is not None and value > 0 else show(name, value)


def _known(header: Row, rows: Iterable[Row]) -> str:
    """Return the table without rows and columns that give no figure; the reasons are at the end."""
    kept = [row for row in rows if not {*row[1:]} <= NO_VALUE]
    return table(*without_empty_columns(header, kept)) if kept else ""


def reasons_section(test: TestRecord) -> str:
    """Return why figures of measured iterations are missing, a line for each reason."""
    names: dict[str, list[str]] = {}
    for iteration in test.iterations:
        if iteration.warmup:
            continue
        not_in_pods = {
            reason.process
            for reason in iteration.unavailable.values()
            if isinstance(reason, NotExposed)
            if reason.process is not None and reason.metric == _OF_EVERY_CONTAINER
        }
        for name, reason in iteration.unavailable.items():
            if isinstance(reason, NotExposed) and reason.process in not_in_pods:
                line = f"the kubelet shows no container of {SOURCE_NAMES[reason.process]}"
            else:
                line = reason_line(reason)
            known = names.setdefault(line, [])
            if name not in known:
                known.append(name)
    if not names:
        return ""
    lines = []
    for line, each in names.items():
        more = len(each) - _MOST_NAMES
        others = f" and {more} others" if more > 0 else ""
        lines.append(f"- {', '.join(each[:_MOST_NAMES])}{others}: {line}")
    return "Not available in some iteration:\n\n" + "\n".join(lines)
