"""``krobench profile``: a raw profile of a run, for ``go tool pprof``."""

from krobench.cli.errors import ResultsError
from krobench.cli.names import RunName
from krobench.cli.results import fetch_file, fetch_run
from krobench.figures.profile import ProfileFile
from krobench.record.run import RunRecord


def fetch_profile(name: RunName, test: str | None, file: ProfileFile) -> bytes:
    """Return a raw profile of a test of a run; ``test`` may be None where one test has such.

    Raises:
        ResultsError: if there is none, or several tests have one.
    """
    run = fetch_run(name)
    return fetch_file(run, _key(run, test, file))


def _key(run: RunRecord, test: str | None, file: ProfileFile) -> str:
    tests = [item.name for item in run.tests if file.key(item.name) in run.parts]
    if test is None and len(tests) > 1:
        raise ResultsError(f"several tests have a {file} profile: give --test {', '.join(tests)}")
    chosen = test if test is not None else next(iter(tests), None)
    if chosen in tests:
        return file.key(chosen)
    what = f"test {test} of {run.name}" if test else run.name
    reasons = {
        reason
        for item in run.tests
        if item.profile is not None and test in {None, item.name}
        for reason in item.profile.unavailable.values()
    }
    detail = "; ".join(sorted(reasons)) or "ask for it by spec.collect.profiles"
    raise ResultsError(f"{what} has no {file} profile: {detail}")
