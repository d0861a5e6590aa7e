"""What figures are called, from the one catalogue."""

from collections.abc import Callable

from krobench.api import units
from krobench.figures.catalogue import OF_NAME
from krobench.figures.figure import Figure, Per, Phase, Unit, unit_of
from krobench.figures.latencies import LATENCIES
from krobench.figures.summaries import Timed

PROCESSES = {"kro": "kro", "apiServer": "API server", "etcd": "etcd"}
_SHOW: dict[Unit, Callable[[float | None], str]] = {
    Unit.SECONDS: units.seconds,
    Unit.BYTES: units.size,
    Unit.RATIO: units.percent,
    Unit.PER_SECOND: units.rate,
}
_COUNTS = (".n", ".censored")
_ENDS = {Per.INSTANCE: " per instance", Per.RGD: " per RGD"}


def full_title(figure: Figure) -> str:
    """Return a title that says whose figure it is."""
    return _whose(figure, figure.title)


def title(name: str) -> str:
    """Return what a number is called; an unknown name, such as a stored title, as it is."""
    figure = OF_NAME.get(name)
    if figure is not None:
        return _title(figure, name, figure.title)
    latency, statistic = latency_of(name)
    return name if latency is None else f"{latency.title} {statistic}"


def short_title(name: str) -> str:
    """Return the same, as short as comparisons and sentences have it."""
    figure = OF_NAME.get(name)
    return title(name) if figure is None else _title(figure, name, figure.short or figure.title)


def latency_of(name: str) -> tuple[Timed | None, str]:
    """Return the latency of a name such as ``latency.instanceReady.p99``, and the statistic."""
    if not name.startswith("latency."):
        return None, ""
    latency, _, statistic = name.removeprefix("latency.").partition(".")
    return LATENCIES.get(latency), statistic


def unit_shown(name: str) -> Unit:
    """Return the unit of a figure or latency by its name."""
    if name.startswith("latency.") and not name.endswith(_COUNTS):
        return Unit.SECONDS
    return unit_of(name)


def show(name: str, value: float | None) -> str:
    """Show a figure or latency in the unit of its name."""
    return _SHOW.get(unit_shown(name), units.number)(value)


def _title(figure: Figure, name: str, words: str) -> str:
    statistic = name.removeprefix(figure.name).lstrip(".")
    set_up = ", set-up" if figure.phase is Phase.SET_UP and figure.per is None else ""
    end = "" if figure.per is None else _ENDS[figure.per]
    return _whose(figure, words) + (f", {statistic}" if statistic else "") + set_up + end


def _whose(figure: Figure, words: str) -> str:
    name = next((n for p, n in PROCESSES.items() if f".{p}." in f".{figure.name}"), "")
    return words if not name or name in words else f"{name} {words}"
