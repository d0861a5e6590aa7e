"""Generates the pages of ``docs/reference/`` that follow from the models, the chart and the CLI.

The patch of Argo CD's ConfigMap is generated, too.

Run ``make docs`` after a change of a field, a chart value or a command. A unit test fails when a
page is stale.
"""

from pathlib import Path

from krobench.api.kinds import RunKind, ScheduleKind
from scripts.reference import argocd
from scripts.reference.cli import cli_page
from scripts.reference.figures import figures_page, findings_page, renamed_figures_page
from scripts.reference.installation import VALUES, chart_readme, metrics_page, values_page
from scripts.reference.markdown import ROOT
from scripts.reference.resources import resource_page

DIRECTORY = ROOT / "docs" / "reference"


def pages() -> dict[Path, str]:
    """The content of each generated page."""
    by_name = {
        "krobenchmark.md": resource_page(RunKind.BENCHMARK),
        "kroscaletest.md": resource_page(RunKind.SCALE_TEST),
        "krobenchmarkschedule.md": resource_page(ScheduleKind.SCHEDULE),
        "values.md": values_page(),
        "cli.md": cli_page(),
        "metrics.md": metrics_page(),
        "figures.md": figures_page(),
        "findings.md": findings_page(),
        "renamed-figures.md": renamed_figures_page(),
    }
    reference = {DIRECTORY / name: page for name, page in by_name.items()}
    return {
        **reference,
        VALUES.with_name("README.md"): chart_readme(),
        argocd.DIRECTORY / "argocd-cm.yaml": argocd.config_map_patch(),
    }
