import io
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from doubles.cluster import MemoryApi
from rich.console import Console
from typer.testing import CliRunner, Result
from unit.controller.world import SCALE_SPEC, record

from krobench.api.kinds import RunKind, RunRef
from krobench.cli import run as module
from krobench.cli import sources as sources_module
from krobench.cli.cluster import results_of
from krobench.cli.errors import CliError
from krobench.cli.main import app
from krobench.cli.names import RunName
from krobench.cli.run import ExitCode, Finished, follow, progress_display, read_manifest, run_file
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.timing import Timing
from krobench.kube.transport import NO_RETRIES
from krobench.record.run import RunState

KEY = RunRef(RunKind.BENCHMARK, "default", "bench")
GOOD = "kind: KroBenchmark\nmetadata: {name: x}\nspec: {tests: []}\n"


def test_a_file_with_one_benchmark_is_read_into_the_default_namespace(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(GOOD)
    assert read_manifest(path)["metadata"] == {"name": "x", "namespace": "default"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{GOOD}---\n{GOOD}", "has 2 documents"),
        ("", "has 0 documents"),
        ("kind: Pod\nmetadata: {name: x}\n", "must contain a KroBenchmark or KroScaleTest"),
        ("kind: KroBenchmark\n", "metadata.name"),
        ("kind: KroBenchmark\nmetadata:\nspec: {}\n", "metadata.name"),
        ("a: [", "b.yaml"),
    ],
)
def test_any_other_file_is_refused_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(text)
    with pytest.raises(CliError, match=words):
        read_manifest(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"none\.yaml"):
        read_manifest(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("Passed", ExitCode.PASSED),
        ("Failed", ExitCode.FAILED),
        ("Invalid", ExitCode.INVALID),
        ("Error", ExitCode.ERROR),
        (None, ExitCode.ERROR),
    ],
)
def test_the_exit_code_says_the_verdict(verdict: str | None, code: ExitCode) -> None:
    assert Finished(KEY, {"verdict": verdict}).exit_code is code


def ended(verdict: str) -> dict[str, Any]:
    """Return a run that has ended, without results."""
    conditions = [{"type": "Finished", "status": "True"}]
    status = {"phase": "Completed", "verdict": verdict, "conditions": conditions}
    return {"metadata": {"name": "x"}, "status": status}


