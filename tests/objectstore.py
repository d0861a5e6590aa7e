"""A real S3 server over a directory of this machine, for tests of results in object storage."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from krobench.api.storage import CREDENTIALS, S3Location, Storage
from krobench.storage.files import Files, bucket
from testbed.build import S3
from testbed.paths import Cache, default_cache_dir

BUCKET = "results"
KEYS = dict(zip(CREDENTIALS, ("krobench-writer", "a-secret-of-tests"), strict=True))
_STARTS_WITHIN_SECONDS = 20.0


@dataclass
class S3Server:
    """The server, its one bucket, and its access key."""

    root: Path
    address: str = "127.0.0.1"
    port: int = 0
    remembers: str = "1ms"
    """How long it takes its directory for unchanged. With 0s, it stops answering."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def bucket(self) -> Path:
        """The directory that is the bucket."""
        return self.root / BUCKET

    @property
    def location(self) -> S3Location:
        """The bucket, with a prefix."""
        endpoint = f"http://{self.address}:{self.port}"
        return S3Location(bucket=BUCKET, prefix="clusters/test", endpoint=endpoint)

    @property
    def storage(self) -> Storage:
        return Storage(s3=self.location, secret_name="writer")

    @property
    def files(self) -> Files:
        return bucket(self.location, KEYS)

    def start(self) -> None:
        """Start it, on a free port the first time and on the same one after that."""
        if not self.port:
            with closing(socket.socket()) as free:
                free.bind((self.address, 0))
                self.port = free.getsockname()[1]
        self.bucket.mkdir(parents=True, exist_ok=True)
        program = S3.ensure(Cache(default_cache_dir())) / "s3"
        key = ",".join(KEYS.values())
        command: list[str | Path] = [
            program,
            "serve",
            "s3",
            "--addr",
            f"{self.address}:{self.port}",
        ]
        options = ["--auth-key", key, "--config", "/dev/null", "--dir-cache-time", self.remembers]
        log = self.root.with_name(f"{self.root.name}.log").open("ab")
        self._process = subprocess.Popen([*command, *options, self.root], stdout=log, stderr=log)
        deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
        while True:
            with suppress(OSError), socket.create_connection((self.address, self.port), 1):
                return
            assert self._process.poll() is None, "the S3 server ended"
            assert time.monotonic() < deadline, "the S3 server does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        """Give it an empty bucket."""
        shutil.rmtree(self.bucket, ignore_errors=True)
        self.bucket.mkdir()

    def drop_bucket(self) -> None:
        shutil.rmtree(self.bucket)


@pytest.fixture(scope="session")
def s3_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if shutil.which("go") is None and not S3.is_built(Cache(default_cache_dir())):
        pytest.skip("the S3 server is built with Go")
    # The suite's environment must not reach the client: no proxy, no keys of the user's own.
    os.environ["NO_PROXY"] = "*"
    server = S3Server(tmp_path_factory.mktemp("s3") / "root")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_of_session: S3Server) -> S3Server:
    """The server with an empty bucket; it runs, whatever the test before did to it."""
    s3_of_session.stop()
    s3_of_session.empty()
    s3_of_session.start()
    return s3_of_session
