"""Against a real server, and a real directory."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from objectstore import KEYS, S3Server, s3, s3_of_session

from krobench.api.storage import S3Location
from krobench.storage.files import Files, MissingFileError, StoreError, bucket, directory

__all__ = ["s3", "s3_of_session"]  # fixtures


@pytest.fixture(params=["s3", "directory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        return server.files
    return directory(tmp_path)


async def test_files_are_read_as_they_were_written_last(files: Files) -> None:
    await files.write("team/a/run.json", b"1")
    await files.write("team/a/run.json", b"2")
    await files.write("team/ab/run.json", b"3")
    assert await files.read("team/a/run.json") == b"2"
    assert await files.paths("team/a") == ["team/a/run.json"]
    assert await files.paths("other") == []
    paths = ["team/a/run.json", "team/none", "team/ab/run.json"]
    found = await files.read_all(paths, lambda path, data: (path, data))
    assert found == [(paths[0], b"2"), None, (paths[2], b"3")]
    await files.delete(["team/a/run.json"])
    with pytest.raises(MissingFileError):
        await files.read("team/a/run.json")


@pytest.mark.parametrize(
    ("keys", "dropped", "reason"),
    [
        (KEYS | {"AWS_SECRET_ACCESS_KEY": "another-secret"}, False, "StoreForbidden"),
        (KEYS | {"AWS_ACCESS_KEY_ID": "somebody-else"}, False, "StoreForbidden"),
        (KEYS, True, "BucketNotFound"),
    ],
)
async def test_a_store_that_refuses_says_why(
    s3: S3Server, keys: dict[str, str], *, dropped: bool, reason: str
) -> None:
    if dropped:
        s3.drop_bucket()
    files = bucket(s3.location, keys)
    for attempt in (files.write("x", b"1"), files.paths("x"), files.read("x")):
        with pytest.raises(StoreError) as refused:
            await attempt
        assert refused.value.info.reason == reason
        assert "Debug source" not in refused.value.info.message


async def test_a_server_that_is_away_is_unreachable(s3: S3Server) -> None:
    s3.stop()
    with pytest.raises(StoreError) as away:
        await s3.files.write("x", b"1")
    assert away.value.info.reason == "StoreUnreachable"


@pytest.mark.parametrize(
    ("endpoint", "words"), [("https://{}", "TLS"), ("http://127.0.0.1:1", "refused")]
)
async def test_it_is_said_why_there_is_no_connection(
    s3: S3Server, endpoint: str, words: str
) -> None:
    own = s3.location.endpoint.removeprefix("http://")
    location = s3.location.model_copy(update={"endpoint": endpoint.format(own)})
    with pytest.raises(StoreError, match=words) as away:
        await bucket(location, KEYS).write("x", b"1")
    assert away.value.info.reason == "StoreUnreachable"


async def test_keys_may_end_with_a_line_break(s3: S3Server) -> None:
    keys = {name: f"{value}\n" for name, value in KEYS.items()}
    await bucket(s3.location, keys).write("x", b"1")


@pytest.mark.parametrize(
    ("keys", "authorities", "reason"),
    [
        ({"AWS_ACCESS_KEY_ID": "two\nlines"}, "", "StoreForbidden"),
        ({"AWS_SECRET_ACCESS_KEY": "schlüssel"}, "", "StoreForbidden"),
        ({"AWS_ACCESS_KEY_ID": ""}, "", "StoreForbidden"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "", "StoreForbidden"),
        ({}, "no certificate", "StoreUnreachable"),
    ],
)
def test_what_cannot_be_right_is_refused_at_once(
    keys: dict[str, str], authorities: str, reason: str
) -> None:
    location = S3Location(bucket="results", endpoint="https://s3.test", ca_bundle=authorities)
    with pytest.raises(StoreError) as refused:
        bucket(location, KEYS | keys)
    assert refused.value.info.reason == reason


async def test_a_directory_that_is_missing_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as missing:
        directory(tmp_path / "results")
    assert missing.value.info.reason == "StoreUnreachable"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


async def test_a_full_volume_keeps_the_file_as_it_was(small_disk: Path) -> None:
    files = directory(small_disk)
    await files.write("run.json", b"short")
    with pytest.raises(StoreError) as full:
        await files.write("run.json", bytes(200_000))
    assert full.value.info.reason == "StoreFull"
    assert await files.read("run.json") == b"short"


@pytest.fixture
def read_only_disk(small_disk: Path) -> Path:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    return small_disk


async def test_a_volume_that_is_mounted_read_only_is_refused(read_only_disk: Path) -> None:
    with pytest.raises(StoreError) as refused:
        await directory(read_only_disk).write("run.json", b"1")
    assert refused.value.info.reason == "StoreForbidden"


async def test_a_full_server_keeps_the_file_as_it_was(small_disk: Path) -> None:
    server = S3Server(small_disk / "root")
    server.start()
    try:
        await server.files.write("run.json", b"short")
        with pytest.raises(StoreError) as full:
            await server.files.write("run.json", bytes(200_000))
        assert full.value.info.reason in {"StoreFull", "StoreFailed"}
        assert await server.files.read("run.json") == b"short"
    finally:
        server.stop()