@pytest.mark.parametrize(
    ("verdict", "code"), [("Passed", 0), ("Failed", 1), ("Invalid", 3), ("Error", 4)]
)
def test_waiting_for_a_run_of_somebody_else_ends_with_its_verdict(
    verdict: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KubeClient", lambda *_, **__: MemoryApi({PATH: ended(verdict)}))
    monkeypatch.setattr(module, "load_client_config", object)
    monkeypatch.setattr(sources_module, "fetch_run", lambda *_: record(RunState.COMPLETED))
    done = krobench("wait", "x")
    assert done.exit_code == code
    assert "default/bench" in done.output


@pytest.mark.parametrize(
    ("arguments", "resources", "code"),
    [
        (("wait", "y"), {}, ExitCode.ERROR),
        (("wait", "x", "--timeout=1ms"), {"metadata": {"name": "x"}}, ExitCode.ERROR),
        (("wait", "x", "--timeout=soon"), {}, ExitCode.ERROR),
        (("wait",), {}, 2),
        (("run",), {}, 2),
    ],
)
def test_without_a_verdict_the_exit_code_is_that_of_an_error_or_of_wrong_usage(
    arguments: tuple[str, ...],
    resources: dict[str, Any],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    objects = {PATH: resources} if resources else {}
    monkeypatch.setattr(module, "KubeClient", lambda *_, **__: MemoryApi(objects))
    monkeypatch.setattr(module, "load_client_config", object)
    assert krobench(*arguments).exit_code == code


PATH = "/apis/bench.kro.run/v1alpha1/namespaces/default/krobenchmarks/x"
HELD = {"metadata": {"name": "x", "finalizers": ["somebody/else"]}}


def test_a_benchmark_that_is_not_deleted_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(GOOD)
    monkeypatch.setattr(module, "KubeClient", lambda *_, **__: MemoryApi({PATH: HELD}))
    monkeypatch.setattr(module, "load_client_config", object)
    with pytest.raises(CliError, match=r"^KroBenchmark default/x was not deleted within 0\.01s: "):
        run_file(path, 3600.0, replace=True, timing=Timing(resource_deleted=0.01))


def krobench(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were run; each run passes."""
    files: list[Path] = []

    def run(path: Path, timeout_seconds: float | None, *, replace: bool) -> Finished:
        del timeout_seconds, replace
        files.append(path)
        return Finished(KEY, {"verdict": "Passed"})

    monkeypatch.setattr(module, "run_file", run)
    monkeypatch.setattr(sources_module, "fetch_run", lambda *_: record(RunState.COMPLETED))
    return files


def test_a_missing_directory_is_an_error_before_the_run_starts(
    tmp_path: Path, started: list[Path]
) -> None:
    done = krobench("run", "--file=b.yaml", f"--junit={tmp_path}/none/out.xml")
    assert done.exit_code == ExitCode.ERROR
    assert "does not exist" in done.output
    assert started == []


@pytest.mark.parametrize("option", ["junit", "markdown"])
def test_a_file_that_cannot_be_written_is_an_error_and_the_report_is_shown(
    tmp_path: Path, started: list[Path], option: str
) -> None:
    done = krobench("run", "--file=b.yaml", f"--{option}={tmp_path}")  # a directory
    assert done.exit_code == ExitCode.ERROR
    assert f"cannot write {tmp_path}" in done.output
    assert "Passed: default/bench" in done.output
    assert started == [Path("b.yaml")]


def test_the_file_of_an_earlier_run_is_removed_if_the_run_fails(
    tmp_path: Path,
) -> None:
    junit = tmp_path / "out.xml"
    junit.write_text("<testsuite/>")
    done = krobench("run", f"--file={tmp_path}/none.yaml", f"--junit={junit}")
    assert done.exit_code == ExitCode.ERROR
    assert "none.yaml: No such file or directory" in done.output
    assert not junit.exists()


class Interrupted(MemoryApi):
    """A cluster in which somebody presses Ctrl-C once the run was created."""

    async def admit(self, verb: str, path: str, body: dict[str, Any]) -> None:
        if verb == "get":
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_the_command_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(GOOD)
    monkeypatch.setattr(module, "KubeClient", lambda *_, **__: Interrupted())
    monkeypatch.setattr(module, "load_client_config", object)
    # In the background, where this may run, there is no Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = krobench("run", f"--file={path}")
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.exit_code == 130
    assert "stop it with kubectl delete krobenchmark x --namespace=default" in done.output


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path, started: list[Path]) -> None:
    done = krobench("report", "bench", "--output", f"{tmp_path}/none/out.md")
    assert done.exit_code == ExitCode.ERROR
    assert "out.md: No such file or directory" in done.output
    assert started == []


def test_a_scale_test_is_waited_for_until_after_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.yaml"
    spec = SCALE_SPEC | {"budget": {"duration": "2h"}}
    path.write_text(
        yaml.safe_dump({"kind": "KroScaleTest", "metadata": {"name": "x"}, "spec": spec})
    )
    waited = []

    async def run(
        manifest: dict[str, Any], timeout_seconds: float, timing: Timing, *, replace: bool
    ) -> Finished:
        waited.append(timeout_seconds)
        return Finished(RunRef(RunKind.SCALE_TEST, "default", "x"), {"verdict": "Passed"})

    monkeypatch.setattr(module, "_run", run)
    assert run_file(path, None, replace=False).exit_code is ExitCode.PASSED
    run_file(path, 5.0, replace=False)
    assert waited == [3 * 3600.0, 5.0]


class Restarted(MemoryApi):
    """Its API server restarts, and answers only after that."""

    def __init__(self, last: ApiError | None = None) -> None:
        finished = {"conditions": [{"type": "Finished", "status": "True"}]}
        super().__init__({PATH: {"metadata": {"name": "x"}, "status": finished}})
        starting = ApiError(403, "Forbidden", "no roles yet")
        starting.starting = True
        busy = ApiError(503, "ServiceUnavailable", "not all paths are there yet")
        self.policy = NO_RETRIES
        self.errors = [ApiUnreachableError("refused"), starting, busy, *([last] if last else [])]

    async def admit(self, verb: str, path: str, body: dict[str, Any]) -> None:
        if self.errors:
            raise self.errors.pop(0)


async def test_a_restart_of_the_api_server_does_not_end_the_command() -> None:
    at_once = Timing(status_poll=0.0)
    assert "conditions" in await follow(Restarted(), PATH, at_once)
    denied = Restarted(ApiError(403, "Forbidden", "no"))
    with pytest.raises(ApiError, match="Forbidden"):
        await follow(denied, PATH, at_once)


@pytest.mark.parametrize(
    ("there", "kind", "words"),
    [
        ((), None, "KroBenchmark or KroScaleTest default/x not found"),
        (
            (),
            RunKind.SCALE_TEST,
            "KroScaleTest default/x not found: run kubectl get",
        ),
        (
            tuple(RunKind),
            None,
            "is both a KroBenchmark and a KroScaleTest: use krobenchmark/default/x or ",
        ),
        (tuple(RunKind), RunKind.SCALE_TEST, "KroScaleTest default/x has no results"),
        ((RunKind.SCALE_TEST,), None, "KroScaleTest default/x has no results"),
    ],
)
async def test_a_name_is_looked_up_among_both_kinds(
    there: tuple[RunKind, ...], kind: RunKind | None, words: str
) -> None:
    collection = "/apis/bench.kro.run/v1alpha1/namespaces/default"
    run = {"metadata": {"name": "x"}, "status": {"message": "it is queued"}}
    client = MemoryApi({f"{collection}/{each.plural}/x": run for each in there})
    with pytest.raises(CliError, match=words):
        await results_of(client, RunName(kind, "default", "x"))


STATUS: dict[str, Any] = {
    "phase": "Running",
    "progress": "2/4",
    "message": "web: iteration 3 of 4",
    "tests": [
        {"name": "web", "phase": "Running", "iterations": "1/3"},
        {"name": "wide", "phase": "Succeeded", "iterations": "3/3", "instanceReadyP50Seconds": 1.5},
    ],
}

SCALE_STATUS: dict[str, Any] = {
    "phase": "Running",
    "progress": "4/9",
    "size": "1/3 (20)",
    "message": "instances-20: repetition 1",
    "sizes": [
        {"size": 10, "verdict": "Met", "iterations": "1/1", "instanceReadyP99Seconds": 1.5},
        {"size": 20, "verdict": "Running", "iterations": "0/0"},
    ],
}


def shown(*, terminal: bool, status: dict[str, Any] = STATUS, width: int = 120) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width)
    with progress_display(console) as show:
        show({})
        show(status)
        show(status)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_pipeline_gets_a_line_for_each_change() -> None:
    assert shown(terminal=False).splitlines() == ["Running 2/4 web: iteration 3 of 4"]


def test_a_terminal_gets_a_bar_and_the_tests_that_have_ended() -> None:
    text = shown(terminal=True)
    assert "2/4" in text
    assert text.count("wide: Succeeded after 3/3 iterations, ready p50 1.5 s") == 1


def test_of_a_scale_test_the_sizes_are_shown() -> None:
    lines = shown(terminal=False, status=SCALE_STATUS).splitlines()
    assert lines == ["Running size 1/3 (20): instances-20: repetition 1"]
    text = shown(terminal=True, status=SCALE_STATUS)
    assert text.count("10: Met (1/1), ready p99 1.5 s") == 1
    assert "20: Running" not in text


LIVE = {
    "instances": 100,
    "instancesReady": 50,
    "instanceReadyP50Seconds": 1.23,
    "kroCpuCores": 1.2,
    "kroMemoryBytes": 123_000_000,
    "remainingAtMostSeconds": 1500,
}
VARIANTS = [{"name": "two", "verdict": "Inconclusive", "message": "Inconclusive, after 8 blocks"}]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_terminal_shows_the_time_that_is_left_at_most_whatever_its_width(width: int) -> None:
    status = SCALE_STATUS | {"phase": "CleaningUp", "progress": "104/124", "live": LIVE}
    text = shown(terminal=True, status=status, width=width)
    assert "about 25 min left at most" in text
    assert "ready p50 1.23 s" in text
    assert "…" not in text


@pytest.mark.parametrize("terminal", [True, False])
def test_each_look_at_variants_is_shown_once(terminal: bool) -> None:
    text = shown(terminal=terminal, status=STATUS | {"variants": VARIANTS, "live": LIVE})
    assert text.count("two: Inconclusive, after 8 blocks") == 1
    assert "about 25 min left at most" in text
