import pytest
from unit.controller.world import record

from krobench.cli import sources
from krobench.cli.errors import CliError
from krobench.cli.profile import profile_of
from krobench.cli.sources import FetchedRun
from krobench.figures.profile import ProfileFile, TestProfile
from krobench.record.run import RunRecord, RunState

KEY = ProfileFile.CPU.key


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """A finished run with two tests, which have no profiles."""
    run = record(RunState.COMPLETED)
    run.tests.append(run.tests[0].model_copy(update={"name": "b"}))

    monkeypatch.setattr(sources, "fetch_file", lambda run, key: key.encode())
    return run


def test_the_only_profile_needs_no_test(run: RunRecord) -> None:
    run.parts = {KEY("b"): ["maps"]}
    assert profile_of(FetchedRun(run), None, ProfileFile.CPU) == b"profile.b.cpu.pb.gz"


def test_of_several_tests_one_has_to_be_named(run: RunRecord) -> None:
    run.parts = {KEY("a"): ["maps"], KEY("b"): ["maps"]}
    with pytest.raises(CliError, match="several tests have a cpu profile: set --test to a or b"):
        profile_of(FetchedRun(run), None, ProfileFile.CPU)
    assert profile_of(FetchedRun(run), "a", ProfileFile.CPU) == b"profile.a.cpu.pb.gz"


def test_a_profile_that_is_not_there_is_explained(run: RunRecord) -> None:
    with pytest.raises(CliError, match=r"has no cpu profile: set spec\.collect"):
        profile_of(FetchedRun(run), None, ProfileFile.CPU)
    run.tests[0].profile = TestProfile(unavailable={"cpu": "kro has no pprof"})
    with pytest.raises(CliError, match="has no cpu profile: kro has no pprof"):
        profile_of(FetchedRun(run), "a", ProfileFile.CPU)
