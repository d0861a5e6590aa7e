"""A chart as it stands on the page."""

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Chart:
    """A chart and what it shows."""

    title: str
    note: str
    svg: str
    """Empty where there is nothing to show."""

    @property
    def markup(self) -> Markup:
        """Return the drawing as a part of the page."""
        return Markup(self.svg)  # noqa: S704 - our own, with all text in it escaped
