"""The files of the dashboards, which the chart ships as ConfigMaps."""

import json
from pathlib import Path

from scripts.dashboards import fleet, kro, run, trends

DIRECTORY = Path(__file__).parents[2] / "helm" / "krobench" / "files" / "dashboards"
DASHBOARDS = (kro.DASHBOARD, run.DASHBOARD, trends.DASHBOARD, fleet.DASHBOARD)


def files() -> dict[Path, str]:
    """Each file with its content."""
    return {
        DIRECTORY / f"{each.uid}.json": json.dumps(each.json(), indent=1) + "\n"
        for each in DASHBOARDS
    }


def write() -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for path, text in files().items():
        path.write_text(text)
