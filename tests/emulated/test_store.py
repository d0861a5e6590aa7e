"""Results in a store: a real S3 server, or a directory as the volume."""

import asyncio
import shutil
from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from doubles.cluster import MemoryCluster
from emulated.test_failures import TESTS, stored
from emulated.test_load import quick, run_suite
from objectstore import KEYS, S3Server, s3, s3_of_session

from krobench.api.common import TEST_LABEL, ErrorInfo
from krobench.api.kinds import RunKind, ScheduleRef
from krobench.api.status import Verdict
from krobench.api.storage import STORAGE_CONFIG_MAP, STORAGE_KEY, Storage
from krobench.cli import cluster as cli_cluster
from krobench.cli.errors import CliError
from krobench.cli.history import history_of
from krobench.cli.kept import fetch_history
from krobench.cli.names import RunName
from krobench.cli.sides import read_sides
from krobench.cli.sources import fetch_lines, fetch_run
from krobench.kube.client import JsonObject
from krobench.load.lifecycle import RGDS_PATH
from krobench.loadjob import archive
from krobench.record.reading import read_as, read_json
from krobench.record.run import RunRecord, RunState
from krobench.record.store import read_objects
from krobench.storage.files import Files
from krobench.storage.runs import HEAD_FILE, RUN_FILE

__all__ = ["quick", "s3", "s3_of_session"]  # fixtures

NAME = RunName(RunKind.BENCHMARK, "default", "bench")
RESULTS = "/api/v1/namespaces/default/configmaps/bench-results"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def show(monkeypatch: pytest.MonkeyPatch, cluster: MemoryCluster) -> None:
    """Let the commands read this cluster, in which the run has its status."""
    cluster.objects["/apis/bench.kro.run/v1alpha1/namespaces/default/krobenchmarks/bench"] = {
        "metadata": {"name": "bench", "namespace": "default"},
        "status": {"resultsRef": {"namespace": "default", "name": "bench-results"}},
    }
    monkeypatch.setattr(cli_cluster, "load_client_config", lambda: None)
    monkeypatch.setattr(cli_cluster, "KubeClient", lambda *_, **__: cluster)


def runs_in(server: S3Server) -> list[Path]:
    return sorted((server.bucket / "clusters/test/default/krobenchmarks/bench").glob("*"))


async def read(call: Any, *arguments: Any) -> Any:
    """Call a command as it is called without an event loop."""
    return await asyncio.to_thread(call, *arguments)


