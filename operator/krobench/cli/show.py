"""What commands print about runs: reports, profiles and sizings."""

import tempfile
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import orjson

from krobench.analysis.profiling.pprof import Profile, ProfileError, decode
from krobench.analysis.sizing.growth import SizingError
from krobench.analysis.sizing.size import Wanted, size_for
from krobench.api.yaml import dump
from krobench.cli.charts import drawing
from krobench.cli.errors import CliError
from krobench.cli.sources import (
    RunName,
    fetch_file,
    fetch_lines,
    fetch_run,
    load_file,
    parse_stored,
)
from krobench.figures.profile import ProfileFile
from krobench.record.baseline import Baseline
from krobench.record.run import RunRecord
from krobench.report import markdown, sizing
from krobench.report.html import page
from krobench.report.words.reasons import reason_line
from krobench.report.words.sizing import sizing_refusal_line


def report_of(name: RunName, *, html: bool) -> str:
    """Return the report of a run, as Markdown or as an HTML page.

    Raises:
        CliError: if the run has no results.
    """
    run = fetch_run(name)
    return page_of(run) if html else markdown.render(run)


def page_of(run: RunRecord) -> str:
    """Return a run as an HTML page, with its raw lines and profiles.

    Raises:
        CliError: if they cannot be fetched.
    """
    objects, samples = fetch_lines(run)
    return page.render(run, page.Raw(objects, samples, _cpu_profiles(run)), drawing())


def _cpu_profiles(run: RunRecord) -> dict[str, Profile]:
    """Return the CPU profiles that are stored, by test; those that can't be read are left out."""
    found = {}
    for test in run.tests:
        key = ProfileFile.CPU.key(test.name)
        if key in run.parts:
            with suppress(ProfileError):
                found[test.name] = decode(fetch_file(run, key))
    return found


def new_page(name: RunName) -> Path:
    """Return a new file for the page of a run, in the directory for temporary files."""
    directory = Path(tempfile.mkdtemp(prefix="krobench-"))
    return directory / f"{name.name}.html"


def open_in_browser(page: Path) -> None:
    """Open a page in the user's browser.

    Raises:
        CliError: if there is no browser.
    """
    if not webbrowser.open(page.resolve().as_uri()):
        raise CliError(f"no browser could be started: open {page} yourself")


def profile_of(name: RunName, test: str | None, file: ProfileFile) -> bytes:
    """Return a raw profile of a test; ``test`` can be None if only one test has such a profile.

    Raises:
        CliError: if there is none, or several tests have one.
    """
    run = fetch_run(name)
    tests = [item.name for item in run.tests if run.has_file(file.key(item.name))]
    if test is None and len(tests) > 1:
        raise CliError(f"several tests have a {file} profile: set --test to {' or '.join(tests)}")
    chosen = test if test is not None else next(iter(tests), None)
    if chosen in tests:
        return fetch_file(run, file.key(chosen))
    what = f"test {test} of {run.name}" if test else run.name
    reasons = {
        reason_line(reason)
        for item in run.tests
        if item.profile is not None and test in {None, item.name}
        for reason in item.profile.unavailable.values()
    }
    detail = "; ".join(sorted(reasons)) or "set spec.collect.profiles to take profiles"
    raise CliError(f"{what} has no {file} profile: {detail}")


def sizing_of(
    files: Sequence[Path],
    names: Sequence[RunName],
    wanted: Wanted,
    output: Literal["text", "json", "yaml"],
) -> str:
    """Return what kro needs for a wanted scale, from the records in files and of runs.

    Raises:
        CliError: if a record cannot be read, or they are not enough for a sizing.
    """
    records = []
    for file in files:
        stored = parse_stored(load_file(file), file)
        if isinstance(stored, Baseline):
            raise CliError(f"{file} is a baseline: use the run.json of a run instead")
        records.append(stored)
    records += [fetch_run(name) for name in names]
    try:
        found = size_for(records, wanted)
    except SizingError as error:
        raise CliError(sizing_refusal_line(error.reason)) from error
    if output == "text":
        return sizing.text(found)
    plain = sizing.plain(found)
    if output == "yaml":
        return dump(plain)
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n"
