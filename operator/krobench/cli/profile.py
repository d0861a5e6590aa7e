"""``krobench profile``: a raw profile of kro."""

from krobench.cli.errors import CliError
from krobench.cli.sources import FoundRun
from krobench.figures.profile import ProfileFile
from krobench.report.words.reasons import reason_line


def profile_of(found: FoundRun, test: str | None, file: ProfileFile) -> bytes:
    """Return a raw profile of a test; ``test`` can be None if only one test has such a profile.

    Raises:
        CliError: if there is none, or several tests have one.
    """
    run = found.record
    tests = [item.name for item in run.tests if run.has_file(file.key(item.name))]
    if test is None and len(tests) > 1:
        raise CliError(f"several tests have a {file} profile: set --test to {' or '.join(tests)}")
    chosen = test if test is not None else next(iter(tests), None)
    if chosen in tests:
        return found.file(file.key(chosen))
    what = f"test {test} of {run.name}" if test else run.name
    reasons = {
        reason_line(reason)
        for item in run.tests
        if item.profile is not None and test in {None, item.name}
        for reason in item.profile.unavailable.values()
    }
    detail = "; ".join(sorted(reasons)) or "set spec.collect.profiles to take profiles"
    raise CliError(f"{what} has no {file} profile: {detail}")