async def test_results_in_a_bucket_are_read_back_by_every_command(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = MemoryCluster()
    record = await run_suite(cluster, TESTS, storage=s3.storage)
    assert record.verdict is Verdict.PASSED
    assert record.warnings == []
    assert not cluster.objects[RESULTS].get("binaryData")
    [folder] = runs_in(s3)
    names = {file.name for file in folder.iterdir()}
    assert names == {RUN_FILE, HEAD_FILE, "objects.jsonl.gz", "series.jsonl.gz"} & names
    assert {RUN_FILE, HEAD_FILE, "objects.jsonl.gz"} <= names

    show(monkeypatch, cluster)
    shown = await read(fetch_run, NAME)
    objects, _ = await read(fetch_lines, shown)
    assert {line.test for line in objects} == {test["name"] for test in TESTS}
    [head] = await read(fetch_history, NAME)
    assert (head.run.id, head.run.verdict) == (record.id, Verdict.PASSED)
    assert record.id[:8] in await read(partial(history_of, NAME, html=False))
    [side] = await read(read_sides, ["history:default/bench"], "default")
    [one] = await read(read_sides, ["default/bench"], "default")
    assert side.runs == one.runs


async def test_results_in_a_bucket_outlive_the_cluster(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await run_suite(MemoryCluster(), TESTS, storage=s3.storage)
    monkeypatch.setenv("KROBENCH_STORE", "s3://results/clusters/test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.location.endpoint)
    assert (await read(fetch_run, NAME)).id == record.id
    assert len((await read(fetch_lines, record))[0]) > 0
    assert len(await read(fetch_history, NAME)) == 1


async def test_keys_of_the_runs_namespace_are_enough(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = s3.storage.model_copy(update={"reader_secret_name": "reader"})
    cluster = MemoryCluster()
    await run_suite(cluster, TESTS, storage=storage)
    announced = cluster.objects[f"/api/v1/namespaces/default/configmaps/{STORAGE_CONFIG_MAP}"]
    assert "writer" not in str(announced)
    show(monkeypatch, cluster)
    for name in KEYS:
        monkeypatch.delenv(name)
    with pytest.raises(CliError, match="Secret default/reader"):
        await read(fetch_history, NAME)
    cluster.objects["/api/v1/namespaces/default/secrets/reader"] = {
        "metadata": {"name": "reader", "namespace": "default"},
        "data": {name: b64encode(value.encode()).decode() for name, value in KEYS.items()},
    }
    assert len(await read(fetch_history, NAME)) == 1


async def test_runs_in_config_maps_are_read_though_a_store_is_not_within_reach(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = MemoryCluster()
    volume = Storage(claim_name="results").model_dump_json(by_alias=True, exclude_none=True)
    cluster.objects[f"/api/v1/namespaces/default/configmaps/{STORAGE_CONFIG_MAP}"] = {
        "metadata": {"name": STORAGE_CONFIG_MAP, "namespace": "default"},
        "data": {STORAGE_KEY: volume},
    }
    show(monkeypatch, cluster)
    with pytest.raises(CliError, match="PersistentVolumeClaim results"):
        await read(fetch_history, NAME)
    record = await run_suite(cluster, TESTS, results={"retention": {"runs": 2}})
    show(monkeypatch, cluster)
    [head] = await read(fetch_history, NAME)
    assert head.run.id == record.id
    assert "PersistentVolumeClaim results" in caplog.text


def in_config_maps(cluster: MemoryCluster, reason: str) -> RunRecord:
    """Check that nothing measured is lost, and that the record says why it is not in the store."""
    record = stored(cluster)
    assert record.state is RunState.COMPLETED
    assert record.verdict is Verdict.PASSED
    assert record.store is None
    assert isinstance(record.store_error, ErrorInfo)
    assert record.store_error.reason == reason
    assert [warning for warning in record.warnings if reason in warning]
    tests = {line.test for line in read_objects([cluster.objects[RESULTS]])}
    assert tests == {test["name"] for test in TESTS}
    return record


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_SECRET_ACCESS_KEY", "another"), ("AWS_ACCESS_KEY_ID", "two\nlines")]
)
async def test_wrong_keys_cost_no_result(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    cluster = MemoryCluster()
    await run_suite(cluster, TESTS, storage=s3.storage)
    in_config_maps(cluster, "StoreForbidden")


async def test_authorities_that_are_no_certificates_cost_no_result(s3: S3Server) -> None:
    cluster = MemoryCluster()
    location = s3.location.model_copy(update={"ca_bundle": "no certificate"})
    await run_suite(cluster, TESTS, storage=s3.storage.model_copy(update={"s3": location}))
    in_config_maps(cluster, "StoreUnreachable")


async def test_a_secret_without_keys_costs_no_result(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    cluster = MemoryCluster()
    await run_suite(cluster, TESTS, storage=s3.storage)
    record = in_config_maps(cluster, "StoreForbidden")
    assert "Secret writer" in str(record.store_error)


async def test_a_server_that_is_away_costs_no_result(s3: S3Server) -> None:
    s3.stop()
    cluster = MemoryCluster()
    retention = {"retention": {"runs": 2}}
    await run_suite(cluster, TESTS, storage=s3.storage, results=retention)
    in_config_maps(cluster, "StoreUnreachable")
    assert any("bench-run-" in path for path in cluster.objects)


class InSecondTest(MemoryCluster):
    """Something happens when the second test begins."""

    def __init__(self, happens: Any) -> None:
        super().__init__()
        self.happens = happens

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        second = body.get("metadata", {}).get("labels", {}).get(TEST_LABEL) == "b"
        if verb == "create" and second and path == RGDS_PATH and self.happens:
            happens, self.happens = self.happens, None
            happens()
        await super().admit(verb, path, body)


async def test_a_bucket_that_vanishes_costs_no_result(s3: S3Server) -> None:
    cluster = InSecondTest(s3.drop_bucket)
    await run_suite(cluster, TESTS, storage=s3.storage)
    in_config_maps(cluster, "BucketNotFound")


async def test_a_server_that_comes_back_gets_all_results(s3: S3Server) -> None:
    s3.stop()
    cluster = InSecondTest(s3.start)
    record = await run_suite(cluster, TESTS, storage=s3.storage)
    assert record.store is not None
    assert record.store_error is None
    [folder] = runs_in(s3)
    assert (folder / HEAD_FILE).exists()
    assert (folder / "objects.jsonl.gz").exists()


async def test_files_that_were_deleted_meanwhile_are_stored_again(s3: S3Server) -> None:
    cluster = InSecondTest(lambda: shutil.rmtree(s3.bucket / "clusters"))
    record = await run_suite(cluster, TESTS, storage=s3.storage)
    assert record.store is not None
    [folder] = runs_in(s3)
    assert {file.name for file in folder.iterdir()} >= {RUN_FILE, HEAD_FILE, *record.store.files}


@pytest.mark.parametrize("writes", range(4))
async def test_a_load_job_that_is_killed_between_two_files_leaves_a_readable_run(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    class Killed(BaseException):
        pass

    left = writes

    async def write(files: Files, path: str, data: bytes) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        await whole_write(files, path, data)

    whole_write = Files.write
    monkeypatch.setattr(Files, "write", write)
    with pytest.raises(Killed):
        await run_suite(MemoryCluster(), TESTS, storage=s3.storage)
    for folder in runs_in(s3):
        raw = read_json((folder / RUN_FILE).read_bytes(), RUN_FILE)
        run = read_as(RunRecord, raw, RUN_FILE)
        assert run.state is RunState.RUNNING
        assert run.store is not None
        assert {file.name for file in folder.iterdir()} >= set(run.store.files)
        assert not (folder / HEAD_FILE).exists()


async def test_only_as_many_runs_are_kept_as_the_spec_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "VOLUME_PATH", str(tmp_path))
    schedule = ScheduleRef("default", "nightly", "schedule-uid")
    volume = Storage(claim_name="results")
    folder = tmp_path / "default/krobenchmarkschedules/nightly"
    (folder / "20200101T000000Z-half").mkdir(parents=True)
    (folder / "20200101T000000Z-half" / RUN_FILE).write_text("{}")
    for number in range(3):
        (folder / f"2021010{number + 1}T000000Z-old").mkdir()
        (folder / f"2021010{number + 1}T000000Z-old" / HEAD_FILE).write_text("{}")
    await run_suite(
        MemoryCluster(),
        TESTS,
        schedule=schedule,
        storage=volume,
        results={"retention": {"runs": 2}},
    )
    kept = sorted(each.name for each in folder.glob("*") if any(each.iterdir()))
    assert kept[0] == "20210103T000000Z-old"
    assert len(kept) == 2


async def test_earlier_runs_in_the_store_are_a_baseline(s3: S3Server) -> None:
    spec: dict[str, Any] = {
        "baseline": {"previousRuns": 1},
        "results": {"retention": {"runs": 1}},
    }
    await run_suite(MemoryCluster(), TESTS, storage=s3.storage, **spec)
    [folder] = runs_in(s3)
    earlier = folder.with_name("20260101T000000Z-earlier")
    folder.rename(earlier)
    head = (earlier / HEAD_FILE).read_text()
    (earlier / HEAD_FILE).write_text(head.replace(stored_id(head), "earlier"))
    record = await run_suite(MemoryCluster(), TESTS, storage=s3.storage, **spec)
    assert record.comparison is not None
    assert record.comparison.refused is None
    assert record.comparison.old_runs == ["default/bench (earlier)"]


def stored_id(head: str) -> str:
    return str(read_json(head, HEAD_FILE)["run"]["id"])
