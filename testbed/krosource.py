"""Where the source of kro comes from: a release, a working tree, or a commit of a repository."""

import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from testbed import shell, versions
from testbed.errors import SetupError

_CONTROLLER = Path("cmd/controller")
_CHART = Path("helm/Chart.yaml")


class KroSource(Protocol):
    """A kro that can be built."""

    @property
    def version(self) -> str:
        """Tells it from every other kro: a semantic version that may be an image's tag, too."""

    @contextmanager
    def checkout(self) -> Iterator[Path]:
        """Its source, for as long as the context lasts; nobody writes there."""


@dataclass(frozen=True)
class Release:
    """A version that kro has released as a Go module."""

    version: str = versions.KRO

    @contextmanager
    def checkout(self) -> Iterator[Path]:
        """The source in Go's module cache."""
        yield self._downloaded()

    def _downloaded(self) -> Path:
        problems = []
        for module in versions.KRO_MODULES:
            command = ["go", "mod", "download", "-json", f"{module}@v{self.version}"]
            finished = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
            answer = json.loads(finished.stdout or "{}")
            if "Dir" in answer:
                return Path(answer["Dir"])
            problems.append(f"    {answer.get('Error') or finished.stderr.strip()}")
        raise SetupError("\n".join([f"kro {self.version} cannot be downloaded:", *problems]))


@dataclass(frozen=True)
class WorkingTree:
    """A directory as it is now, changes that are not committed included."""

    directory: Path

    @cached_property
    def version(self) -> str:
        """The commit, and what was changed since; the contents alone if git does not know it."""
        _check_is_kro(self.directory)
        if not _has_git(self.directory):
            return f"0.0.0-tree.{self._digest(self.directory.rglob('*'))}"
        commit = _described(self.directory, "HEAD")
        if not _git(self.directory, "status", "--porcelain", "--", "."):
            return commit
        listed = _git(self.directory, "ls-files", "-z", "-co", "--exclude-standard")
        files = (self.directory / name for name in listed.split("\0") if name)
        return f"{commit}-changed.{self._digest(files)}"

    @contextmanager
    def checkout(self) -> Iterator[Path]:
        """The directory itself."""
        _check_is_kro(self.directory)
        yield self.directory

    def _digest(self, files: Iterator[Path]) -> str:
        digest = hashlib.sha256()
        for file in sorted(file for file in files if file.is_file()):
            digest.update(f"{file.relative_to(self.directory)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:10]


@dataclass(frozen=True)
class Commit:
    """What a repository holds at a commit, a branch or a tag; its working tree may differ."""

    repository: Path
    revision: str

    @cached_property
    def version(self) -> str:
        """The newest tag before the commit, the number of commits since, and the commit."""
        return _described(self.repository, self.revision)

    @contextmanager
    def checkout(self) -> Iterator[Path]:
        """A copy that is deleted again."""
        commit = _resolved(self.repository, self.revision)
        command = ["git", "-C", str(self.repository), "archive", "--format=tar", commit]
        archive = subprocess.run(command, capture_output=True, check=True).stdout
        with tempfile.TemporaryDirectory(prefix="krobench-kro-") as name:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(name, filter="data")
            _check_is_kro(Path(name))
            yield Path(name)


def _check_is_kro(directory: Path) -> None:
    for part in (_CONTROLLER, _CHART):
        if not (directory / part).exists():
            raise SetupError(f"{directory} is not a source tree of kro: it has no {part}")


def _has_git(directory: Path) -> bool:
    return shell.succeeds(["git", "-C", directory, "rev-parse", "HEAD"], timeout_seconds=30)


def _described(repository: Path, revision: str) -> str:
    """A commit as a semantic version, such as 0.9.3-120-g0302e659ede7."""
    commit = _resolved(repository, revision)
    options = ("--tags", "--long", "--always", "--abbrev=12", "--match=v[0-9]*")
    described = _git(repository, "describe", *options, commit).removeprefix("v")
    return described if re.match(r"\d+\.\d+\.\d+-", described) else f"0.0.0-g{commit[:12]}"


def _resolved(repository: Path, revision: str) -> str:
    if not _has_git(repository):
        raise SetupError(f"{repository} is not a git repository, so it has no commit {revision}")
    try:
        return _git(
            repository, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"
        )
    except SetupError:
        raise SetupError(
            f"{repository} has no commit {revision}: fetch it first, or check its name"
        ) from None


def _git(directory: Path, *arguments: str) -> str:
    return shell.run(["git", "-C", directory, *arguments]).strip()
