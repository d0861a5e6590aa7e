"""What figures are called, from the one catalogue."""

import re

from krobench.figures.catalogue import OF_NAME
from krobench.figures.figure import Figure, Per, Phase

PROCESSES = {"kro": "kro", "apiServer": "API server", "etcd": "etcd"}
_ENDS = {Per.INSTANCE: " per instance", Per.RGD: " per RGD"}
_CAPITAL = re.compile(r"(?=[A-Z])")


def full_title(figure: Figure) -> str:
    """Return a title that says whose figure it is."""
    name = next((n for p, n in PROCESSES.items() if f".{p}." in f".{figure.name}"), "")
    return figure.title if not name or name in figure.title else f"{name} {figure.title}"


def title(name: str) -> str:
    """Return what a number is called; an unknown name, such as a stored title, as it is."""
    figure = OF_NAME.get(name)
    if figure is not None:
        statistic = name.removeprefix(figure.name).lstrip(".")
        set_up = ", set-up" if figure.phase is Phase.SET_UP and figure.per is None else ""
        end = "" if figure.per is None else _ENDS[figure.per]
        return full_title(figure) + (f", {statistic}" if statistic else "") + set_up + end
    if name.startswith("latency."):
        group, _, statistic = name.removeprefix("latency.").partition(".")
        words = _CAPITAL.sub(" ", group).lower().replace("rgd", "RGD")
        return f"{words} {statistic}"
    return name
