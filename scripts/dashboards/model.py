"""Grafana's dashboards as data, and their JSON.

No library: those for Python either number their releases by those of Grafana, newest last, or have
had none since 2024. Grafana's own types check the JSON (``tests/unit/deploy/grafana``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

COLUMNS = 24
_SCHEMA = 39  # of Grafana 11
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}

Json = dict[str, Any]


class Unit(StrEnum):
    """Grafana's name of a unit."""

    NUMBER = "short"
    SECONDS = "s"
    BYTES = "bytes"
    RATIO = "percentunit"
    PER_SECOND = "ops"
    TIME = "dateTimeAsIso"


@dataclass(frozen=True)
class Query:
    expression: str
    legend: str = ""


class Kind(StrEnum):
    """How a panel shows its queries."""

    GRAPH = "timeseries"
    STAT = "stat"
    TABLE = "table"


@dataclass(frozen=True)
class Panel:
    title: str
    about: str
    unit: Unit
    queries: tuple[Query, ...]
    kind: Kind = Kind.GRAPH
    width: int = 8
    height: int = 8
    stacked: bool = False
    columns: tuple[tuple[str, str, Unit], ...] = ()
    """Of a table: each label or value that is shown, its title and its unit."""


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """A choice of values of a label; by default all."""

    name: str
    label: str
    query: str


@dataclass(frozen=True)
class Dashboard:
    uid: str
    title: str
    about: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    since: str = "now-1h"
    refresh: str = "30s"
    annotations: tuple[tuple[str, Query], ...] = ()
    """Names of moments, and queries whose values are times in milliseconds."""

    @property
    def queries(self) -> Iterator[tuple[str, str]]:
        """Title and expression of every query."""
        for row in self.rows:
            for panel in row.panels:
                for query in panel.queries:
                    yield f"{row.title}: {panel.title}", query.expression
        for name, query in self.annotations:
            yield f"annotation: {name}", query.expression

    def json(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["kro", "krobench"],
            "schemaVersion": _SCHEMA,
            "editable": True,
            "graphTooltip": 1,
            "refresh": self.refresh,
            "time": {"from": self.since, "to": "now"},
            "timezone": "browser",
            "annotations": {"list": [_annotation(*each) for each in self.annotations]},
            "templating": {"list": [_datasource(), *map(_variable, self.variables)]},
            "links": [
                {
                    "type": "dashboards",
                    "title": "krobench",
                    "tags": ["krobench"],
                    "asDropdown": True,
                    "includeVars": True,
                    "keepTime": True,
                    "icon": "external link",
                    "tooltip": "",
                    "url": "",
                    "targetBlank": False,
                }
            ],
            "panels": list(_panels(self.rows)),
        }


@dataclass(frozen=True)
class Place:
    """Where a row's title or a panel is, in units of Grafana's grid."""

    left: int
    top: int
    width: int
    height: int


def places(rows: Sequence[Row]) -> Iterator[tuple[Row | Panel, Place]]:
    """Yield each row's title and each panel with its place, from left to right."""
    top = 0
    for row in rows:
        yield row, Place(0, top, COLUMNS, 1)
        top += 1
        left, tallest = 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top, tallest = 0, top + tallest, 0
            yield panel, Place(left, top, panel.width, panel.height)
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _panels(rows: Sequence[Row]) -> Iterator[Json]:
    for number, (what, place) in enumerate(places(rows), 1):
        grid = {"x": place.left, "y": place.top, "w": place.width, "h": place.height}
        if isinstance(what, Panel):
            yield {"id": number, "gridPos": grid, **_panel(what)}
        else:
            yield {
                "id": number,
                "type": "row",
                "title": what.title,
                "collapsed": False,
                "gridPos": grid,
                "panels": [],
            }


def _panel(panel: Panel) -> Json:
    made: Json = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "targets": [
            _target(query, chr(ord("A") + index), panel.kind)
            for index, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": _OPTIONS[panel.kind],
    }
    if panel.kind is Kind.GRAPH:
        stacking = "normal" if panel.stacked else "none"
        made["fieldConfig"]["defaults"] |= {
            "min": 0,
            "custom": {
                "fillOpacity": 30 if panel.stacked else 5,
                "showPoints": "never",
                "stacking": {"mode": stacking, "group": "A"},
            },
        }
    if panel.kind is Kind.TABLE:
        made |= _table(panel)
    return made


def _target(query: Query, ref: str, kind: Kind) -> Json:
    table = kind is Kind.TABLE
    return {
        "refId": ref,
        "datasource": _SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "range": kind is Kind.GRAPH,
        "instant": kind is not Kind.GRAPH,
        "format": "table" if table else "time_series",
    }


def _table(panel: Panel) -> Json:
    """Join the queries by their labels, one row each, and show only the wanted columns."""
    names = {name: title for name, title, _ in panel.columns}
    overrides = [
        {
            "matcher": {"id": "byName", "options": title},
            "properties": [{"id": "unit", "value": unit}],
        }
        for _, title, unit in panel.columns
    ]
    return {
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": overrides},
        "transformations": [
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": list(names)}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {name: index for index, name in enumerate(names)},
                    "renameByName": names,
                },
            },
        ],
    }


_OPTIONS: dict[Kind, Json] = {
    Kind.GRAPH: {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    Kind.STAT: {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "auto",
        "justifyMode": "auto",
        "orientation": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    },
    Kind.TABLE: {"showHeader": True, "cellHeight": "sm", "frameIndex": 0},
}


def _annotation(name: str, query: Query) -> Json:
    return {
        "name": name,
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": query.expression,
        "titleFormat": name,
        "textFormat": query.legend,
        "useValueForTime": True,
    }


def _datasource() -> Json:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "hide": 0,
        "refresh": 1,
        "regex": "",
    }


def _variable(variable: Variable) -> Json:
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": variable.query, "refId": "A"},
        "definition": variable.query,
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "regex": "",
        "multi": True,
        "includeAll": True,
        # Also series without the label: a Prometheus of one cluster often has no label cluster.
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }
