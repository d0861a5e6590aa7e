"""``krobench report``: a run as Markdown or as a page."""

import tempfile
import webbrowser
from contextlib import suppress
from pathlib import Path

from krobench.analysis.profiling.pprof import Profile, ProfileError, decode
from krobench.cli.charts import drawing
from krobench.cli.errors import CliError
from krobench.cli.sources import FoundRun
from krobench.figures.profile import ProfileFile
from krobench.record.run import RunRecord
from krobench.report import markdown
from krobench.report.html import run as page


def report_of(run: FoundRun, *, html: bool) -> str:
    """Return the report of a run, as Markdown or as an HTML page.

    Raises:
        CliError: if its raw lines cannot be read.
    """
    return page_of(run) if html else markdown.render(run.record)


def page_of(run: FoundRun) -> str:
    """Return a run as an HTML page, with its raw lines and profiles.

    Raises:
        CliError: if they cannot be read.
    """
    with drawing() as library:
        objects, samples = run.lines()
        raw = page.Raw(objects, samples, _cpu_profiles(run))
        return page.render(run.record, raw, library)


def _cpu_profiles(run: FoundRun) -> dict[str, Profile]:
    """Return the CPU profiles that are stored, by test; those that can't be read are left out."""
    found = {}
    for test in run.record.tests:
        key = ProfileFile.CPU.key(test.name)
        if key in run.record.parts:
            with suppress(ProfileError, CliError):
                found[test.name] = decode(run.file(key))
    return found


def new_page(run: RunRecord) -> Path:
    """Return a new file for the page of a run, in the directory for temporary files."""
    directory = Path(tempfile.mkdtemp(prefix="krobench-"))
    return directory / f"{run.name}.html"


def open_in_browser(page: Path) -> None:
    """Open a page in the user's browser.

    Raises:
        CliError: if there is no browser.
    """
    if not webbrowser.open(page.resolve().as_uri()):
        raise CliError(f"no browser could be started: open {page} yourself")
